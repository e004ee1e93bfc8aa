"""Readings as received become readings in canonical units: one row per point, factor and time.

Nothing is judged here; quality flags are the business of `quality_control`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

CONVERSION_DECIMALS = 9  # 700 µg/m³ are 0.7 mg/m³, not 0.7000000000000001
KEY = ("station_id_iot", "factor_code", "measured_at")


@dataclass(frozen=True)
class CleanReadings:
    """What cleaning made of one piece.

    Attributes:
        readings: station_id, pollutant_code, measured_at, value (canonical unit), unit, reported_value, reported_unit,
            source_flag, source_measured_at, data_origin, and the provenance columns `_source_uri, _row_number`.
        unknown: rows that no reference row covers, with `reason_code`.
        superseded: how many older deliveries of the same key were replaced by a newer one.
    """

    readings: pl.DataFrame
    unknown: pl.DataFrame
    superseded: int


def clean_readings(received: pl.DataFrame, factors: pl.DataFrame, station_ids: list[str]) -> CleanReadings:
    """Keep the newest reading of each key and convert it to the canonical unit of its factor.

    Args:
        received: bronze rows: station_id_iot, factor_code, measured_at (UTC), value, unit, source_flag,
            source_measured_at, data_origin, and provenance (`_source_uri, _row_number, _loaded_at, _digest`).
        factors: dated rows: factor_code, pollutant_code, source_unit, canonical_unit, conversion_factor
            (canonical = source × factor), valid_from, valid_to (half-open, null is open).
        station_ids: the stations the park knows.
    """
    order = ["_loaded_at", "_source_uri", "_row_number"]  # the newest delivery is right: late data correct
    newest = received.sort(*KEY, *order).unique(KEY, keep="last", maintain_order=True)
    joined = _with_unit_row(newest, factors)
    judged = joined.with_columns(
        reason_code=pl.coalesce(
            pl.when(~pl.col("station_id_iot").is_in(station_ids)).then(pl.lit("unknown_station")),
            pl.when(~pl.col("factor_code").is_in(factors["factor_code"].unique().to_list())).then(
                pl.lit("unknown_factor")
            ),
            pl.when(pl.col("pollutant_code").is_null()).then(pl.lit("unknown_unit")),
        )
    )
    readings = judged.filter(pl.col("reason_code").is_null()).select(
        station_id=pl.col("station_id_iot"),
        pollutant_code=pl.col("pollutant_code"),
        measured_at=pl.col("measured_at"),
        value=(pl.col("value") * pl.col("conversion_factor")).round(CONVERSION_DECIMALS),
        unit=pl.col("canonical_unit"),
        reported_value=pl.col("value"),
        reported_unit=pl.col("unit"),
        source_flag=pl.col("source_flag"),
        source_measured_at=pl.col("source_measured_at"),
        data_origin=pl.col("data_origin"),
        _source_uri=pl.col("_source_uri"),
        _row_number=pl.col("_row_number"),
    )
    unknown = judged.filter(pl.col("reason_code").is_not_null())
    return CleanReadings(readings, unknown, received.height - newest.height)


def _with_unit_row(received: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Add pollutant_code, canonical_unit and conversion_factor of the row valid on the reading's business date."""
    rows = factors.select(
        "factor_code",
        "pollutant_code",
        "canonical_unit",
        pl.col("conversion_factor").cast(pl.Float64),
        pl.col("valid_from").cast(pl.Date),
        pl.col("valid_to").cast(pl.Date),
        unit=pl.col("source_unit"),
    ).sort("valid_from")
    day = pl.col("measured_at").dt.convert_time_zone("Asia/Shanghai").dt.date().alias("__day")
    joined = (
        received.with_columns(day)
        .sort("__day", maintain_order=True)
        .join_asof(rows, left_on="__day", right_on="valid_from", by=["factor_code", "unit"], check_sortedness=False)
    )
    ended = (pl.col("__day") >= pl.col("valid_to")).fill_null(value=False)
    held = ("pollutant_code", "canonical_unit", "conversion_factor")
    return joined.with_columns(pl.when(~ended).then(pl.col(name)).alias(name) for name in held).drop("__day")


def hours_by_station(readings: pl.DataFrame, pollutant_columns: dict[str, str]) -> pl.DataFrame:
    """Turn hourly readings into one row per station and hour.

    Args:
        readings: the `readings` of `clean_readings`.
        pollutant_columns: pollutant code → name of the column that receives its value.

    Returns:
        station_id, measured_at, one column per vital (null where missing), source_measured_at, data_origin (the
        worst present: simulated before replayed before measured).
    """
    values = [
        pl.col("value").filter(pl.col("pollutant_code") == code).last().alias(column)
        for code, column in pollutant_columns.items()
    ]
    return (
        readings.group_by("station_id", "measured_at")
        .agg(*values, pl.col("source_measured_at").max(), worst_origin("data_origin"))
        .sort("station_id", "measured_at")
    )


def worst_origin(column: str) -> pl.Expr:
    """Return the worst origin among the rows: simulated, else replayed, else measured."""
    origin = pl.col(column)
    return (
        pl.when((origin == "simulated").any())
        .then(pl.lit("simulated"))
        .when((origin == "replayed").any())
        .then(pl.lit("replayed"))
        .otherwise(pl.lit("measured"))
        .alias(column)
    )
