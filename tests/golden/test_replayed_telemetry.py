"""The archive replays the published plants value by value, at their own period."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ingestion.simulated_park.replayed_plants import replayed_devices
from ingestion.simulated_park.telemetry_archive import write_telemetry_archive
from lakehouse.settings import ParkSize

LAST_FULL_DAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, replay_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp("telemetry")
    write_telemetry_archive(folder, last_full_day=LAST_FULL_DAY, seed=1, size=ParkSize.SMALL, replay_dir=replay_dir)
    return folder


@pytest.fixture(scope="module")
def rows(root: Path) -> pl.DataFrame:
    return pl.read_parquet(sorted(root.rglob("*.Z6-replayed.parquet"))).sort("point_id_iot", "measured_at")


def runs_of(root: Path, plant: str) -> list[dict[str, str]]:
    truth = json.loads((root / "ground_truth" / "point_readings.json").read_text("utf-8"))
    return [run for run in truth["replayed_runs"] if run["plant"] == plant]


def during(rows: pl.DataFrame, run: dict[str, str]) -> pl.DataFrame:
    first, last = (
        pl.lit(datetime.fromisoformat(run[name])).dt.convert_time_zone("Asia/Shanghai")
        for name in ("first_at", "last_at")
    )
    return rows.filter(pl.col("measured_at").is_between(first, last))


def test_two_weeks_of_the_process_are_its_published_runs(root: Path, rows: pl.DataFrame, replay_dir: Path):
    runs = runs_of(root, "tep")
    assert [run["run"] for run in runs] == ["d00", *(f"d{number:02d}_te" for number in range(1, 7))]
    process = rows.filter(pl.col("point_id_iot").str.starts_with("TEP-"))
    tags = [f"TEP-XMEAS-{number:02d}" for number in range(1, 42)] + [f"TEP-XMV-{number:02d}" for number in range(1, 12)]
    for run in runs:
        text = gzip.decompress((replay_dir / "tep" / f"{run['run']}.dat.gz").read_bytes()).decode()
        published = np.array([line.split() for line in text.splitlines()], dtype=float)
        if run["run"] == "d00":
            published = published.T
        wide = during(process, run).pivot(on="point_id_iot", index="measured_at", values="value").sort("measured_at")
        assert np.array_equal(wide.select(tags).to_numpy(), published)
        assert set(wide["measured_at"].diff().drop_nulls().dt.total_seconds()) == {180}
    assert process.height == 52 * sum(int(run["samples"]) for run in runs)


def test_the_skid_keeps_its_seconds(root: Path, rows: pl.DataFrame, replay_dir: Path):
    runs = runs_of(root, "skab")
    assert len(runs) == len(list((replay_dir / "skab").glob("*.csv.gz")))
    skid = rows.filter(pl.col("point_id_iot").str.starts_with("SKAB-"))
    for run in runs:
        text = gzip.decompress((replay_dir / "skab" / f"{run['run']}.csv.gz").read_bytes())
        published = pl.read_csv(io.BytesIO(text), separator=";")
        wide = during(skid, run).pivot(on="point_id_iot", index="measured_at", values="value").sort("measured_at")
        assert wide["SKAB-pressure"].to_list() == published["Pressure"].to_list()
        assert wide["SKAB-volume-flow-raterms"].to_list() == published["Volume Flow RateRMS"].to_list()
        times = published["datetime"].str.to_datetime("%Y-%m-%d %H:%M:%S")
        assert (wide["measured_at"] - wide["measured_at"][0]).to_list() == (times - times[0]).to_list()
        if "anomaly" in published.columns:
            wrong = wide.filter(pl.Series(published["anomaly"] > 0))["measured_at"]
            stretches = run["faults"]
            assert stretches[0][0] == wrong.min().isoformat()
            assert stretches[-1][1] == wrong.max().isoformat()


def test_the_register_covers_what_the_plants_send(rows: pl.DataFrame, replay_dir: Path):
    devices = {device.record_id: device.measure for device in replayed_devices(replay_dir)}
    sent = rows.group_by("point_id_iot").agg(
        pl.col("unit").unique(), pl.col("value").min().alias("lowest"), pl.col("value").max().alias("highest")
    )
    assert set(sent["point_id_iot"]) == set(devices)
    assert Counter(measure.period_s for measure in devices.values()) == {180: 52, 1: 8}
    for point, units, lowest, highest in sent.iter_rows():
        assert units == [devices[point].unit]
        assert devices[point].range_low <= lowest <= highest <= devices[point].range_high, point
