"""Tests that look at neighbours in time: rate of change, spike, flat line (T06, T07, T08).

Two views use them. The causal one walks the readings that came in order and sees only what came before; the final one
knows what came after, too. Both are the same arithmetic on shifted arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from methods.quality_control.arrangement import MICROS_PER_MINUTE, Floats, Micros, Series
from methods.quality_control.scheme import Mask, Rank, Test, Verdict

Array = TypeVar("Array", Floats, Micros)


@dataclass(frozen=True)
class Limits:
    """What the sequence tests compare with, one value a point in canonical units; NaN where a test does not apply.

    Attributes:
        rate: largest change a minute.
        rate_fail: change a minute beyond which the value cannot be true.
        spike: largest distance from its neighbours.
        flat_tolerance: largest step that still counts as standing still.
        flat_suspect, flat_fail: microseconds of standing still.
        flat_exempt_below: values up to this may stand still.
        gap: microseconds of silence that end a run.
        is_fail_safe: a value that jumps stays suspect and never fails, because a true alarm looks like that.
    """

    rate: Floats
    rate_fail: Floats
    spike: Floats
    flat_tolerance: Floats
    flat_suspect: Floats
    flat_fail: Floats
    flat_exempt_below: Floats
    gap: Floats
    is_fail_safe: Mask


@dataclass(frozen=True)
class Tail:
    """How a chain of readings ended before this piece, one entry a point; time 0 where nothing is known.

    Attributes:
        last_times, last_values: the last reading.
        previous_times, previous_values: the one before it.
        flat_since: since when the value has stood still.
    """

    last_times: Micros
    last_values: Floats
    previous_times: Micros
    previous_values: Floats
    flat_since: Micros

    @classmethod
    def none(cls, points: int) -> Tail:
        """Return the tail of points of which nothing is known."""
        times, values = np.zeros(points, dtype=np.int64), np.full(points, np.nan)
        return cls(times, values, times, values, times)

    def block(self, part: slice) -> Tail:
        """Return the tails of consecutive points."""
        return Tail(
            self.last_times[part],
            self.last_values[part],
            self.previous_times[part],
            self.previous_values[part],
            self.flat_since[part],
        )


@dataclass(frozen=True)
class _Neighbours:
    """The reading before and the one before that, of every row."""

    minutes: Floats  # since the one before
    step: Floats  # from the one before
    wide_minutes: Floats  # since the one before that
    wide_step: Floats  # from the one before that
    silence: Floats  # microseconds since the one before


def judge_causally(series: Series, limits: Limits, tail: Tail, verdict: Verdict) -> Tail:
    """Judge a chain by what came before each reading, and return how the chain ends.

    T06: |Δv|/Δt above the limit, unless the last one had jumped and the value agrees with the one before it again: then
    the last one was odd.
    T07: |v − (v₋₁ + v₋₂)/2| above the limit, with the same exception.
    T08: suspect and failed once the value has stood still for as long as the rule says.
    """
    if not len(series):
        return tail
    near = _neighbours(series, tail)
    _judge_rate(series, limits, verdict, near)
    _judge_spike(series, limits, verdict, _one_sided_distance(near))
    since = _still_since(series, limits, near, tail)
    _judge_flat(series, limits, verdict, series.times - since)
    return _tail_after(series, since, tail)


def judge_finally(series: Series, limits: Limits, tail: Tail, verdict: Verdict) -> Tail:
    """Judge a chain by both neighbours of each reading, and return how the chain ends.

    T06: too fast both from the one before and to the one after; a step that stays is a step, not a fault.
    T07: |v − (v₋₁ + v₊₁)/2| above the limit and away from both to the same side, so that a spike is held against
    itself and not against its neighbours. T08: the whole stretch of standing still. At the end of a piece there is no
    reading after: the one-sided judgement stands.
    """
    if not len(series):
        return tail
    near = _neighbours(series, tail)
    onward, onward_minutes = _onward(series, near)
    is_last = np.isnan(onward)
    _judge_rate(series, limits, verdict, near, np.abs(onward) / onward_minutes)
    height = np.minimum(np.abs(near.step), np.abs(onward))
    middle = np.abs(near.step - onward) / 2  # |v - (v1 + v+1)/2|
    spike = np.where(near.step * onward < 0, np.minimum(middle, 2 * height), 0.0)
    _judge_spike(series, limits, verdict, np.where(is_last, _one_sided_distance(near), spike))
    since = _still_since(series, limits, near, tail)
    _judge_flat(series, limits, verdict, _still_until(series, since) - since)
    return _tail_after(series, since, tail)


def _neighbours(series: Series, tail: Tail) -> _Neighbours:
    times, values = series.times, series.values
    before_times, before_values = _shifted(times, 1), _shifted(values, 1)
    wide_times, wide_values = _shifted(times, 2), _shifted(values, 2)
    first, points = series.starts, series.points
    known = tail.last_times[points] > 0
    before_times[first] = tail.last_times[points]
    before_values[first] = np.where(known, tail.last_values[points], np.nan)
    wide_times[first], wide_values[first] = tail.previous_times[points], tail.previous_values[points]
    second = first[series.lengths > 1] + 1
    wide_times[second], wide_values[second] = before_times[second - 1], before_values[second - 1]
    silence = (times - before_times).astype(np.float64)
    return _Neighbours(
        minutes=silence / MICROS_PER_MINUTE,
        step=values - before_values,
        wide_minutes=(times - wide_times) / MICROS_PER_MINUTE,
        wide_step=values - wide_values,
        silence=silence,
    )


def _onward(series: Series, near: _Neighbours) -> tuple[Floats, Floats]:
    """Return the step to the reading after and the minutes to it; NaN at the end of a point's rows."""
    step, minutes = np.empty(len(series)), np.empty(len(series))
    step[:-1], minutes[:-1] = near.step[1:], near.minutes[1:]
    ends = series.starts + series.lengths - 1
    step[ends], minutes[ends] = np.nan, 1.0
    return step, minutes


