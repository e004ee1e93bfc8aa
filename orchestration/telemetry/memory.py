"""How a process that judges pieces uses memory and cores."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable

from lakehouse.settings import one_thread_for_polars

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_KEPT_BYTES, _LARGEST_FROM_HEAP = 1 << 30, 32 << 20


def prepare_worker() -> None:
    """Prepare one of several workers on this machine, before it imports anything heavy."""
    one_thread_for_polars()
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Let the allocator keep what arrays give back: they are made and dropped all the time, and new pages are slow."""
    library = ctypes.util.find_library("c")
    if library is None:
        return
    adjust: Callable[[int, int], int] | None = getattr(ctypes.CDLL(library), "mallopt", None)
    if adjust is not None:  # glibc only
        adjust(_TRIM_THRESHOLD, _KEPT_BYTES)
        adjust(_MMAP_THRESHOLD, _LARGEST_FROM_HEAP)
