"""The archive of replayed air keeps the published daily means, at their own dates and shifted."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingestion.simulated_park.iot_archive import ArchiveSummary, write_air_archive
from ingestion.simulated_park.middle_platform_streams import platform_streams
from lakehouse.settings import PARK_TIME_ZONE, ParkSize, Settings

LAST_FULL_DAY = date(2026, 11, 21)
COLUMN_BY_FACTOR = {"a34004": "PM2.5", "a34002": "PM10", "a21026": "SO2", "a21004": "NO2", "a21005": "CO"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, replay_dir: Path) -> ArchiveSummary:
    root = tmp_path_factory.mktemp("archive")
    return write_air_archive(root, last_full_day=LAST_FULL_DAY, seed=1, replay_dir=replay_dir)


@pytest.fixture(scope="module")
def published(replay_dir: Path) -> pl.DataFrame:
    return pl.read_csv(replay_dir / "beijing/daily_expected.csv", try_parse_dates=True, infer_schema_length=None)


def readings(archive: ArchiveSummary) -> pl.DataFrame:
    written = pl.read_parquet(sorted(archive.folder.rglob("*.parquet"))).with_columns(
        pl.col("measured_at", "source_measured_at").dt.replace_time_zone(None)
    )
    text = pl.concat(
        pl.read_csv(path, schema_overrides={"source_measured_at": pl.String})
        for path in sorted(archive.folder.rglob("*.csv.gz"))
    ).with_columns(
        pl.col("measured_at", "source_measured_at")
        .str.strip_suffix("+08:00")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us"),
        pl.col("value").cast(pl.Float64),
    )
    return pl.concat([written, text])


def test_every_day_is_there_twice(archive: ArchiveSummary, published: pl.DataFrame):
    days = published["date"].n_unique()
    assert archive.file_count == 2 * days
    assert archive.last_day == LAST_FULL_DAY
    assert archive.first_day == published["date"].min()


def test_daily_means_are_the_published_ones(archive: ArchiveSummary, published: pl.DataFrame):
    public_name = pl.col("station_id_iot").replace_strict(archive.public_station_by_id).alias("station")
    original_day = pl.coalesce("source_measured_at", "measured_at").dt.date().alias("date")
    means = (
        readings(archive)
        .filter(pl.col("factor_code").is_in(list(COLUMN_BY_FACTOR)))
        .group_by(
            public_name,
            original_day,
            pl.col("measured_at").dt.date().alias("shown_on"),
            pl.col("factor_code").replace_strict(COLUMN_BY_FACTOR).alias("item"),
        )
        .agg(pl.col("value").mean().alias("mean"), pl.len().alias("hours"))
    )
    for item in COLUMN_BY_FACTOR.values():
        expected = published.select("station", "date", pl.col(item).alias("expected"), pl.col(f"{item}_n").alias("n"))
        compared = expected.filter(pl.col("expected").is_not_null()).join(
            means.filter(item=item), on=["station", "date"], how="left"
        )
        assert compared.height == 2 * compared.select("station", "date").n_unique(), item
        assert compared.filter((pl.col("mean") - pl.col("expected")).abs() > 0.0006).is_empty(), item
        assert compared.filter(pl.col("hours") != pl.col("n")).is_empty(), item
    last_day = published["date"].max()
    assert isinstance(last_day, date)
    shift = (means["shown_on"] - means["date"]).unique()
    assert set(shift) == {timedelta(0), LAST_FULL_DAY - last_day}


def test_the_real_index_is_served_whole(replay_dir: Path):
    published_index = pl.read_csv(replay_dir / "insee_ipi/raw_monthly.csv")
    present = Settings(now="2026-11-22T10:00:00+08:00").present.astimezone(PARK_TIME_ZONE)
    streams = platform_streams(seed=1, size=ParkSize.SMALL, present=present, replay_dir=replay_dir)
    served = pl.DataFrame(streams["production_index"].records)
    assert served.height == published_index.height
    assert served["index_value"].sum() == pytest.approx(published_index["value"].sum())
