"""What is usual for a point: a few numbers a day, and of the last days their median (the baseline).

The tests that need history (T03, T05, T06, T07, T09) read a row a point, never a month of readings. A baseline is the
median over days and kept to two digits: one late reading seldom moves it, so a late file seldom reaches past its day.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from methods.quality_control.arrangement import MICROS_PER_MINUTE, Floats, Ints, Series

SIGNIFICANT_DIGITS = 2
MEASURES = ("median", "spread", "step_spread", "usual_low", "usual_high")
SIGMA_OF_MEDIAN = 1.4826  # standard deviation of a normal law from its median absolute deviation
SIGMAS_AT_NINE_TENTHS = 1.645  # nine tenths of a normal law's absolute deviations lie below this many sigmas
USUAL_SHARES = (0.005, 0.995)  # T05: what lies between is usual


def day_measures(passed: Series, point_ids: pl.Series) -> pl.DataFrame:
    """Return what one day says of each point.

    Args:
        passed: the readings that passed all tests, by point and time.
        point_ids: name of each point.

    Returns:
        point_id; median, spread (robust standard deviation) and the quantiles 0.5 % and 99.5 % of the values;
        step_spread, the robust standard deviation of the change from one value to the next, per minute: null where a
        point has no value, or only one.
    """
    values, counts = _by_point(passed, passed.values)
    median = _quantile(values, counts, 0.5)
    deviations = np.sort(np.abs(values - median[:, None]), axis=1)
    steps = np.full(len(passed), np.nan)
    minutes = np.diff(passed.times) / MICROS_PER_MINUTE
    np.divide(np.abs(np.diff(passed.values)), minutes, out=steps[1:], where=~passed.is_first[1:])
    is_step = ~np.isnan(steps)
    changes, change_counts = _by_point(passed.take(is_step), steps[is_step])
    changes, change_counts = _same_points(passed, passed.take(is_step), changes, change_counts)
    # Rounded signals often do not move at all, and the median step is then zero: the tenth of the largest steps says
    # how much they move when they do.
    step_spread = np.fmax(
        SIGMA_OF_MEDIAN * _quantile(changes, change_counts, 0.5),
        _quantile(changes, change_counts, 0.9) / SIGMAS_AT_NINE_TENTHS,
    )
    columns = {
        "median": median,
        "spread": SIGMA_OF_MEDIAN * _quantile(deviations, counts, 0.5),
        "step_spread": step_spread,
        "usual_low": _quantile(values, counts, USUAL_SHARES[0]),
        "usual_high": _quantile(values, counts, USUAL_SHARES[1]),
    }
    measures = {name: pl.Series(values).fill_nan(None) for name, values in columns.items()}
    return pl.DataFrame({"point_id": point_ids.gather(passed.points), **measures})


def baseline(days: pl.DataFrame, settings: pl.DataFrame) -> pl.DataFrame:
    """Return the median of each measure over the last days, for points with enough of them.

    Args:
        days: point_id, business_date and the measures of `day_measures`, the days before the one to be judged.
        settings: point_id, baseline_least_days.

    Returns:
        point_id and the measures; the spreads rounded to two significant digits, the levels to a tenth of the digit
        that the spread begins with.
    """
    counted = (
        days.filter(pl.col("median").is_not_null())
        .group_by("point_id")
        .agg(pl.len().alias("_days"), *(pl.col(name).median() for name in MEASURES))
    )
    enough = counted.join(settings.select("point_id", "baseline_least_days"), on="point_id").filter(
        pl.col("_days") >= pl.col("baseline_least_days")
    )
    width = pl.max_horizontal("spread", pl.col("usual_high") - pl.col("usual_low"))
    step = pl.when(width > 0).then(pl.lit(10.0).pow(width.log10().floor() - (SIGNIFICANT_DIGITS - 1)))
    levels = [
        pl.when(step.is_null()).then(pl.col(name)).otherwise((pl.col(name) / step).round() * step).alias(name)
        for name in ("median", "usual_low", "usual_high")
    ]
    spreads = [pl.col(name).round_sig_figs(SIGNIFICANT_DIGITS) for name in ("spread", "step_spread")]
    return enough.with_columns(*levels, *spreads).select("point_id", *MEASURES).sort("point_id")


def _by_point(series: Series, values: Floats) -> tuple[Floats, Ints]:
    """Return the values of each point, sorted, as rows of one matrix (NaN behind the last), and how many there are."""
    width = int(series.lengths.max(initial=0))
    matrix = np.full((len(series.points), width), np.nan)
    matrix[np.arange(width) < series.lengths[:, None]] = values
    matrix.sort(axis=1)
    return matrix, series.lengths


def _same_points(all_points: Series, some: Series, matrix: Floats, counts: Ints) -> tuple[Floats, Ints]:
    """Give points that have no row in `some` an empty one."""
    if len(some.points) == len(all_points.points):
        return matrix, counts
    places = np.searchsorted(all_points.points, some.points)
    wide = np.full((len(all_points.points), max(matrix.shape[1], 1)), np.nan)
    wide[places, : matrix.shape[1]] = matrix
    lengths = np.zeros(len(all_points.points), dtype=np.int64)
    lengths[places] = counts
    return wide, lengths


def _quantile(ordered: Floats, counts: Ints, share: float) -> Floats:
    """Return a quantile of each row by linear interpolation between its neighbours."""
    if not ordered.size:
        return np.full(len(counts), np.nan)
    position = np.maximum(counts - 1, 0) * share
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(counts - 1, 0))
    rows = np.arange(len(counts))
    below, above = ordered[rows, low], ordered[rows, high]
    return below + (above - below) * (position - low)
