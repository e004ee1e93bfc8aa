"""Real plants are laid on the archive's last days, value by value, and a wrong file is named."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ingestion.simulated_park.errors import ReplayFolderError
from ingestion.simulated_park.replayed_plants import PROCESS_TAGS, SKID_TAGS, replayed_runs, skid_point
from ingestion.simulated_park.telemetry_archive import write_telemetry_archive
from ingestion.simulated_park.telemetry_signals import day_start
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

LAST = date(2026, 11, 21)
FIRST = LAST - timedelta(days=13)
SKID_COLUMNS = ";".join(SKID_TAGS)


def write_process_run(folder: Path, name: str, samples: int, *, is_transposed: bool = False) -> np.ndarray:
    """Write a run; tag 7 of sample 12 is 12.07."""
    table = np.arange(samples)[:, None] + np.arange(1, 53)[None, :] / 100
    lines = [" ".join(f"{value:.7e}" for value in row) for row in (table.T if is_transposed else table)]
    (folder / "tep").mkdir(parents=True, exist_ok=True)
    (folder / "tep" / f"{name}.dat.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return table


def write_skid_run(folder: Path, name: str, seconds: list[int], anomalies: list[int] | None = None) -> None:
    """Write a run with samples at the given seconds after 10:00:00; every column holds the second plus its place."""
    start = datetime(2020, 3, 9, 10)  # noqa: DTZ001 - the published files have no zone
    lines = [f"datetime;{SKID_COLUMNS}" + (";anomaly;changepoint" if anomalies is not None else "")]
    for place, second in enumerate(seconds):
        values = [f"{second + column / 10}" for column in range(8)]
        labels = [str(float(anomalies[place])), "0.0"] if anomalies is not None else []
        lines.append(";".join([f"{start + timedelta(seconds=second):%Y-%m-%d %H:%M:%S}", *values, *labels]))
    (folder / "skab").mkdir(parents=True, exist_ok=True)
    (folder / "skab" / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    folder = tmp_path / "real"
    write_process_run(folder, "d00", 500, is_transposed=True)
    write_process_run(folder, "d01_te", 960)
    write_process_run(folder, "d02_te", 200)
    write_skid_run(folder, "anomaly-free_anomaly-free", [0, 1, 3])
    write_skid_run(folder, "valve1_10", [0, 1])
    write_skid_run(folder, "valve1_2", [0, 1, 2, 4, 5], [0, 1, 1, 0, 1])
    return folder


def local(day: date, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=PARK_TIME_ZONE).timestamp())


def test_runs_begin_at_midnights_and_on_the_hour(replay: Path):
    runs = {run.run: run for run in replayed_runs(replay, first_day=FIRST, last_day=LAST)}
    assert {name: int(run.seconds[0]) for name, run in runs.items()} == {
        "d00": local(FIRST),
        "d01_te": local(FIRST + timedelta(days=2)),  # the normal run lasts 25 hours
        "d02_te": local(FIRST + timedelta(days=4)),
        "anomaly-free_anomaly-free": local(LAST - timedelta(days=1)),
        "valve1_2": local(LAST, 4),  # in the order of the numbers, not of the letters
        "valve1_10": local(LAST, 5),
    }
    assert set(np.diff(runs["d01_te"].seconds)) == {180}
    assert runs["anomaly-free_anomaly-free"].seconds.tolist() == [
        local(LAST - timedelta(days=1)) + s for s in (0, 1, 3)
    ]


def test_a_transposed_run_is_turned(replay: Path):
    runs = {run.run: run for run in replayed_runs(replay, first_day=FIRST, last_day=LAST)}
    for name, samples in (("d00", 500), ("d01_te", 960)):
        assert list(runs[name].values) == list(PROCESS_TAGS)
        assert runs[name].values["TEP-XMEAS-07"][12] == pytest.approx(12.07)
        assert runs[name].values["TEP-XMV-11"][3] == pytest.approx(3.52)
        assert len(runs[name].seconds) == samples


def test_what_was_wrong_is_known_as_published(replay: Path):
    runs = {run.run: run for run in replayed_runs(replay, first_day=FIRST, last_day=LAST)}
    assert runs["d00"].faults == ()
    start = local(FIRST + timedelta(days=2))
    assert runs["d01_te"].faults == ((start + 8 * 3600, start + 959 * 180),)  # from the sample after 160 good ones
    first = local(LAST, 4)
    assert runs["valve1_2"].faults == ((first + 1, first + 2), (first + 5, first + 5))
    assert runs["valve1_10"].faults == ()


def test_runs_that_do_not_fit_are_left_out(replay: Path):
    short = [run.run for run in replayed_runs(replay, first_day=LAST - timedelta(days=3), last_day=LAST)]
    assert short[:2] == ["d00", "d01_te"]
    assert "d02_te" not in short


@pytest.mark.parametrize("days", [2, 14])
def test_the_rows_are_the_runs_and_name_no_file(replay: Path, tmp_path: Path, days: int):
    write_telemetry_archive(
        tmp_path / "out", last_full_day=LAST, seed=1, size=ParkSize.SMALL, days=days, replay_dir=replay
    )
    rows = pl.read_parquet(sorted((tmp_path / "out").rglob("*.Z6-replayed.parquet")))
    assert rows["data_origin"].unique().to_list() == ["replayed"]
    assert rows["zone_id"].unique().to_list() == ["Z6"]
    first_day = LAST - timedelta(days=days - 1)
    expected = {
        (point, int(second), float(value))
        for run in replayed_runs(replay, first_day=FIRST, last_day=LAST)
        for point, values in run.values.items()
        for second, value in zip(run.seconds, values, strict=True)
        if second >= day_start(first_day)
    }
    seconds = rows["measured_at"].dt.epoch("s")
    assert set(zip(rows["point_id_iot"], seconds, rows["value"], strict=True)) == expected
    assert rows.height == len(expected) > 0
    text = " ".join(str(value) for value in rows.select(pl.col(pl.String).unique().implode()).row(0))
    assert "valve" not in text
    assert "d01" not in text
    truth = json.loads((tmp_path / "out" / "ground_truth" / "point_readings.json").read_text("utf-8"))
    assert {run["run"] for run in truth["replayed_runs"]} >= {"valve1_2", "valve1_10"}


def test_a_changed_file_is_replayed_anew(replay: Path, tmp_path: Path):
    arguments = {"last_full_day": LAST, "seed": 1, "size": ParkSize.SMALL, "days": 1, "replay_dir": replay}
    write_telemetry_archive(tmp_path / "out", **arguments)
    write_skid_run(replay, "valve1_2", [0, 1, 2])
    assert write_telemetry_archive(tmp_path / "out", **arguments).written_count == 1


def test_points_of_the_skid_have_plain_names():
    assert [skid_point(name) for name in SKID_TAGS] == [
        "SKAB-accelerometer1rms", "SKAB-accelerometer2rms", "SKAB-current", "SKAB-pressure", "SKAB-temperature",
        "SKAB-thermocouple", "SKAB-voltage", "SKAB-volume-flow-raterms",
    ]  # fmt: skip


def test_a_missing_value_is_an_absent_row(tmp_path: Path):
    folder = tmp_path / "real"
    write_skid_run(folder, "valve1_0", [0, 1])
    path = folder / "skab" / "valve1_0.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"1.2;", b";")))
    write_telemetry_archive(
        tmp_path / "out", last_full_day=LAST, seed=1, size=ParkSize.SMALL, days=1, replay_dir=folder
    )
    (file,) = (tmp_path / "out").rglob("*.Z6-replayed.parquet")
    rows = pl.read_parquet(file)
    assert rows.height == 15
    assert rows.filter(point_id_iot="SKAB-current")["value"].to_list() == [0.2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tep/d00.dat", b"1 2 3\n4 5 6\n"),
        ("tep/d00.dat", b"not numbers"),
        ("tep/d00.dat.gz", b"not gzip"),
        ("skab/valve1_0.csv", b"datetime;Current\n2020-03-09 10:00:00;1\n"),
        ("skab/valve1_0.csv", f"datetime;{SKID_COLUMNS}\n".encode()),
        ("skab/valve1_0.csv.gz", gzip.compress(b"x")[:-4]),
    ],
)
def test_a_file_that_is_no_run_is_named(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / name
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ReplayFolderError, match=path.name):
        list(replayed_runs(tmp_path, first_day=FIRST, last_day=LAST))


def test_a_folder_without_plants_replays_none(tmp_path: Path):
    assert list(replayed_runs(tmp_path, first_day=FIRST, last_day=LAST)) == []
    (tmp_path / "tep").mkdir()
    (tmp_path / "tep" / "d01_te.dat").write_text("1", "utf-8")  # no normal run, no plant
    assert list(replayed_runs(tmp_path, first_day=FIRST, last_day=LAST)) == []
