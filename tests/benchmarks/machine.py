"""The machine behind the figures: processor, memory, versions, and how busy it was."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lakehouse.embedded_postgres import binary_folder
from lakehouse.settings import PROJECT_ROOT

PACKAGES = ("dagster", "dbt-core", "duckdb", "polars", "deltalake", "fastapi", "great-expectations")


def describe_machine() -> dict[str, Any]:
    """Return size and versions; what this system does not tell is left out."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": _first_line([str(binary_folder() / "postgres"), "--version"]).rpartition(" ")[2],
        **{name: version(name) for name in PACKAGES},
    }


@dataclass(frozen=True)
class CpuSeconds:
    """Processor time since the machine's start, of all processes, and of this one with those it has seen end."""

    moment: float
    everybody: float
    ours: float

    @classmethod
    def now(cls) -> CpuSeconds:
        """Read the counters."""
        user, nice, system, _, _, hard_irq, soft_irq, *_ = Path("/proc/stat").read_text("utf-8").split()[1:9]
        ticks = sum(map(int, (user, nice, system, hard_irq, soft_irq)))
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        ours = sum(one.ru_utime + one.ru_stime for one in usage)
        return cls(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), ours)

    def cores_of_others_since(self, earlier: CpuSeconds) -> float:
        """Return how many cores other people's processes kept busy, on average, since an earlier reading."""
        others = (self.everybody - earlier.everybody) - (self.ours - earlier.ours)
        return round(max(others, 0.0) / (self.moment - earlier.moment), 2)


def commit() -> str:
    """Return the commit of the checkout, with a mark when files differ from it; empty outside a git checkout."""
    if shutil.which("git") is None or not (PROJECT_ROOT / ".git").exists():
        return ""
    git = ["git", "-C", str(PROJECT_ROOT)]
    differs = _first_line([*git, "status", "--porcelain"])
    return _first_line([*git, "rev-parse", "--short", "HEAD"]) + (" with changes" if differs else "")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return next(iter(done.stdout.splitlines()), "")
