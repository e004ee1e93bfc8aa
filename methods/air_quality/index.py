"""Air-quality index of an hour or a day, by the edition of HJ 633 in force at the time of the observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from methods.air_quality.concentrations import MICRO, concentration, in_micro_units, rounded
from methods.air_quality.standards import (
    POLLUTANTS,
    IndexStandards,
    ReadingsError,
    StandardRowsError,
    local_time,
    require_columns,
    require_day,
    require_utc,
    valid_slices,
)

HOURLY_COLUMNS = {
    "so2": "so2_ug_per_m3",
    "no2": "no2_ug_per_m3",
    "co": "co_mg_per_m3",
    "o3": "o3_ug_per_m3",
    "pm10": "pm10_ug_per_m3",
    "pm25": "pm25_ug_per_m3",
}
DAILY_COLUMNS = HOURLY_COLUMNS | {"o3": "o3_8h_max_ug_per_m3"}
OTHER_PERIOD_COLUMNS: dict[tuple[str, str | None], str] = {
    ("so2", "24h"): "so2_24h_ug_per_m3",
    ("o3", "1h"): "o3_1h_max_ug_per_m3",
}
"""Optional columns, for the edition that reports another averaging period above the last breakpoint."""

_ROW = "__row"


@dataclass(frozen=True)
class _Item:
    """One pollutant in one report of one edition."""

    pollutant: str
    column: str
    averaging_period: str
    beyond_last_period: str | None
    is_required: bool
    decimals: int | None


@dataclass(frozen=True)
class _Edition:
    """The rules of one report in one edition."""

    standard_code: str
    aqi_minimum: int
    aqi_maximum: int
    primary_above: int
    counts_unmeasured_as_missing: bool
    publish_incomplete_above: int | None


def hourly_index(hours: pl.DataFrame, standards: IndexStandards) -> pl.DataFrame:
    """Add the real-time index to hourly concentrations.

    Source: HJ 633-2012 (4, table 1, table 2) and HJ 633-2026 (table 3), whichever the Asia/Shanghai date of
    `measured_at` asks for: IAQI by linear interpolation between breakpoints, rounded up; AQI is the highest IAQI.

    Args:
        hours: One row per station and hour: `measured_at` (UTC) and the columns of `HOURLY_COLUMNS` (µg/m³, CO mg/m³;
            null is missing; what cannot be a concentration, negative or not finite, counts as missing). Optional:
            `measured_items` (list, or codes joined by commas; null: all six), which a station has instruments for;
            `so2_24h_ug_per_m3`, which HJ 633-2012 reports where the hour exceeds the last breakpoint.
        standards: Dated rows of all editions.

    Returns:
        The same rows in the same order, and
        `<item>_iaqi` (null where the item is missing), `aqi` (null where the edition publishes none),
        `aqi_at_least` (the highest IAQI of the items at hand, published or not), `aqi_level` (1–6),
        `aqi_level_name`, `primary_pollutants` (codes joined by commas; null up to the edition's threshold) and
        `standard_code`.

    Raises:
        ReadingsError: A column is missing or has another type.
        StandardRowsError: No edition, or no consistent one, holds on a day of the frame.
    """
    require_utc(hours, "measured_at", "hourly index")
    return _index(hours, local_time("measured_at").dt.date(), "hourly", HOURLY_COLUMNS, standards)


def daily_index(days: pl.DataFrame, standards: IndexStandards) -> pl.DataFrame:
    """Add the daily index to daily concentrations.

    Source: as `hourly_index`, with the 24-hour columns and the highest 8-hour mean of ozone.

    Args:
        days: One row per station and day: `business_date` (Asia/Shanghai) and the columns of `DAILY_COLUMNS`, as
            `daily_means` gives them. Optional: `measured_items`; `o3_1h_max_ug_per_m3`, which HJ 633-2012 reports
            where the 8-hour mean exceeds the last breakpoint.
        standards: Dated rows of all editions.

    Returns:
        The same rows with the columns `hourly_index` adds.

    Raises:
        ReadingsError: A column is missing or has another type.
        StandardRowsError: No edition, or no consistent one, holds on a day of the frame.
    """
    require_day(days, "business_date", "daily index")
    return _index(days, pl.col("business_date"), "daily", DAILY_COLUMNS, standards)


def measured_items(evidence: Mapping[str, Sequence[str]]) -> pl.Expr:
    """Tell from published columns what a station measures: an item of which any column has a value.

    A publication that carries the hour and the last 24 hours shows in the second whether an item missing in the
    first has an instrument.

    Args:
        evidence: Columns by item code.

    Returns:
        Expression `measured_items` for `hourly_index`: item codes joined by commas.
    """
    codes = [
        pl.when(pl.any_horizontal(pl.col(column).is_not_null() for column in columns)).then(pl.lit(code))
        for code, columns in evidence.items()
    ]
    return pl.concat_str(codes, separator=",", ignore_nulls=True).alias("measured_items")


def _index(
    frame: pl.DataFrame, day: pl.Expr, report: str, columns: Mapping[str, str], standards: IndexStandards
) -> pl.DataFrame:
    require_columns(frame, dict.fromkeys(columns.values(), pl.Float64), f"{report} index")
    numbered = frame.with_row_index(_ROW)
    parts = []
    for part, rows in valid_slices(numbered, day, standards.tables()):
        edition = _edition(rows["editions"], report, part)
        items = _items(rows["items"], edition.standard_code, report, columns)
        parts.append(_judge(part, edition, items, rows["breakpoints"], rows["levels"]))
    return pl.concat(parts).sort(_ROW).drop(_ROW)


def _judge(
    part: pl.DataFrame, edition: _Edition, items: Sequence[_Item], breakpoints: pl.DataFrame, levels: pl.DataFrame
) -> pl.DataFrame:
    """Add the index columns to rows that one edition judges."""
    own = pl.col("standard_code") == edition.standard_code
    sub_indices = {item.pollutant: _sub_index(item, part.columns, breakpoints.filter(own)) for item in items}
    with_items = part.with_columns(
        sub_indices.get(code, pl.lit(None)).cast(pl.Int32).alias(f"{code}_iaqi") for code in POLLUTANTS
    )
    highest = pl.max_horizontal(f"{code}_iaqi" for code in POLLUTANTS)
    is_complete = ~pl.any_horizontal(_is_missed(item, edition, part) for item in items if item.is_required)
    is_published = is_complete
    # The text of HJ 633-2026 publishes an incomplete index above 100; the reference values for its real-time report
    # leave it empty. The edition row decides (its source_mark tells the conflict), `aqi_at_least` shows it anyhow.
    if edition.publish_incomplete_above is not None:
        is_published = is_complete | (pl.col("aqi_at_least") > edition.publish_incomplete_above)
    primary = [pl.when(pl.col(f"{code}_iaqi") == pl.col("aqi")).then(pl.lit(code)) for code in POLLUTANTS]
    return (
        with_items.with_columns(highest.clip(edition.aqi_minimum, edition.aqi_maximum).alias("aqi_at_least"))
        .with_columns(pl.when(is_published).then("aqi_at_least").alias("aqi"))
        .with_columns(
            *_level(levels.filter(own), edition),
            pl.when(pl.col("aqi") > edition.primary_above)
            .then(pl.concat_str(primary, separator=",", ignore_nulls=True))
            .alias("primary_pollutants"),
            pl.lit(edition.standard_code).alias("standard_code"),
        )
    )


def _sub_index(item: _Item, columns: Sequence[str], breakpoints: pl.DataFrame) -> pl.Expr:
    """IAQI of one item.

    Above the last breakpoint it stays at the last index (HJ 633-2026: 200 for SO2, 300 for ozone of 8 hours, else
    500), unless the edition reports another averaging period there and that column is at hand.
    """
    value = rounded(in_micro_units(concentration(item.column)), item.decimals)
    segments = _segments(breakpoints, item.pollutant, item.averaging_period)
    last_index, last_breakpoint = segments[-1][1], segments[-1][3]
    beyond: pl.Expr = pl.lit(last_index)
    other = OTHER_PERIOD_COLUMNS.get((item.pollutant, item.beyond_last_period))
    if item.beyond_last_period is not None and other is not None and other in columns:
        alternative = rounded(in_micro_units(concentration(other)), item.decimals)
        alternative_segments = _segments(breakpoints, item.pollutant, item.beyond_last_period)
        beyond = pl.coalesce(_interpolated(alternative, alternative_segments), beyond)
    inside = _interpolated(value, segments)
    return pl.when(value > last_breakpoint).then(beyond).otherwise(inside)


def _interpolated(value: pl.Expr, segments: Sequence[tuple[int, int, int, int]]) -> pl.Expr:
    """IAQI of a whole number of micro-units, rounded up without leaving whole numbers.

    In binary fractions an exact 50 can come out as 50.0000001 and would be rounded up to 51.
    """
    index = pl.lit(segments[-1][1])
    for index_low, index_high, low, high in reversed(segments):
        climbed = (index_high - index_low) * (value - low)
        index = pl.when(value <= high).then(index_low + (climbed + (high - low - 1)) // (high - low)).otherwise(index)
    return pl.when(value.is_not_null()).then(index)


def _segments(breakpoints: pl.DataFrame, pollutant: str, period: str) -> list[tuple[int, int, int, int]]:
    """Read the segments of one column of the table: index low and high, concentration low and high in micro-units."""
    chosen = breakpoints.filter(pollutant_code=pollutant, averaging_period=period).sort("concentration_low")
    rows = chosen.select("aqi_low", "aqi_high", "concentration_low", "concentration_high").rows()
    segments = [(int(a), int(b), round(low * MICRO), round(high * MICRO)) for a, b, low, high in rows]
    ends = [(0, 0), *((segment[1], segment[3]) for segment in segments)]
    starts = [(segment[0], segment[2]) for segment in segments]
    if not segments or ends[:-1] != starts or any(segment[3] <= segment[2] for segment in segments):
        raise StandardRowsError(
            f"seed std_aqi_breakpoints: {pollutant} {period}: the rows valid on one day do not form one line from 0 "
            "upwards; close the gap or the overlap in their validity or their breakpoints"
        )
    return segments


def _is_missed(item: _Item, edition: _Edition, part: pl.DataFrame) -> pl.Expr:
    """Whether an item the edition asks for is not there."""
    is_absent = pl.col(f"{item.pollutant}_iaqi").is_null()
    if edition.counts_unmeasured_as_missing or "measured_items" not in part.columns:
        return is_absent
    measured = pl.col("measured_items")
    found = part.schema["measured_items"]
    if found == pl.String:
        measured = measured.str.split(",")
    elif found not in {pl.List(pl.String), pl.Null()}:
        raise ReadingsError(f"index: column measured_items is {found}, expected codes as a list or joined by commas")
    if found == pl.Null:
        return is_absent
    return is_absent & measured.list.contains(item.pollutant).fill_null(value=True)


def _level(levels: pl.DataFrame, edition: _Edition) -> tuple[pl.Expr, pl.Expr]:
    rows = levels.sort("aqi_low").select("aqi_low", "aqi_level", "aqi_level_name").rows()
    if not rows or rows[0][0] > edition.aqi_minimum:
        raise StandardRowsError(
            f"seed std_aqi_levels: {edition.standard_code} has no level for index {edition.aqi_minimum}; add its row"
        )
    level, name = pl.lit(None, pl.Int32), pl.lit(None, pl.String)
    for low, code, label in rows:
        reached = pl.col("aqi") >= low
        level = pl.when(reached).then(pl.lit(code, pl.Int32)).otherwise(level)
        name = pl.when(reached).then(pl.lit(label)).otherwise(name)
    return level.alias("aqi_level"), name.alias("aqi_level_name")


def _edition(editions: pl.DataFrame, report: str, part: pl.DataFrame) -> _Edition:
    chosen = editions.filter(report_code=report)
    if chosen.height != 1:
        raise StandardRowsError(
            f"seed std_aqi_editions: {chosen.height} rows for the {report} report hold on the days of {part.height} "
            "rows, one is needed; correct valid_from and valid_to"
        )
    row = chosen.row(0, named=True)
    return _Edition(
        standard_code=row["standard_code"],
        aqi_minimum=row["aqi_minimum"],
        aqi_maximum=row["aqi_maximum"],
        primary_above=row["primary_above"],
        counts_unmeasured_as_missing=row["unmeasured_items"] == "missing",
        publish_incomplete_above=row["publish_incomplete_above"],
    )


def _items(items: pl.DataFrame, standard_code: str, report: str, columns: Mapping[str, str]) -> list[_Item]:
    chosen = items.filter(standard_code=standard_code, report_code=report)
    codes = chosen["pollutant_code"].to_list()
    if not codes or len(set(codes)) != len(codes) or not set(codes) <= set(columns):
        raise StandardRowsError(
            f"seed std_aqi_items: {standard_code}, {report}: items {', '.join(codes) or 'none'} hold on one day; "
            f"each of {', '.join(columns)} may stand there once"
        )
    return [
        _Item(
            pollutant=row["pollutant_code"],
            column=_column_in_unit(columns[row["pollutant_code"]], row["unit"]),
            averaging_period=row["averaging_period"],
            beyond_last_period=row["beyond_last_period"],
            is_required=row["is_required"],
            decimals=row["concentration_decimals"],
        )
        for row in chosen.iter_rows(named=True)
    ]


def _column_in_unit(column: str, unit: str) -> str:
    if not column.endswith(unit.replace("/", "_per_")):
        raise StandardRowsError(f"seed std_aqi_items: unit {unit} does not fit column {column}; correct the row's unit")
    return column
