"""The causal judgement said slowly: a loop over readings in the order in which they arrived, as a live judge would run.

It shares nothing with `methods.quality_control` but the names of flags and tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ORDER = {"not evaluated": 0, "pass": 1, "missing": 2, "suspect": 3, "fail": 4}
PUBLISHED = {"not evaluated": 2, "pass": 1, "missing": 9, "suspect": 3, "fail": 4}
LETTERS = {
    "N": "pass",
    "F": "missing",
    "B": "missing",
    "M": "fail",
    "D": "fail",
    "C": "fail",
    "S": "suspect",
    "T": "suspect",
}
UNITS = {"kPa": 1.0, "MPa": 1000.0}


@dataclass
class State:
    """What a live judge remembers of a point."""

    newest: datetime | None = None
    moments: Mapping[datetime, None] | None = None
    last: tuple[datetime, float] | None = None
    previous: tuple[datetime, float] | None = None
    flat_since: datetime | None = None


@dataclass
class Opinion:
    """What was found of one reading."""

    word: str
    tests: set[str]

    def hold(self, word: str, test: str) -> None:
        """Remember the worse of what was found and what is found now."""
        self.tests.add(test)
        if ORDER[word] > ORDER[self.word]:
            self.word = word

    @property
    def flag(self) -> int:
        """The published flag."""
        return PUBLISHED[self.word]


def fold(
    rows: Iterable[Mapping[str, Any]],
    settings: Mapping[str, Mapping[str, Any]],
    habits: Mapping[str, Mapping[str, float]],
    present: datetime,
) -> list[tuple[Mapping[str, Any], Opinion]]:
    """Judge rows one by one as they arrived; those of unknown points are left out."""
    states = {name: State(moments={}) for name in settings}
    found = []
    for row in sorted(rows, key=_arrival):
        name = row["point_id_iot"]
        if name in settings:
            found.append((row, _judge(row, settings[name], habits.get(name, {}), states[name], present)))
    return found


def _arrival(row: Mapping[str, Any]) -> tuple[Any, ...]:
    came = row["received_at"] or row["measured_at"]
    return (came, row["measured_at"], row["_loaded_at"], row["_source_uri"], row["_row_number"])


def _judge(
    row: Mapping[str, Any], point: Mapping[str, Any], habit: Mapping[str, float], state: State, present: datetime
) -> Opinion:
    measured, value = row["measured_at"], row["value"] * UNITS[row["unit"]]
    came = row["received_at"] or measured
    limits = ("range_low", "range_high", "operating_low", "operating_high", "rate_limit_per_min")
    is_judged = any(point[name] is not None for name in limits) or "step_spread" in habit
    opinion = Opinion("pass" if is_judged else "not evaluated", set())

    tolerance = timedelta(seconds=point["clock_ahead_s"])
    has_wrong_clock = measured - came > tolerance or measured - present > tolerance
    if has_wrong_clock:
        opinion.hold("fail", "02")
    if came - measured > timedelta(days=point["oldest_days"]):
        opinion.hold("suspect", "02")
    _ranges(value, point, habit, opinion)
    word = LETTERS.get(row["source_flag"], "suspect") if row["source_flag"] else "pass"
    if word != "pass":
        opinion.hold(word, "01")

    is_late = (
        (state.newest is not None and measured < state.newest)
        or measured in state.moments  # type: ignore[operator]
        or came - measured > timedelta(seconds=point["late_after_s"])
    )
    if not has_wrong_clock and (state.newest is None or measured > state.newest):
        state.newest = measured
    state.moments[measured] = None  # type: ignore[index]
    if is_late or opinion.word in {"fail", "missing"}:
        return opinion
    _neighbours((measured, value), point, habit, state, opinion)
    return opinion


def _ranges(value: float, point: Mapping[str, Any], habit: Mapping[str, float], opinion: Opinion) -> None:
    if point["range_high"] is not None and value > point["range_high"]:
        opinion.hold("suspect" if point["is_fail_safe"] else "fail", "04")
    if point["range_low"] is not None and value < point["range_low"]:
        opinion.hold("fail", "04")
    if point["operating_high"] is not None and value > point["operating_high"]:
        opinion.hold("suspect", "05")
    if point["operating_low"] is not None and value < point["operating_low"]:
        opinion.hold("suspect", "05")
    if "median" not in habit or point["usual_range_factor"] is None:
        return
    reach = point["usual_range_factor"] * max(habit["usual_high"] - habit["usual_low"], habit["spread"])
    if habit["usual_low"] - reach <= value <= habit["usual_high"] + reach:
        return
    if not point["is_fail_safe"]:
        opinion.hold("suspect", "05")
    if point["unit_jump_tolerance"] is not None and value and habit["median"]:
        power = math.log10(abs(value / habit["median"]))
        if min(abs(power - step) for step in (-3, -1, 1, 3)) <= math.log10(1 + point["unit_jump_tolerance"]):
            opinion.hold("suspect", "03")


def _neighbours(
    now: tuple[datetime, float], point: Mapping[str, Any], habit: Mapping[str, float], state: State, opinion: Opinion
) -> None:
    measured, value = now
    last, previous = state.last, state.previous
    if last is not None:
        rate, spike = _limits(point, habit)
        speed = _speed(now, last)
        if rate is not None and speed > rate and not _comes_back(now, last, previous, rate):
            opinion.hold("suspect", "06")
            physical = point["rate_limit_per_min"]
            if physical is not None and speed > 2 * physical and not point["is_fail_safe"]:
                opinion.hold("fail", "06")
        if spike is not None and previous is not None:
            steps = value - last[1], value - previous[1]
            distance = min(abs(sum(steps)) / 2, abs(steps[0]), abs(steps[1]))
            if distance > spike:
                opinion.hold("suspect", "07")
                if distance > 2 * spike and not point["is_fail_safe"]:
                    opinion.hold("fail", "07")
    gap = timedelta(seconds=point["gap_periods"] * point["period_s"])
    stands = (
        last is not None
        and point["flat_tolerance"] is not None
        and abs(value - last[1]) <= point["flat_tolerance"]
        and measured - last[0] <= gap
    )
    if not stands:
        state.flat_since = measured
    still = (measured - state.flat_since) / timedelta(minutes=1)  # type: ignore[operator]
    is_exempt = point["flat_exempt_below"] is not None and value <= point["flat_exempt_below"]
    if not is_exempt and point["flat_suspect_min"] is not None and still >= point["flat_suspect_min"]:
        opinion.hold("suspect", "08")
        if point["flat_fail_min"] is not None and still >= point["flat_fail_min"]:
            opinion.hold("fail", "08")
    state.previous, state.last = last, (measured, value)


def _comes_back(
    now: tuple[datetime, float], last: tuple[datetime, float], previous: tuple[datetime, float] | None, rate: float
) -> bool:
    if previous is None:
        return False
    return _speed(last, previous) > rate and _speed(now, previous) <= rate


def _speed(one: tuple[datetime, float], other: tuple[datetime, float]) -> float:
    """Return the change a minute between two readings."""
    return abs(one[1] - other[1]) / ((one[0] - other[0]) / timedelta(minutes=1))


def _limits(point: Mapping[str, Any], habit: Mapping[str, float]) -> tuple[float | None, float | None]:
    """Return the limits of T06, a minute, and of T07."""
    period = point["period_s"] / 60
    resolution = 2 * (point["accuracy"] or 0.0) * (1 + 1e-9)
    rates = [point["rate_limit_per_min"]] if point["rate_limit_per_min"] is not None else []
    if "step_spread" in habit and point["rate_sigma_factor"] is not None:
        rates.append(max(point["rate_sigma_factor"] * habit["step_spread"], resolution / period))
    spike = point["spike_floor"]
    if "step_spread" in habit and point["spike_mad_factor"] is not None:
        by_habit = point["spike_mad_factor"] * habit["step_spread"] * period
        spike = max(by_habit, resolution, point["spike_floor"] or 0.0)
    return (min(rates) if rates else None), spike
