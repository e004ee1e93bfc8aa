"""One run of the main job in this process, with progress for the person who waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from lakehouse.home import Home
from orchestration.jobs import MAIN_JOB
from orchestration.pending import partition_range, pending_days
from orchestration.platform import Platform

Report = Callable[[str, int, int], None]
SILENT_CONSOLE: dict[str, dict[str, dict[str, object]]] = {"loggers": {"progress": {}}}


@dataclass(frozen=True)
class RunOutcome:
    """How a run of the main job ended.

    Attributes:
        failures: step → the sentence of its error.
        failed_checks: check → what it found.
    """

    run_id: str
    success: bool
    failures: dict[str, str]
    failed_checks: dict[str, str]


def run_main_job(home: Home, platform: Platform, definitions: dg.Definitions, report: Report) -> RunOutcome:
    """Run everything that is pending, in one run over its range of partitions.

    Args:
        home: the state folder, with Dagster's instance in it.
        platform: the platform.
        definitions: the definitions.
        report: receives a sentence, the steps done and the steps in all.
    """
    job = definitions.resolve_job_def(MAIN_JOB)
    steps = len(job.all_node_defs)
    finished: set[str] = set()

    @dg.logger
    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        return _progress_logger(report, finished, steps)

    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = job.with_logger_defs({"progress": progress}).execute_in_process(
            instance=instance,
            tags=partition_range(pending_days(platform)),
            run_config=SILENT_CONSOLE,
            raise_on_error=False,
        )
    failures, checks = {}, {}
    for event in result.all_events:
        if event.is_step_failure and event.step_key:
            failures[event.step_key] = _root_cause(event)
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed:
                checks[evaluation.check_name] = evaluation.description or ""
    return RunOutcome(result.run_id, result.success, failures, checks)


def _progress_logger(report: Report, finished: set[str], steps: int) -> logging.Logger:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            event = getattr(record, "dagster_event", None)
            if event is None:
                if record.levelno == logging.INFO:
                    report(str(getattr(record, "dagster_meta", {}).get("orig_message", "")), len(finished), steps)
                return
            if event.event_type_value == "STEP_START":
                report(str(event.step_key), len(finished), steps)
            if event.event_type_value in {"STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"}:
                finished.add(str(event.step_key))
                report("", len(finished), steps)

    logger = logging.Logger("park.progress")
    logger.addHandler(Handler())
    return logger


def _root_cause(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else (event.message or "")
