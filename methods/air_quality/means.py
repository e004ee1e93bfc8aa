"""Daily statistics of hourly concentrations."""

from __future__ import annotations

import polars as pl

from methods.air_quality.concentrations import concentration
from methods.air_quality.index import HOURLY_COLUMNS
from methods.air_quality.standards import (
    ReadingsError,
    StandardRowsError,
    local_time,
    require_columns,
    require_utc,
    typed_rows,
    valid_slices,
)

_HOURS_OF_A_DAY = 24
_WINDOW_HOURS = 8
_AVERAGED = {code: column for code, column in HOURLY_COLUMNS.items() if code != "o3"}


def daily_means(hours: pl.DataFrame, validity: pl.DataFrame) -> pl.DataFrame:
    """Average hourly concentrations by calendar day of Asia/Shanghai; for ozone take the highest 8-hour mean.

    Source: GB 3095 table 4 (hours a day needs, hours a window needs), HJ 663 (windows a day needs); the numbers are
    the rows valid on the day. An 8-hour window is named after its last hour and lies within the day, so the windows
    of hours 07 to 23 count.

    Args:
        hours: At most one row per station and hour: `station_id`, `measured_at` (UTC, the hour's name) and the
            columns of `HOURLY_COLUMNS` (µg/m³, CO mg/m³). Null, negative and not finite values are not valid.
        validity: Rows of seed `std_air_validity`.

    Returns:
        One row per station and day with any row, sorted by both: `station_id`, `business_date`, `reported_hours`;
        per item but ozone the mean in its unit and `<item>_valid_hours`; `o3_8h_max_ug_per_m3` and
        `o3_8h_valid_windows`. A statistic with too few valid values is null; its count stays. Nothing is rounded.

    Raises:
        ReadingsError: A column is missing or has another type, or a station has an hour twice.
        StandardRowsError: The validity rows of a day are missing or ambiguous.
    """
    require_utc(hours, "measured_at", "daily means")
    require_columns(
        hours, {"station_id": pl.String} | dict.fromkeys(HOURLY_COLUMNS.values(), pl.Float64), "daily means"
    )
    local = local_time("measured_at")
    readings = hours.select(
        "station_id",
        local.dt.date().alias("business_date"),
        local.dt.hour().alias("hour"),
        *(concentration(column).alias(column) for column in HOURLY_COLUMNS.values()),
    ).sort("station_id", "business_date", "hour")
    _refuse_repeated_hours(readings)
    rows = {"validity": typed_rows("std_air_validity", validity)}
    parts = [
        _statistics(part, {code: _minimum(valid["validity"], code) for code in _MINIMA})
        for part, valid in valid_slices(readings, pl.col("business_date"), rows)
    ]
    return pl.concat(parts).sort("station_id", "business_date")


_MINIMA = ("day_mean", "running_8h_mean", "daily_maximum_8h_mean")


def _statistics(readings: pl.DataFrame, minima: dict[str, int]) -> pl.DataFrame:
    """Means and ozone maximum of days that the same minima judge."""
    day = ("station_id", "business_date")
    means = readings.group_by(day, maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("reported_hours"),
        *(
            statistic
            for code, column in _AVERAGED.items()
            for statistic in (
                pl.when(pl.col(column).count() >= minima["day_mean"]).then(_mean(pl.col(column))).alias(column),
                pl.col(column).count().cast(pl.Int32).alias(f"{code}_valid_hours"),
            )
        ),
    )
    window = "window"
    # On the full grid of hours eight neighbouring rows are eight hours; before 07 they would reach into the day before.
    maxima = (
        _hour_grid(means.select(day), readings.select(*day, "hour", HOURLY_COLUMNS["o3"]))
        .with_columns(_running_mean(pl.col(HOURLY_COLUMNS["o3"]), minima["running_8h_mean"]).alias(window))
        .filter(pl.col("hour") >= _WINDOW_HOURS - 1)
        .group_by(day, maintain_order=True)
        .agg(
            pl.when(pl.col(window).count() >= minima["daily_maximum_8h_mean"])
            .then(pl.col(window).max())
            .alias("o3_8h_max_ug_per_m3"),
            pl.col(window).count().cast(pl.Int32).alias("o3_8h_valid_windows"),
        )
    )
    return means.join(maxima, on=day, how="left", nulls_equal=True)


def _hour_grid(days: pl.DataFrame, readings: pl.DataFrame) -> pl.DataFrame:
    """One row per day and hour 0–23, in order, null where no reading came."""
    grid = days.join(pl.DataFrame({"hour": pl.Series(range(_HOURS_OF_A_DAY), dtype=pl.Int8)}), how="cross")
    return grid.join(readings, on=["station_id", "business_date", "hour"], how="left", maintain_order="left")


def _mean(value: pl.Expr) -> pl.Expr:
    """Mean of hours added one after the other, so that a half falls to the same side on every machine."""
    return value.drop_nulls().cum_sum().last() / value.count()


def _running_mean(value: pl.Expr, minimum: int) -> pl.Expr:
    """Mean of a row and the seven before it; sums are taken anew, a running sum would carry its rounding along."""
    steps = [value.shift(step) for step in reversed(range(_WINDOW_HOURS))]  # added in the order of the hours
    count = pl.sum_horizontal(step.is_not_null().cast(pl.Int32) for step in steps)
    return pl.when(count >= minimum).then(pl.sum_horizontal(steps) / count)


def _minimum(validity: pl.DataFrame, statistic: str) -> int:
    counts = validity.filter(statistic_code=statistic)["minimum_count"].to_list()
    if len(counts) != 1:
        raise StandardRowsError(
            f"seed std_air_validity: {len(counts)} rows for {statistic} hold on one day, one is needed; "
            "correct valid_from and valid_to"
        )
    return int(counts[0])


def _refuse_repeated_hours(sorted_readings: pl.DataFrame) -> None:
    key = pl.struct("station_id", "business_date", "hour")
    repeated = sorted_readings.filter(key.eq_missing(key.shift()))
    if not repeated.is_empty():
        station, day, hour = repeated.select("station_id", "business_date", "hour").row(0)
        raise ReadingsError(
            f"daily means: station {station} has hour {hour:02d} of {day} more than once; keep one row per hour before"
        )
