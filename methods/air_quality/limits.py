"""Daily concentrations against the ambient limits in force on the day."""

from __future__ import annotations

from typing import Any

import polars as pl

from methods.air_quality.concentrations import MICRO, concentration, in_micro_units, rounded
from methods.air_quality.index import DAILY_COLUMNS
from methods.air_quality.standards import (
    StandardRowsError,
    require_columns,
    require_day,
    typed_rows,
    valid_slices,
)

LIMIT_COLUMNS = {
    "so2": "so2_limit_ug_per_m3",
    "no2": "no2_limit_ug_per_m3",
    "co": "co_limit_mg_per_m3",
    "o3": "o3_8h_limit_ug_per_m3",
    "pm10": "pm10_limit_ug_per_m3",
    "pm25": "pm25_limit_ug_per_m3",
}
_PERIODS = dict.fromkeys(DAILY_COLUMNS, "24h") | {"o3": "8h"}
_ROW = "__row"


def compare_with_limits(days: pl.DataFrame, limits: pl.DataFrame, *, zone_class: int = 2) -> pl.DataFrame:
    """Add the daily limits and say which items exceed them.

    Source: GB 3095-2012 table 1; GB 3095-2026, limits of the transition until the end of 2030 and final ones. A mean
    exceeds a limit when it is greater, after the rounding (GB/T 8170) that the limit's row asks for.

    Args:
        days: One row per station and day: `business_date` and the columns of `DAILY_COLUMNS`.
        limits: Rows of seed `std_ambient_limits`.
        zone_class: 1 (nature reserves and the like) or 2 (where people live and work, industry).

    Returns:
        The same rows in the same order, and the columns of `LIMIT_COLUMNS`, `exceeded_pollutants` (codes joined by
        commas, null for none), `is_exceeded` (null when nothing at hand exceeds and an item is missing) and
        `limit_standard_code`.

    Raises:
        ReadingsError: A column is missing or has another type.
        StandardRowsError: A limit is missing, ambiguous or in another unit on a day of the frame.
    """
    require_day(days, "business_date", "ambient limits")
    require_columns(days, dict.fromkeys(DAILY_COLUMNS.values(), pl.Float64), "ambient limits")
    own_class = typed_rows("std_ambient_limits", limits).filter(zone_class=zone_class)
    parts = [
        _compare(part, valid["limits"], zone_class)
        for part, valid in valid_slices(days.with_row_index(_ROW), pl.col("business_date"), {"limits": own_class})
    ]
    return pl.concat(parts).sort(_ROW).drop(_ROW)


def _compare(part: pl.DataFrame, limits: pl.DataFrame, zone_class: int) -> pl.DataFrame:
    """Compare days that the same limits judge."""
    added, exceeds = [], {}
    codes = set()
    for pollutant, column in DAILY_COLUMNS.items():
        row = _limit_row(limits, pollutant, zone_class)
        codes.add(str(row["standard_code"]))
        value = rounded(in_micro_units(concentration(column)), row["concentration_decimals"])
        exceeds[pollutant] = value > round(row["limit_value"] * MICRO)
        added.append(pl.lit(row["limit_value"], pl.Float64).alias(LIMIT_COLUMNS[pollutant]))
    names = [pl.when(is_over).then(pl.lit(pollutant)) for pollutant, is_over in exceeds.items()]
    any_over = pl.any_horizontal(exceeds.values())
    return part.with_columns(
        *added,
        pl.when(any_over).then(pl.concat_str(names, separator=",", ignore_nulls=True)).alias("exceeded_pollutants"),
        any_over.alias("is_exceeded"),
        pl.lit(",".join(sorted(codes))).alias("limit_standard_code"),
    )


def _limit_row(limits: pl.DataFrame, pollutant: str, zone_class: int) -> dict[str, Any]:
    chosen = limits.filter(pollutant_code=pollutant, averaging_period=_PERIODS[pollutant])
    place = f"seed std_ambient_limits: {pollutant} {_PERIODS[pollutant]}, class {zone_class}"
    if chosen.height != 1:
        raise StandardRowsError(
            f"{place}: {chosen.height} rows hold on one day, one is needed; correct valid_from and valid_to"
        )
    row = chosen.row(0, named=True)
    if not LIMIT_COLUMNS[pollutant].endswith(row["unit"].replace("/", "_per_")):
        raise StandardRowsError(f"{place}: unit {row['unit']} does not fit column {LIMIT_COLUMNS[pollutant]}")
    return row
