"""Who works on the pieces: this process, one process a core, or the user's Spark cluster; the function is the same."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager

from lakehouse.settings import Settings
from orchestration.telemetry.memory import prepare_worker
from orchestration.telemetry.pieces import PieceJob, PieceOutcome, run_piece
from orchestration.telemetry.refresh import Mapper
from orchestration.telemetry.spark import spark_mapper


def open_mapper(settings: Settings, readings: int, readings_worth_a_process: int) -> AbstractContextManager[Mapper]:
    """Return the mapper that the settings ask for: of a Spark cluster where one is named, else of this machine.

    Args:
        settings: the settings.
        readings: how many readings there are in all.
        readings_worth_a_process: see `local_mapper`.
    """
    if settings.spark_master is not None:
        return spark_mapper(settings.spark_master)
    return local_mapper(readings, readings_worth_a_process)


def here(jobs: Sequence[PieceJob]) -> Iterator[PieceOutcome]:
    """Work on the jobs one after the other in this process."""
    return map(run_piece, jobs)


@contextmanager
def local_mapper(readings: int, readings_worth_a_process: int, workers: int | None = None) -> Iterator[Mapper]:
    """Yield a mapper for this machine.

    Args:
        readings: how many readings there are in all.
        readings_worth_a_process: below this many, starting processes costs more than they save.
        workers: number of processes; None: one a core.
    """
    count = workers or os.cpu_count() or 1
    if count == 1 or readings < readings_worth_a_process:
        yield here
        return
    fresh = multiprocessing.get_context("spawn")  # a forked process would share the threads' locks of Polars
    with ProcessPoolExecutor(count, mp_context=fresh, initializer=prepare_worker) as pool:
        list(pool.map(_ready, range(count)))  # every worker imports what it needs once, before the first day
        yield lambda jobs: _as_they_come(pool, jobs)


def _as_they_come(pool: ProcessPoolExecutor, jobs: Sequence[PieceJob]) -> Iterator[PieceOutcome]:
    futures = [pool.submit(run_piece, job) for job in jobs]
    return (future.result() for future in as_completed(futures))


def _ready(number: int) -> int:
    return number
