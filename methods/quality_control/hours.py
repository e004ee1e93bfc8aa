"""Tests that need half a day or other points (T09 to T12), run on the hours of all zones of one business date.

They look at no reading: a few thousand points with 72 hours each are one matrix. What they find is held against the
hour, beside what the readings' own tests found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from methods.quality_control.arrangement import Floats, Ints
from methods.quality_control.history import SIGMA_OF_MEDIAN
from methods.quality_control.scheme import Flag, Mask, Test

HOURS_OF_DAY = 24
CONTEXT_DAYS = 2
WIDTH = (CONTEXT_DAYS + 1) * HOURS_OF_DAY
ATTENUATION_HOURS = 12  # T09
LEAST_SHARE = 0.75  # of the hours that a window must have
EWMA_SHARE = 0.1  # λ of T10
NEIGHBOUR_METRES = 2000.0  # T12
LEAST_NEIGHBOURS = 3
METRES_PER_DEGREE = 111_195.0  # of latitude, mean radius 6,371 km

Verdicts = tuple[Mask, Mask]  # suspect, fail


@dataclass(frozen=True)
class PointHours:
    """The hours of all points on one day and the two before, as matrices points × 72.

    Attributes:
        settings: the rows of `point_settings`, sorted by point_id, with longitude and latitude.
        mean: value_mean, NaN where there is none.
        spread: value_std, NaN where there is none.
    """

    settings: pl.DataFrame
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, hours: pl.DataFrame, settings: pl.DataFrame, day: date) -> PointHours:
        """Lay hours (point_id, measured_at, business_date, value_mean, value_std) into matrices."""
        code, column, rows = _places(hours, settings, day)
        known = rows["value_mean"].fill_null(np.nan).to_numpy()
        spread = rows["value_std"].fill_null(np.nan).to_numpy()
        shape = (settings.height, WIDTH)
        mean_matrix, spread_matrix = np.full(shape, np.nan), np.full(shape, np.nan)
        mean_matrix[code, column], spread_matrix[code, column] = known, spread
        return cls(settings, mean_matrix, spread_matrix)

    def number(self, name: str) -> Floats:
        """Return a setting of each point, NaN where it is not set."""
        return self.settings[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    @cached_property
    def groups(self) -> list[Ints]:
        """The points of each redundancy group with at least two."""
        grouped = (
            self.settings.with_row_index("_code")
            .filter(pl.col("redundancy_group").is_not_null())
            .group_by("redundancy_group")
            .agg("_code")
            .filter(pl.col("_code").list.len() > 1)
        )
        return [np.array(codes, dtype=np.int64) for codes in grouped["_code"].to_list()]


def judge_hours(
    hours: pl.DataFrame, settings: pl.DataFrame, usual_spread: pl.Series, consistencies: pl.DataFrame, day: date
) -> pl.DataFrame:
    """Hold T09, T10, T11 and T12 against the hours of one day.

    Args:
        hours: the hours of the day and the two before, all zones (`resampling.to_hours`, with value_std).
        settings: the rows of `point_settings` of all their points, with longitude, latitude.
        usual_spread: by point of the settings: the baseline's spread, null where there is none.
        consistencies: rows of rule_vital_consistencies in force: smaller_vital, larger_vital, largest_ratio.
        day: the business date.

    Returns:
        The hours of the day with flag_final, tests and is_valid as they are now; nothing else changes.
    """
    matrices = PointHours.of(hours, settings, day)
    found: dict[Test, Verdicts] = {
        Test.ATTENUATED: _attenuated(matrices, usual_spread.fill_null(np.nan).to_numpy()),
        Test.DRIFT: _drifted(matrices),
        Test.CONSISTENCY: _inconsistent(matrices, consistencies),
        Test.NEIGHBOUR: _away_from_neighbours(matrices),
    }
    own = hours.filter(pl.col("business_date") == day)
    code, column, own = _places(own, settings, day)
    marks = own["tests"].to_numpy().copy()
    suspect, fail = np.zeros(own.height, dtype=np.bool_), np.zeros(own.height, dtype=np.bool_)
    for test, (suspects, fails) in found.items():
        held_suspect, held_fail = suspects[code, column], fails[code, column]
        marks[held_suspect | held_fail] |= int(test)
        suspect |= held_suspect
        fail |= held_fail
    flags = own["flag_final"].to_numpy().copy()
    judged = flags <= Flag.SUSPECT  # what failed or is missing has nothing more to lose
    flags[judged & suspect] = Flag.SUSPECT
    flags[judged & fail] = Flag.FAIL
    return own.with_columns(
        flag_final=pl.Series(flags), tests=pl.Series(marks), is_valid=pl.col("is_valid") & pl.Series(flags != Flag.FAIL)
    ).sort("point_id", "measured_at")


def _places(hours: pl.DataFrame, settings: pl.DataFrame, day: date) -> tuple[Ints, Ints, pl.DataFrame]:
    """Return row and column of each hour in the matrices, and the hours that have one."""
    local = pl.col("measured_at").dt.convert_time_zone("Asia/Shanghai")
    days = (pl.col("business_date") - day).dt.total_days() + CONTEXT_DAYS
    placed = hours.with_columns(
        _code=pl.col("point_id").cast(pl.String).cast(pl.Enum(settings["point_id"]), strict=False).to_physical(),
        _column=days * HOURS_OF_DAY + local.dt.hour().cast(pl.Int64),
    ).filter(pl.col("_code").is_not_null() & pl.col("_column").is_between(0, WIDTH - 1))
    code, column = placed["_code"].to_numpy().astype(np.int64), placed["_column"].to_numpy()
    return code, column, placed.drop("_code", "_column")


def _attenuated(hours: PointHours, usual: Floats) -> Verdicts:
    """T09: the standard deviation of the last 12 h is a small share of what is usual.

    That of 12 h is the mean of the hours' variances and the variance of their means.
    """
    counts = _trailing(~np.isnan(hours.mean), ATTENUATION_HOURS)
    means = _trailing(np.nan_to_num(hours.mean), ATTENUATION_HOURS) / np.maximum(counts, 1)
    squares = _trailing(np.nan_to_num(hours.mean) ** 2, ATTENUATION_HOURS) / np.maximum(counts, 1)
    within = _trailing(np.nan_to_num(hours.spread) ** 2, ATTENUATION_HOURS) / np.maximum(counts, 1)
    deviation = np.sqrt(np.maximum(squares - means**2, 0.0) + within)
    enough = counts >= LEAST_SHARE * ATTENUATION_HOURS
    share = np.where(enough & (usual[:, None] > 0), deviation / np.where(usual > 0, usual, np.nan)[:, None], np.nan)
    suspect = share < hours.number("attenuated_suspect_share")[:, None]
    return suspect, share < hours.number("attenuated_fail_share")[:, None]


def _drifted(hours: PointHours) -> Verdicts:
    """T10: for a day the smoothed distance from the peers, or for a gas point from zero, is too large.

    Peers measure the same quantity. The distance is from their median, its uncertainty from the certificates. A
    detector of gas that has stood away from zero for a day stays suspect: it is not silenced.
    """
    suspect, fail = np.zeros(hours.mean.shape, dtype=np.bool_), np.zeros(hours.mean.shape, dtype=np.bool_)
    accuracy, factor = hours.number("accuracy"), hours.number("drift_sigma_factor")
    window = int(np.nanmax(hours.number("drift_hours"), initial=HOURS_OF_DAY))
    for group in hours.groups:
        values = hours.mean[group]
        present = (~np.isnan(values)).sum(axis=0)
        reference = np.where(present > 1, _median_of_present(values), np.nan)
        smoothed = _smoothed(values - reference)
        sigma = accuracy[group] * np.sqrt(1 + 1 / np.maximum(len(group) - 1, 1))
        if len(group) == 2:  # the median of two lies half way: each is half the distance from it
            sigma = sigma / 2
        away = np.abs(smoothed) > (factor[group] * sigma)[:, None]
        suspect[group] |= _throughout(away, ~np.isnan(values), window)
    span = (hours.number("range_high") - hours.number("range_low"))[:, None]
    level = np.full(hours.mean.shape, np.nan)
    zeroed = ~np.isnan(hours.number("zero_drift_suspect_share"))
    if zeroed.any():
        level[zeroed] = _trailing_median(hours.mean[zeroed], window)
        suspect |= np.abs(level) > hours.number("zero_drift_suspect_share")[:, None] * span
        is_fail_safe = hours.settings["is_fail_safe"].to_numpy()[:, None]
        fail |= (np.abs(level) > hours.number("zero_drift_fail_share")[:, None] * span) & ~is_fail_safe
    return suspect, fail


def _inconsistent(hours: PointHours, consistencies: pl.DataFrame) -> Verdicts:
    """T11: a part is larger than the whole on the same object; both are suspect, nobody knows which one errs."""
    suspect = np.zeros(hours.mean.shape, dtype=np.bool_)
    coded = hours.settings.with_row_index("_code").filter(pl.col("object_id").is_not_null())
    for smaller, larger, ratio in consistencies.select("smaller_vital", "larger_vital", "largest_ratio").iter_rows():
        pairs = coded.filter(vital_code=smaller).join(coded.filter(vital_code=larger), on="object_id", suffix="_larger")
        for part, whole in pairs.select("_code", "_code_larger").iter_rows():
            contradicts = hours.mean[part] > hours.mean[whole] * ratio
            suspect[part] |= contradicts
            suspect[whole] |= contradicts
    return suspect, np.zeros_like(suspect)


def _away_from_neighbours(hours: PointHours) -> Verdicts:
    """T12: away from the inverse-distance mean of at least three neighbours by more than the residual's habit.

    Neighbours measure the same vital within two kilometres. The habit is the robust standard deviation of the
    residual over the hours before; twice the accuracy is never held against anyone.
    """
    suspect = np.zeros(hours.mean.shape, dtype=np.bool_)
    factor = hours.number("neighbour_sigma_factor")
    vitals = hours.settings["vital_code"].to_list()
    latitude, longitude = hours.number("latitude"), hours.number("longitude")
    for vital in sorted({name for name, asked in zip(vitals, ~np.isnan(factor), strict=True) if name and asked}):
        codes = np.flatnonzero((hours.settings["vital_code"] == vital).fill_null(value=False).to_numpy())
        weights = _neighbour_weights(latitude[codes], longitude[codes])
        values = hours.mean[codes]
        present = (~np.isnan(values)).astype(np.float64)
        total = weights @ present
        pull = (weights @ np.nan_to_num(values)) / np.where(total > 0, total, np.nan)
        expected = np.where((weights > 0) @ present >= LEAST_NEIGHBOURS, pull, np.nan)
        residual = values - expected
        habit = SIGMA_OF_MEDIAN * _median_by_row(np.abs(residual[:, : CONTEXT_DAYS * HOURS_OF_DAY]))
        limit = np.maximum(factor[codes] * habit, 2 * np.nan_to_num(hours.number("accuracy")[codes]))
        suspect[codes] |= np.abs(residual) > limit[:, None]
    return suspect, np.zeros_like(suspect)


def _neighbour_weights(latitude: Floats, longitude: Floats) -> Floats:
    north = latitude * METRES_PER_DEGREE
    east = longitude * METRES_PER_DEGREE * np.cos(np.radians(np.nanmean(latitude))) if len(latitude) else longitude
    distance = np.hypot(north[:, None] - north[None, :], east[:, None] - east[None, :])
    near = (distance <= NEIGHBOUR_METRES) & ~np.eye(len(latitude), dtype=np.bool_)
    return np.where(near, 1.0 / np.maximum(distance, 1.0) ** 2, 0.0)


def _smoothed(residual: Floats) -> Floats:
    """Return the exponentially weighted mean along the hours; a missing hour changes nothing."""
    state = np.zeros(len(residual))
    smoothed = np.empty_like(residual)
    for hour in range(residual.shape[1]):
        new = residual[:, hour]
        state = np.where(np.isnan(new), state, EWMA_SHARE * np.nan_to_num(new) + (1 - EWMA_SHARE) * state)
        smoothed[:, hour] = state
    return smoothed


def _trailing(values: npt.NDArray[np.generic], hours: int) -> Floats:
    """Return the sum over each hour and those before it, `hours` in all."""
    sums = np.cumsum(values, axis=1, dtype=np.float64)
    sums[:, hours:] = sums[:, hours:] - sums[:, :-hours]
    return sums


def _throughout(away: Mask, present: Mask, hours: int) -> Mask:
    """Tell of each hour whether all hours of the window that are there are away, and enough are there."""
    counts = _trailing(present, hours)
    return (_trailing(away & present, hours) >= counts) & (counts >= LEAST_SHARE * hours)


def _trailing_median(values: Floats, hours: int) -> Floats:
    padded = np.concatenate([np.full((len(values), hours - 1), np.nan), values], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, hours, axis=1)
    median = _median_by_row(windows.reshape(-1, hours)).reshape(values.shape)
    counts = _trailing(~np.isnan(values), hours)
    return np.where(counts >= LEAST_SHARE * hours, median, np.nan)


def _median_by_row(values: Floats) -> Floats:
    """Return the median of each row without its gaps, NaN where all are gaps."""
    ordered = np.sort(values, axis=1)
    counts = (~np.isnan(values)).sum(axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(counts - 1, 0) // 2, np.maximum(counts, 1) // 2
    return np.where(counts > 0, (ordered[rows, low] + ordered[rows, np.minimum(high, values.shape[1] - 1)]) / 2, np.nan)


def _median_of_present(values: Floats) -> Floats:
    return _median_by_row(values.T)
