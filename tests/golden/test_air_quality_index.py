"""The published index of 1,495 stations in one hour, under the edition of then and the edition of now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lakehouse.settings import PROJECT_ROOT
from methods.air_quality import IndexStandards, hourly_index, named_items, published_hours

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


@pytest.fixture(scope="module")
def standards() -> IndexStandards:
    files = (SEEDS / "standards").glob("std_aqi_*.csv")
    return IndexStandards.from_seeds({file.stem: pl.read_csv(file, infer_schema_length=None) for file in files})


@pytest.fixture(scope="module")
def published(replay_dir: Path) -> pl.DataFrame:
    """Concentrations and published index, one row per station."""
    stem = "cnemc_20180220T07"
    readings = pl.read_csv(replay_dir / "aqi" / f"{stem}_in.csv", infer_schema_length=None)
    index = pl.read_csv(replay_dir / "aqi" / f"{stem}_expected.csv", infer_schema_length=None).drop("timepoint")
    assert readings.height == 1495
    return readings.join(index, on="station", validate="1:1", maintain_order="left")


def judged(published: pl.DataFrame, standards: IndexStandards, at: datetime) -> pl.DataFrame:
    hours = published.with_columns(pl.lit(at, pl.Datetime("us", "UTC")).alias("measured_at"))
    return hourly_index(published_hours(hours), standards)


def test_every_station_gets_its_published_index_level_and_primary_pollutant(
    published: pl.DataFrame, standards: IndexStandards
):
    result = judged(published, standards, datetime(2018, 2, 19, 23, tzinfo=UTC))
    names = pl.read_csv(SEEDS / "reference" / "ref_air_pollutants.csv")
    zh = dict(names.select("pollutant_code", "primary_name_hourly_zh").iter_rows())
    wrong = result.with_columns(named_items(pl.col("primary_pollutants"), zh).alias("primary_zh")).filter(
        pl.col("aqi").ne_missing(pl.col("aqi_official"))
        | pl.col("aqi_level_name").ne_missing(pl.col("level_official"))
        | pl.col("primary_zh").ne_missing(pl.col("primary_official"))
    )
    assert wrong.is_empty(), wrong
    assert result["aqi"].null_count() == 20
    assert result["standard_code"].unique().to_list() == ["HJ 633-2012"]


@pytest.mark.parametrize("days_later", [0, 90, 4000])
def test_the_same_hour_dated_into_2026_gets_the_index_of_the_new_edition(
    published: pl.DataFrame, standards: IndexStandards, days_later: int
):
    result = judged(published, standards, datetime(2026, 2, 28, 16, tzinfo=UTC) + timedelta(days=days_later))
    wrong = result.filter(pl.col("aqi").ne_missing(pl.col("aqi_hj633_2026")))
    assert wrong.is_empty(), wrong
    assert result["aqi"].null_count() == 281
    assert result["standard_code"].unique().to_list() == ["HJ 633-2026"]


def test_a_withheld_index_above_one_hundred_stays_visible(published: pl.DataFrame, standards: IndexStandards):
    result = judged(published, standards, datetime(2026, 6, 1, tzinfo=UTC))
    withheld = result.filter(pl.col("aqi").is_null() & (pl.col("aqi_at_least") > 100))
    assert withheld.height > 0
    assert withheld["primary_pollutants"].null_count() == withheld.height
