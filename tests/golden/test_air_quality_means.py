"""Published daily means and ozone maxima of real stations, four years of hours each."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from lakehouse.settings import PROJECT_ROOT
from methods.air_quality import daily_means

VALIDITY = PROJECT_ROOT / "dbt_project" / "seeds" / "standards" / "std_air_validity.csv"
UNITS = {"SO2": "so2", "NO2": "no2", "CO": "co", "PM10": "pm10", "PM2.5": "pm25"}


@pytest.fixture(scope="module")
def hours(replay_dir: Path) -> pl.DataFrame:
    files = sorted((replay_dir / "beijing").glob("PRSA_Data_*.csv.gz"))
    assert files
    series = [
        pl.read_csv(gzip.decompress(file.read_bytes()), null_values="NA", infer_schema_length=None) for file in files
    ]
    return pl.concat(frame.select("station", "year", "month", "day", "hour", *UNITS, "O3") for frame in series).select(
        pl.col("station").alias("station_id"),
        pl.datetime("year", "month", "day", "hour", time_zone="Asia/Shanghai")
        .dt.convert_time_zone("UTC")
        .alias("measured_at"),
        *(pl.col(name).cast(pl.Float64).alias(f"{code}_ug_per_m3") for name, code in UNITS.items() if name != "CO"),
        (pl.col("CO") / 1000).alias("co_mg_per_m3"),
        pl.col("O3").cast(pl.Float64).alias("o3_ug_per_m3"),
    )


def test_every_day_agrees_with_the_published_daily_values(hours: pl.DataFrame, replay_dir: Path):
    expected = pl.read_csv(
        replay_dir / "beijing" / "daily_expected.csv", infer_schema_length=None, try_parse_dates=True
    )
    days = daily_means(hours, pl.read_csv(VALIDITY))
    compared = expected.join(
        days, left_on=["station", "date"], right_on=["station_id", "business_date"], how="full", validate="1:1"
    )
    assert compared.height == expected.height == days.height
    values = {name: f"{code}_ug_per_m3" for name, code in UNITS.items() if name != "CO"}
    values["O3_8h_max"] = "o3_8h_max_ug_per_m3"
    counts = {f"{name}_n": f"{code}_valid_hours" for name, code in UNITS.items()}
    counts |= {"O3_8h_n": "o3_8h_valid_windows", "hours": "reported_hours"}
    for name, column in counts.items():
        wrong = compared.filter(pl.col(name).ne_missing(pl.col(column)))
        assert wrong.is_empty(), (name, wrong)
    scaled = {name: pl.col(column) for name, column in values.items()} | {"CO": pl.col("co_mg_per_m3") * 1000}
    for name, value in scaled.items():
        # The file has three decimals.
        is_close = (pl.col(name) - value).abs() <= 0.0005 + 1e-9
        wrong = compared.filter(pl.col(name).is_null().ne(value.is_null()) | ~is_close)
        assert wrong.is_empty(), (name, wrong)
    assert expected["O3_8h_max"].null_count() > 100