def _one_sided_distance(near: _Neighbours) -> Floats:
    """Return |v - (v1 + v2)/2|, no more than the distance from either: near one of them it is no spike."""
    middle = np.abs(near.step + near.wide_step) / 2
    return np.minimum(middle, np.minimum(np.abs(near.step), np.abs(near.wide_step)))


def _shifted(array: Array, by: int) -> Array:
    moved = np.empty_like(array)
    moved[by:], moved[:by] = array[:-by], array[:by]
    return moved


def _judge_rate(
    series: Series, limits: Limits, verdict: Verdict, near: _Neighbours, onward_speed: Floats | None = None
) -> None:
    """Hold T06 against rows that change too fast, unless the change to the next one is not (NaN: nobody knows it yet).

    Where nobody knows the next one, a row that comes back to the value before a jump is no jump itself.
    """
    limit = series.spread(limits.rate)
    speed = np.abs(near.step) / near.minutes
    fast = np.flatnonzero(speed > limit)
    if not len(fast):
        return
    limit = limit[fast]
    wide_speed = np.abs(near.wide_step[fast]) / near.wide_minutes[fast]
    jump = np.abs(near.wide_step[fast] - near.step[fast]) / (near.wide_minutes[fast] - near.minutes[fast])
    is_cleared = (jump > limit) & (wide_speed <= limit)
    if onward_speed is not None:
        onward = onward_speed[fast]
        is_cleared = np.where(np.isnan(onward), is_cleared, onward <= limit)
    away = np.zeros(len(series), dtype=np.bool_)
    away[fast] = ~is_cleared
    verdict.hold(away, Rank.SUSPECT, Test.RATE)
    fails = away & (speed > series.spread(limits.rate_fail)) & ~series.spread(limits.is_fail_safe)
    verdict.hold(fails, Rank.FAIL, Test.RATE)


def _judge_spike(series: Series, limits: Limits, verdict: Verdict, distance: Floats) -> None:
    limit = series.spread(limits.spike)
    away = distance > limit
    if not away.any():
        return
    verdict.hold(away, Rank.SUSPECT, Test.SPIKE)
    fails = away & (distance > 2 * limit) & ~series.spread(limits.is_fail_safe)
    verdict.hold(fails, Rank.FAIL, Test.SPIKE)


def _still_since(series: Series, limits: Limits, near: _Neighbours, tail: Tail) -> Micros:
    """Return since when each value has stood still; silence longer than a gap ends a run."""
    stands = np.abs(near.step) <= series.spread(limits.flat_tolerance)
    stands &= near.silence <= series.spread(limits.gap)
    begins = ~stands
    first, points = series.starts, series.points
    goes_on = stands[first] & (tail.flat_since[points] > 0)
    begins[first] = True
    start = np.where(begins, series.times, 0)
    start[first] = np.where(goes_on, tail.flat_since[points], series.times[first])
    # Within a point times rise, so the latest beginning is the largest; a new point must not inherit the last one's.
    since: Micros = start[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    return since


def _still_until(series: Series, since: Micros) -> Micros:
    """Return until when each value goes on standing still."""
    ends = np.empty(len(series), dtype=np.bool_)
    ends[-1] = True
    ends[:-1] = (since[1:] != since[:-1]) | series.is_first[1:]
    last = np.flatnonzero(ends)
    lengths = np.diff(np.concatenate([[-1], last]))
    return np.repeat(series.times[last], lengths)


def _judge_flat(series: Series, limits: Limits, verdict: Verdict, still: Micros) -> None:
    counts = ~(series.values <= series.spread(limits.flat_exempt_below))
    away = counts & (still >= series.spread(limits.flat_suspect))
    if not away.any():
        return
    verdict.hold(away, Rank.SUSPECT, Test.FLAT)
    verdict.hold(away & (still >= series.spread(limits.flat_fail)), Rank.FAIL, Test.FLAT)


def _tail_after(series: Series, since: Micros, tail: Tail) -> Tail:
    last = series.starts + series.lengths - 1
    points, has_two = series.points, series.lengths > 1
    times, values = series.times, series.values

    def updated(standing: Array, new: Array) -> Array:
        changed = standing.copy()
        changed[points] = new
        return changed

    return Tail(
        last_times=updated(tail.last_times, times[last]),
        last_values=updated(tail.last_values, values[last]),
        previous_times=updated(tail.previous_times, np.where(has_two, times[last - 1], tail.last_times[points])),
        previous_values=updated(tail.previous_values, np.where(has_two, values[last - 1], tail.last_values[points])),
        flat_since=updated(tail.flat_since, since[last]),
    )
