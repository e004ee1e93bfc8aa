"""The factors an air station of the simulated park reports, as its logger writes them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lakehouse.settings import PARK_TIME_ZONE


@dataclass(frozen=True)
class AirFactor:
    """One factor: its code (HJ 212 / HJ 524 lists), our short name, and the unit as the logger writes it."""

    factor_code: str
    pollutant_code: str
    source_unit: str
    decimals: int


AIR_FACTORS = (
    AirFactor("a01001", "air_temperature", "degC", 1),
    AirFactor("a01006", "air_pressure", "hPa", 1),
    AirFactor("a01007", "wind_speed", "m/s", 1),
    AirFactor("a01008", "wind_direction", "deg", 1),
    AirFactor("a05024", "o3", "ug/m3", 0),
    AirFactor("a21004", "no2", "ug/m3", 0),
    AirFactor("a21005", "co", "ug/m3", -2),
    AirFactor("a21026", "so2", "ug/m3", 0),
    AirFactor("a34002", "pm10", "ug/m3", 0),
    AirFactor("a34004", "pm25", "ug/m3", 0),
)

LOCAL_TIME = pl.Datetime("us", str(PARK_TIME_ZONE))

# One row per station, factor and hour; `source_measured_at` is the original time of a shifted series, else null.
READING_SCHEMA: dict[str, pl.DataType] = {
    "station_id_iot": pl.String(),
    "factor_code": pl.String(),
    "measured_at": LOCAL_TIME,
    "value": pl.Float64(),
    "unit": pl.String(),
    "source_flag": pl.String(),
    "source_measured_at": LOCAL_TIME,
    "data_origin": pl.String(),
}


def as_readings(hours: pl.DataFrame, *, data_origin: str) -> pl.DataFrame:
    """Turn one row per station and hour into one row per reading; a missing value is an absent row.

    Args:
        hours: Columns station_id_iot, measured_at, source_measured_at and one per pollutant code.
        data_origin: `simulated` or `replayed`.

    Returns:
        Rows of `READING_SCHEMA`, sorted by station, factor, time.
    """
    keys = ["station_id_iot", "measured_at", "source_measured_at"]
    pieces = [
        hours.select(
            *keys,
            pl.lit(factor.factor_code).alias("factor_code"),
            pl.col(factor.pollutant_code).cast(pl.Float64).alias("value"),
            pl.lit(factor.source_unit).alias("unit"),
        )
        for factor in AIR_FACTORS
    ]
    return (
        pl.concat(pieces)
        .filter(pl.col("value").is_not_null())
        .with_columns(
            pl.col("measured_at", "source_measured_at").cast(LOCAL_TIME),
            pl.lit("N").alias("source_flag"),
            pl.lit(data_origin).alias("data_origin"),
        )
        .select(*READING_SCHEMA)
        .sort("station_id_iot", "factor_code", "measured_at")
    )
