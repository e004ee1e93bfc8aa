"""Figures: one measured duration each, with its number of runs; rates and ratios are derived, never stored apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BASELINE = "bare_duckdb"
TELEMETRY_BASELINE = "telemetry.bare_duckdb"


@dataclass(frozen=True)
class Figure:
    """One duration.

    Attributes:
        name: dotted name, stable from run to run (`incremental_day.dbt`).
        title: what was measured, for people.
        seconds: the duration; None when it could not be measured.
        runs: how many runs stand behind it.
        readings: readings worked on, where a rate makes sense.
        remark: how it was summed up, or why it is missing.
        against: name of the figure that it is compared with.
    """

    name: str
    title: str
    seconds: float | None
    runs: int
    readings: int | None = None
    remark: str = ""
    against: str = BASELINE

    @property
    def readings_per_s(self) -> float | None:
        """Readings in a second."""
        return self.readings / self.seconds if self.readings and self.seconds else None

    def as_json(self, baseline_s: float | None) -> dict[str, Any]:
        """Return the figure as plain values.

        Args:
            baseline_s: what the bare DuckDB query took in the same run; None when it is not known.
        """
        rate = self.readings_per_s
        return {
            "name": self.name,
            "title": self.title,
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "runs": self.runs,
            "readings_per_s": None if rate is None else round(rate),
            "times_bare_duckdb": round(self.seconds / baseline_s, 4) if self.seconds and baseline_s else None,
            "remark": self.remark,
        }


def median_figure(
    name: str, title: str, seconds: Sequence[float], *, readings: int | None = None, remark: str = ""
) -> Figure:
    """Return the median of some runs; without a single run the figure is missing."""
    middle = statistics.median(seconds) if seconds else None
    return Figure(name, title, middle, len(seconds), readings, remark)


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile: the smallest value that at least `share` of all do not exceed.

    Args:
        seconds: durations, at least one.
        share: 0 < share ≤ 1.

    Raises:
        ValueError: there is no duration, or the share lies outside its range.
    """
    if not seconds or not 0 < share <= 1:
        message = f"percentile {share} of {len(seconds)} durations: give at least one duration and a share in (0, 1]."
        raise ValueError(message)
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]


def as_people_read(seconds: float | None) -> str:
    """Return a duration with two or three digits: milliseconds below a second, minutes from two on."""
    if seconds is None:
        return "—"
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{seconds:.3g} s" if seconds < 120 else f"{minutes} min {rest} s"


def table_rows(figures: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return title, duration, rate, ratio to the baseline, runs and remark of every figure, as text."""
    rows: list[tuple[str, ...]] = []
    for figure in figures:
        rate, times = figure["readings_per_s"], figure["times_bare_duckdb"]
        rows.append(
            (
                figure["title"],
                as_people_read(figure["seconds"]),
                "" if rate is None else f"{rate:,.0f}",
                "" if times is None else f"{times:,.0f} ×" if times >= 100 else f"{times:.3g} ×",
                str(figure["runs"]),
                figure["remark"],
            )
        )
    return rows


# Heading, and whether numbers stand below it.
HEADINGS = (
    ("figure", False),
    ("time", True),
    ("readings/s", True),
    ("bare DuckDB", True),
    ("runs", True),
    ("remark", False),
)
