"""The main job in this process: every source is brought in, then all is built, checked and published."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from ingestion.source_file import load_sources
from lakehouse.home import Home
from orchestration.jobs import BUILD_JOB, ingest_job_name
from orchestration.partitions import partition_range
from orchestration.pending import pending_days
from orchestration.platform import Platform

Report = Callable[[str, int, int], None]
STARTED_BY = {"park/started_by": "park run"}


@dataclass
class RunOutcome:
    """How the main job ended.

    Attributes:
        failures: step or check → the sentence of its error, in the order in which they happened.
    """

    failures: dict[str, str] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether every step and every check passed."""
        return not self.failures


def run_main_job(home: Home, platform: Platform, definitions: dg.Definitions, report: Report) -> RunOutcome:
    """Bring in every source, one after the other, then build and publish; a failed source does not stop the rest.

    Args:
        home: the state folder, with Dagster's instance in it.
        platform: the platform.
        definitions: the definitions.
        report: receives a sentence, the steps done and the steps in all.
    """
    sources = load_sources().values()
    names = [*(ingest_job_name(source.source) for source in sources), BUILD_JOB]
    jobs = {name: definitions.resolve_job_def(name) for name in names}
    progress = _Progress(report, sum(len(job.all_node_defs) for job in jobs.values()))
    outcome = RunOutcome()
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance, _output_into(home.logs / "main_job.log"):
        for source in sources:
            (run_by,) = {stream.partition.run_by for stream in source.streams.values()}
            tags = partition_range(run_by, pending_days(platform, source))
            _run(jobs[ingest_job_name(source.source)], instance, tags, progress, outcome)
        _run(jobs[BUILD_JOB], instance, {}, progress, outcome)
    return outcome


def _run(
    job: dg.JobDefinition, instance: dg.DagsterInstance, tags: dict[str, str], progress: _Progress, outcome: RunOutcome
) -> None:
    @dg.logger
    def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
        return progress.logger()

    result = job.with_logger_defs({"progress": progress_logger}).execute_in_process(
        instance=instance,
        tags={**tags, **STARTED_BY},
        run_config={"loggers": {"progress": {}}},
        raise_on_error=False,
    )
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed:
                outcome.failures[evaluation.check_name] = evaluation.description or "未通过"
        if event.is_step_failure and event.step_key and not event.step_key.endswith("_is_trusted"):
            outcome.failures[event.step_key] = _root_cause(event)
    if not result.success and outcome.success:
        outcome.failures[job.name] = "运行失败，详见 Dagster 页面与日志"


class _Progress:
    """Turns Dagster's log into sentences and a count of finished steps."""

    def __init__(self, report: Report, steps: int) -> None:
        self._report = report
        self._steps = steps
        self._finished: set[str] = set()

    def logger(self) -> logging.Logger:
        logger = logging.Logger("park.progress")
        handler = logging.Handler()
        handler.emit = self._receive  # type: ignore[method-assign]
        logger.addHandler(handler)
        return logger

    def _receive(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None)
        if event is None:
            if record.levelno == logging.INFO:
                self._say(str(getattr(record, "dagster_meta", {}).get("orig_message", "")))
            return
        if event.event_type_value == "STEP_START":
            self._say(str(event.step_key))
        if event.event_type_value in {"STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"}:
            self._finished.add(str(event.step_key))
            self._say("")

    def _say(self, sentence: str) -> None:
        self._report(sentence, len(self._finished), self._steps)


@contextmanager
def _output_into(log: Path) -> Iterator[None]:
    """Send what libraries print (dbt's lines, warnings) into a log while the block runs."""
    with log.open("ab") as sink:
        kept = {stream: os.dup(stream) for stream in (1, 2)}
        try:
            sys.stdout.flush()
            for stream in kept:
                os.dup2(sink.fileno(), stream)
            yield
        finally:
            sys.stdout.flush()
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)


def _root_cause(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else (event.message or "")
