"""Maps a function over pieces on this machine: one process a core, or none where there is little to do.

A cluster brings its own mapper (orchestration/telemetry/spark.py); the function is the same.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager

from orchestration.telemetry.pieces import PieceJob, PieceOutcome, run_piece
from orchestration.telemetry.refresh import Mapper

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_KEPT_BYTES, _LARGEST_FROM_HEAP = 1 << 30, 32 << 20


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
    with ProcessPoolExecutor(count, mp_context=fresh, initializer=keep_freed_memory) as pool:
        list(pool.map(_ready, range(count)))  # every worker imports what it needs once, before the first day
        yield lambda jobs: _as_they_come(pool, jobs)


def _as_they_come(pool: ProcessPoolExecutor, jobs: Sequence[PieceJob]) -> Iterator[PieceOutcome]:
    futures = [pool.submit(run_piece, job) for job in jobs]
    return (future.result() for future in as_completed(futures))


def _ready(number: int) -> int:
    return number


def keep_freed_memory() -> None:
    """Let the allocator keep what arrays give back: they are made and dropped all the time, and new pages are slow."""
    library = ctypes.util.find_library("c")
    if library is None:
        return
    adjust: Callable[[int, int], int] | None = getattr(ctypes.CDLL(library), "mallopt", None)
    if adjust is not None:  # glibc only
        adjust(_TRIM_THRESHOLD, _KEPT_BYTES)
        adjust(_MMAP_THRESHOLD, _LARGEST_FROM_HEAP)
