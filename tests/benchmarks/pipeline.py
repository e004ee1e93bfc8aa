"""The main job, timed step by step: the whole archive on an empty platform, then one new archive day at a time.

It is the job that `park run` and Dagster's schedules run, all sources and all checks included. The times of its steps
are those that Dagster itself records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

from ingestion.simulated_park.hazmat_vehicles import write_vehicle_logs
from ingestion.simulated_park.legacy_contractor import write_legacy_contractor
from ingestion.simulated_park.legacy_statistics import write_legacy_statistics
from ingestion.simulated_park.outlet_logs import write_outlet_logs
from ingestion.simulated_park.telemetry_archive import write_telemetry_archive
from lakehouse.settings import process_environment
from lakehouse.warehouse import Warehouse
from orchestration.assets.models import build_manifest
from orchestration.assets.vitals import DAYS, HOURS, READINGS
from orchestration.dagster_instance import migrate, write_instance
from orchestration.definitions import definitions
from orchestration.main_run import run_main_job
from orchestration.platform import Platform
from orchestration.services.catalogue import middle_platform_service
from orchestration.services.supervisor import Supervisor
from tests.benchmarks.archive import Arrival
from tests.benchmarks.figures import Figure, median_figure
from tests.benchmarks.sandbox import BenchmarkError

# What a reading passes on its way to the readers; a step of Dagster belongs to the first whose mark it has.
STEPS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("landing", "landing in bronze", lambda step: step == f"bronze__{READINGS}"),
    ("cleaning", "cleaning into silver", lambda step: step == f"silver__{READINGS}"),
    ("index", "index of hours and days", lambda step: step in {f"silver__{HOURS}", f"silver__{DAYS}"}),
    ("load", "load into the warehouse", lambda step: step in {f"raw__{HOURS}", f"raw__{DAYS}"}),
    ("dbt", "dbt build, all models and tests", lambda step: step == "dbt_models"),
    ("checks", "checks of all marts", lambda step: step.endswith("_is_trusted")),
    ("publish", "publication of all groups", lambda step: step.startswith("publish_")),
)
ARCHIVE_TO_MART = "archive_to_mart"
INCREMENTAL_DAY = "incremental_day"

Say = Callable[[str], None]


@dataclass(frozen=True)
class RunTimes:
    """Seconds of one main job.

    Attributes:
        whole: from its start to its end.
        steps: by the names of `STEPS`.
        other_steps: all other steps: the other sources, reports, base map.
    """

    whole: float
    steps: dict[str, float]
    other_steps: float

    @property
    def way(self) -> float:
        """Seconds of all steps that a reading passes."""
        return sum(self.steps.values())

    @property
    def between_steps(self) -> float:
        """Seconds in no step: looking for news, planning runs, writing events."""
        return self.whole - self.way - self.other_steps


def prepare_platform(platform: Platform, warehouse: Warehouse, supervisor: Supervisor) -> None:
    """Set up an empty platform and the simulated source systems beside the archive, as `park run` does."""
    home, settings = platform.home, platform.settings
    write_instance(home, warehouse)
    build_manifest(home)
    migrate(home)
    folder = home.source_systems
    write_legacy_statistics(folder, present=settings.present, seed=settings.seed, size=settings.size)
    write_legacy_contractor(folder, present=settings.present, seed=settings.seed, size=settings.size)
    write_telemetry_archive(
        folder / "telemetry_archive", last_full_day=settings.last_full_day, seed=settings.seed, size=settings.size
    )
    write_outlet_logs(folder / "outlet_monitoring", last_full_day=settings.last_full_day, seed=settings.seed)
    write_vehicle_logs(folder / "vehicle_tracking", last_full_day=settings.last_full_day, seed=settings.seed)
    service = middle_platform_service(settings, home)
    supervisor.start(service, process_environment())
    supervisor.wait_until_ready(service.name)
    home.write_addresses({service.name: str(service.address)})


def measure_pipeline(platform: Platform, arrivals: Sequence[Arrival], readings: int, say: Say) -> list[Figure]:
    """Run the main job over the whole archive, then once for each day that arrives.

    Args:
        platform: the prepared platform; its archive lacks the days of `arrivals`.
        arrivals: days that arrive later, oldest first.
        readings: readings of the archive as the first run finds it.
        say: receives a sentence before each run.

    Raises:
        BenchmarkError: a step of the main job failed.
    """
    loaded = definitions()
    say(f"main job over the whole archive, {readings:,} readings")
    first = _run(platform, loaded)
    days = []
    for number, arrival in enumerate(arrivals, start=1):
        say(f"main job for one more archive day, {number} of {len(arrivals)}")
        arrival.arrive()
        days.append(_run(platform, loaded))
    return [*_whole_archive(first, readings), *_incremental_day(days)]


def _run(platform: Platform, loaded: dg.Definitions) -> RunTimes:
    """Run the main job and read the times of its steps from Dagster's own records."""
    with dg.DagsterInstance.from_config(str(platform.home.dagster)) as instance:
        known = {run.run_id for run in instance.get_runs()}
        started = time.perf_counter()
        outcome = run_main_job(platform.home, platform, loaded, lambda *_: None)
        whole = time.perf_counter() - started
        if not outcome.success:
            sentences = "\n".join(f"{step}: {sentence[:600]}" for step, sentence in outcome.failures.items())
            message = (
                f"The main job failed, so its times mean nothing:\n{sentences}\nRun `make once` and mend it first."
            )
            raise BenchmarkError(message)
        steps, other_steps = {name: 0.0 for name, _, _ in STEPS}, 0.0
        for run in instance.get_runs():
            if run.run_id not in known:
                for record in instance.get_run_step_stats(run.run_id):
                    if record.start_time is None or record.end_time is None:  # skipped: nothing hung on it
                        continue
                    name, seconds = step_of(record.step_key), record.end_time - record.start_time
                    if name is None:
                        other_steps += seconds
                    else:
                        steps[name] += seconds
    return RunTimes(whole, steps, other_steps)


def step_of(step_key: str) -> str | None:
    """Return the name among `STEPS` that a step of Dagster belongs to; None for other sources and products."""
    return next((name for name, _, belongs in STEPS if belongs(step_key)), None)


def _whole_archive(run: RunTimes, readings: int) -> list[Figure]:
    steps = [
        Figure(f"{ARCHIVE_TO_MART}.{name}", f"· {title}", run.steps[name], 1, readings) for name, title, _ in STEPS
    ]
    return [
        Figure(ARCHIVE_TO_MART, "archive to published mart: all steps below", run.way, 1, readings),
        *steps,
        Figure(
            "first_main_job",
            "main job on an empty platform, as a whole",
            run.whole,
            1,
            readings,
            "with the other sources, report, base map and what lies between the steps",
        ),
    ]


def _incremental_day(runs: Sequence[RunTimes]) -> list[Figure]:
    title = "incremental day: one archive file lands → published"
    remark = "the whole main job: every source is asked, one has something new"
    steps = [
        median_figure(f"{INCREMENTAL_DAY}.{name}", f"· {title}", [run.steps[name] for run in runs])
        for name, title, _ in STEPS
    ]
    return [
        median_figure(INCREMENTAL_DAY, title, [run.whole for run in runs], remark=remark),
        *steps,
        median_figure(
            f"{INCREMENTAL_DAY}.other_steps",
            "· other sources, report, base map",
            [run.other_steps for run in runs],
        ),
        median_figure(
            f"{INCREMENTAL_DAY}.between_steps",
            "· between the steps: looking for news, planning, events",
            [run.between_steps for run in runs],
        ),
    ]
