"""Readings as received become readings in canonical units: one row per point, factor and time.

Nothing is judged here; quality flags are the business of `quality_control`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

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
        factors: factor_code, vital_code, source_unit, canonical_unit, factor (canonical = source × factor), offset.
        station_ids: the stations the park knows.
    """
    order = ["_loaded_at", "_source_uri", "_row_number"]  # the newest delivery is right: late data correct
    newest = received.sort(*KEY, *order).unique(KEY, keep="last", maintain_order=True)
    units = factors.select(
        "factor_code", "vital_code", "canonical_unit", "multiplier", "offset", unit=pl.col("source_unit")
    )
    joined = newest.join(units, on=["factor_code", "unit"], how="left", maintain_order="left").with_columns(
        reason_code=pl.coalesce(
            pl.when(~pl.col("station_id_iot").is_in(station_ids)).then(pl.lit("unknown_station")),
            pl.when(~pl.col("factor_code").is_in(factors["factor_code"].unique().to_list())).then(
                pl.lit("unknown_factor")
            ),
            pl.when(pl.col("vital_code").is_null()).then(pl.lit("unknown_unit")),
        )
    )
    readings = joined.filter(pl.col("reason_code").is_null()).select(
        station_id=pl.col("station_id_iot"),
        vital_code=pl.col("vital_code"),
        measured_at=pl.col("measured_at"),
        value=pl.col("value") * pl.col("multiplier") + pl.col("offset"),
        unit=pl.col("canonical_unit"),
        reported_value=pl.col("value"),
        reported_unit=pl.col("unit"),
        source_flag=pl.col("source_flag"),
        source_measured_at=pl.col("source_measured_at"),
        data_origin=pl.col("data_origin"),
        _source_uri=pl.col("_source_uri"),
        _row_number=pl.col("_row_number"),
    )
    unknown = joined.filter(pl.col("reason_code").is_not_null())
    return CleanReadings(readings, unknown, received.height - newest.height)


def hours_by_station(readings: pl.DataFrame, vital_codes: dict[str, str]) -> pl.DataFrame:
    """Turn hourly readings into one row per station and hour.

    Args:
        readings: the `readings` of `clean_readings`.
        vital_codes: vital code → name of the column that receives its value.

    Returns:
        station_id, measured_at, one column per vital (null where missing), source_measured_at, data_origin (the
        worst present: simulated before replayed before measured).
    """
    values = [
        pl.col("value").filter(pl.col("vital_code") == code).last().alias(column)
        for code, column in vital_codes.items()
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
