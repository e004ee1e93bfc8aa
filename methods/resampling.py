"""Judged readings become minutes, hours and days, with what counted and what did not beside every value.

Hour means follow safety reference 4.4: they stand on the minutes that passed, and are valid when enough of the hour
did. Minima and maxima also take suspect values in: a true alarm often looks suspect at first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

import numpy as np
import numpy.typing as npt
import polars as pl

from lakehouse.settings import PARK_TIME_ZONE
from methods.averages import direction_mean, equivalent_level, ph_mean
from methods.quality_control.arrangement import MICROS_PER_MINUTE, MICROS_PER_SECOND, Floats, Ints, Micros
from methods.quality_control.judgement import JudgedPiece
from methods.quality_control.scheme import Flag, Mask, Test, Verdict

HOURS_OF_DAY = 24
VALUES = ("value_mean", "value_min", "value_max", "value_last", "value_std")
MICROS_PER_HOUR = 60 * MICROS_PER_MINUTE
SPECIAL_MEANS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "direction": direction_mean,
    "ph": ph_mean,
    "leq": equivalent_level,
}
"""Resampling methods whose readings may not simply be added."""

# What a value stands on, from best to worst: the best present in a minute gives its value and its flag.
_STANDING_OF_RANK = np.array([1, 0, 4, 2, 3], dtype=np.uint8)  # by Rank: not evaluated, pass, missing, suspect, fail
_FLAG_OF_STANDING = np.array([Flag.PASS, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL, Flag.MISSING], dtype=np.uint8)
_VALID, _SUSPECT, _FAILED, _MISSING = 1, 2, 3, 4  # standings up to _VALID are valid


@dataclass(frozen=True)
class Minutes:
    """One row per point and minute that has a reading, in the order of both.

    Attributes:
        codes, times: point (row of the settings) and start of the minute, microseconds UTC.
        value: mean of what counts, NaN where nothing does; low, high, last: of all that passed or is suspect.
        standing, causal_standing: what the value stands on, finally and causally.
        marks: the tests that spoke against any reading of the minute.
        readings: how many readings the minute has.
    """

    codes: Ints
    times: Micros
    value: Floats
    low: Floats
    high: Floats
    last: Floats
    standing: npt.NDArray[np.uint8]
    causal_standing: npt.NDArray[np.uint8]
    marks: npt.NDArray[np.int32]
    readings: npt.NDArray[np.int32]

    def frame(self, settings: pl.DataFrame) -> pl.DataFrame:
        """Return the table of minutes.

        Returns:
            point_id, measured_at, value, value_min, value_max, value_last (null where the minute has one reading, which
            is its value), readings, flag_causal, flag_final, tests (marks of `scheme.Test`).
        """
        names = settings["point_id"].cast(pl.Categorical())
        several = self.readings > 1
        extremes = {"value_min": self.low, "value_max": self.high, "value_last": self.last}
        return pl.DataFrame(
            {
                "point_id": names.gather(self.codes),
                "measured_at": pl.Series(self.times).cast(pl.Datetime("us", "UTC")),
                "value": _nullable(self.value),
                **{
                    name: _nullable(np.where(several, column, np.nan))
                    if several.any()
                    else pl.repeat(None, len(self.codes), dtype=pl.Float64, eager=True)
                    for name, column in extremes.items()
                },
                "readings": self.readings,
                "flag_causal": _FLAG_OF_STANDING[self.causal_standing].astype(np.int16),
                "flag_final": _FLAG_OF_STANDING[self.standing].astype(np.int16),
                "tests": self.marks,
            }
        )


def to_minutes(piece: JudgedPiece, settings: pl.DataFrame) -> Minutes:
    """Average the readings that count by point and minute.

    Args:
        piece: the judged readings.
        settings: the rows of `point_settings` it was judged by.
    """
    series, final, causal = piece.arrangement.series, piece.final, piece.causal
    codes, times, values = series.codes, series.times, series.values
    if not piece.counts.all():
        kept = piece.counts
        codes, times, values = codes[kept], times[kept], values[kept]
        final = Verdict(final.ranks[kept], final.marks[kept])
        causal = Verdict(causal.ranks[kept], causal.marks[kept])
    standing, causal_standing = _STANDING_OF_RANK[final.ranks], _STANDING_OF_RANK[causal.ranks]
    usable = standing <= _SUSPECT
    used = values if usable.all() else np.where(usable, values, np.nan)
    minute = times - times % MICROS_PER_MINUTE
    begins = np.ones(len(codes), dtype=np.bool_)
    begins[1:] = (minute[1:] != minute[:-1]) | (codes[1:] != codes[:-1])
    if begins.all():
        single = np.ones(len(codes), dtype=np.int32)
        return Minutes(codes, minute, used, used, used, used, standing, causal_standing, final.marks, single)
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, len(codes)))
    best = np.minimum.reduceat(standing, starts)
    is_worse = standing > np.repeat(np.where(best <= _VALID, _VALID, _SUSPECT), lengths)
    chosen = np.where(is_worse, np.nan, used)
    return Minutes(
        codes=codes[starts],
        times=minute[starts],
        value=_averaged(chosen, codes, minute, starts, settings),
        low=np.fmin.reduceat(used, starts),
        high=np.fmax.reduceat(used, starts),
        last=_last(used, starts),
        standing=best,
        causal_standing=np.minimum.reduceat(causal_standing, starts),
        marks=np.bitwise_or.reduceat(final.marks, starts),
        readings=lengths.astype(np.int32),
    )


def to_hours(minutes: Minutes, settings: pl.DataFrame, day: date, expected: Mask, until: datetime) -> pl.DataFrame:
    """Average minutes by point and hour; an expected hour without any is a row that says so.

    Args:
        minutes: the minutes of one business date.
        settings: the rows of `point_settings`.
        day: the business date (Asia/Shanghai).
        expected: which points owe readings on that day; others have rows only where they have readings.
        until: hours that begin at this moment or later are not expected yet.

    Returns:
        point_id, measured_at (start of the hour, UTC), business_date, value_mean, value_min, value_max, value_last,
        value_std (of the minutes within the hour), unit, valid_minutes, expected_minutes, suspect_minutes,
        failed_minutes, missing_minutes, valid_share, is_valid, flag_causal, flag_final, tests; sorted by point and
        hour. A minute stands for a longer period where the point reports less often than once a minute.
    """
    midnight = day_start(day)
    cell = minutes.codes * HOURS_OF_DAY + (minutes.times - midnight) // MICROS_PER_HOUR
    cells = settings.height * HOURS_OF_DAY
    counts = {
        standing: np.bincount(cell[minutes.standing == standing], minlength=cells) for standing in range(_MISSING)
    }
    valid, suspect, failed = counts[0] + counts[_VALID], counts[_SUSPECT], counts[_FAILED]
    slots = slots_per_hour(settings)
    due = np.repeat(slots, HOURS_OF_DAY)
    missing = np.maximum(due - valid - suspect - failed, 0)
    table = {name: np.full(cells, np.nan) for name in VALUES}
    marks, causal = np.zeros(cells, dtype=np.int32), np.full(cells, _MISSING, dtype=np.uint8)
    if len(cell):
        starts = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
        places = cell[starts]
        lengths = np.diff(np.append(starts, len(cell)))
        only_suspect = np.repeat(valid[places] == 0, lengths)
        chosen = np.where((minutes.standing <= _VALID) | only_suspect, minutes.value, np.nan)
        table["value_std"][places] = np.sqrt(_means((chosen - np.repeat(_means(chosen, starts), lengths)) ** 2, starts))
        table["value_mean"][places] = _averaged(chosen, minutes.codes, cell, starts, settings)
        table["value_min"][places] = np.fmin.reduceat(minutes.low, starts)
        table["value_max"][places] = np.fmax.reduceat(minutes.high, starts)
        table["value_last"][places] = _last(minutes.last, starts)
        marks[places] = np.bitwise_or.reduceat(minutes.marks, starts)
        causal[places] = np.minimum.reduceat(minutes.causal_standing, starts)
    present = [counts[0] > 0, counts[_VALID] > 0, suspect > 0, failed > 0]
    standing = np.select(present, [0, _VALID, _SUSPECT, _FAILED], default=_MISSING)
    hour_starts = midnight + np.tile(np.arange(HOURS_OF_DAY) * MICROS_PER_HOUR, settings.height)
    is_due = np.repeat(expected, HOURS_OF_DAY) & (hour_starts < int(until.timestamp() * MICROS_PER_SECOND))
    gap = np.repeat(settings["gap_periods"].cast(pl.Float64).fill_null(np.inf).to_numpy(), HOURS_OF_DAY)
    marks[is_due & (missing >= gap)] |= np.int32(Test.GAP)  # T13: so many periods of the hour have nothing
    shown = is_due | (valid + suspect + failed > 0) | (marks != 0)
    by_hour = np.flatnonzero(shown)
    points = by_hour // HOURS_OF_DAY
    share = valid[by_hour] / due[by_hour]
    return pl.DataFrame(
        {
            "point_id": settings["point_id"].gather(points),
            "measured_at": pl.Series(hour_starts[by_hour]).cast(pl.Datetime("us", "UTC")),
            "business_date": pl.repeat(day, len(by_hour), dtype=pl.Date, eager=True),
            **{name: _nullable(column[by_hour]) for name, column in table.items()},
            "unit": settings["canonical_unit"].gather(points),
            "valid_minutes": valid[by_hour].astype(np.int32),
            "expected_minutes": due[by_hour].astype(np.int32),
            "suspect_minutes": suspect[by_hour].astype(np.int32),
            "failed_minutes": failed[by_hour].astype(np.int32),
            "missing_minutes": missing[by_hour].astype(np.int32),
            "valid_share": np.minimum(share, 1.0),
            "is_valid": share >= settings["minimum_valid_share"].to_numpy()[points],
            "flag_causal": _FLAG_OF_STANDING[causal[by_hour]].astype(np.int16),
            "flag_final": _FLAG_OF_STANDING[standing[by_hour]].astype(np.int16),
            "tests": marks[by_hour],
        }
    )


def day_start(day: date) -> int:
    """Return midnight of a business date (Asia/Shanghai) in microseconds UTC."""
    return int(datetime.combine(day, time(), PARK_TIME_ZONE).timestamp()) * MICROS_PER_SECOND


def slots_per_hour(settings: pl.DataFrame) -> Ints:
    """Return how many minutes, or longer periods, an hour of each point has."""
    period = np.maximum(settings["period_s"].to_numpy(), 60.0)
    slots: Ints = np.maximum(np.round(3600.0 / period), 1.0).astype(np.int64)
    return slots


def _means(values: Floats, starts: Ints) -> Floats:
    is_there = ~np.isnan(values)
    sums = np.add.reduceat(np.where(is_there, values, 0.0), starts)
    counts = np.add.reduceat(is_there.astype(np.int64), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan)


def _averaged(values: Floats, codes: Ints, groups: Ints, starts: Ints, settings: pl.DataFrame) -> Floats:
    """Return one value a group: the mean, or what the point asks for instead.

    Directions, pH and levels of sound have means of their own; a level or a state is its last value.
    """
    mean = _means(values, starts)
    methods = settings["resample_method"]
    for method, average in SPECIAL_MEANS.items():
        asked = (methods == method).to_numpy()
        if not asked.any() or not asked[codes].any():
            continue
        rows = asked[codes]
        frame = pl.DataFrame({"code": codes[rows], "group": groups[rows], "value": _nullable(values[rows])})
        found = frame.group_by("code", "group", maintain_order=True).agg(average(pl.col("value")).alias("mean"))
        mean[asked[codes[starts]]] = found["mean"].fill_null(np.nan).to_numpy()
    is_last = (methods == "last").to_numpy()[codes[starts]]
    return np.where(is_last, _last(values, starts), mean) if is_last.any() else mean


def _last(values: Floats, starts: Ints) -> Floats:
    """Return the last value of each group that is there."""
    ends = np.append(starts[1:], len(values)) - 1
    last: Floats = values[ends]
    if not np.isnan(last).any():
        return last
    places = np.where(np.isnan(values), -1, np.arange(len(values)))
    latest = np.maximum.reduceat(places, starts)
    return np.where(latest >= 0, values[latest], np.nan)


def _nullable(values: Floats) -> pl.Series:
    return pl.Series(values).fill_nan(None)
