"""The archive writer: same inputs, same bytes; nothing written twice; days where they belong."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ingestion.simulated_park.errors import ForeignFilesError, PeriodTooEarlyError, ReplayFolderError
from ingestion.simulated_park.generated_air import generated_hours
from ingestion.simulated_park.iot_archive import ArchiveSummary, write_air_archive
from lakehouse.settings import PARK_TIME_ZONE

SEED = 7
HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"


def write_station(folder: Path, name: str, first: date, last: date) -> None:
    """Write a public station's file; the value of PM2.5 tells day and hour, hour 5 has none."""
    lines = [HEADER]
    for index in range(((last - first).days + 1) * 24):
        hour = datetime.combine(first, datetime.min.time()) + timedelta(hours=index)
        pm25 = "NA" if hour.hour == 5 else hour.day * 100 + hour.hour
        lines.append(
            f"{index + 1},{hour.year},{hour.month},{hour.day},{hour.hour},"
            f'{pm25},30,4,7,300,77,-0.7,1023,-18.8,0,"NNW",4.4,"{name}"'
        )
    (folder / "beijing").mkdir(parents=True, exist_ok=True)
    content = gzip.compress("\n".join(lines).encode())
    (folder / "beijing" / f"PRSA_Data_{name}_{first:%Y%m%d}-{last:%Y%m%d}.csv.gz").write_bytes(content)


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((root / "air_readings").rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    for name in ("Beta", "Alpha"):
        write_station(folder, name, date(2014, 12, 30), date(2015, 1, 2))
    return folder


@pytest.fixture
def archive(tmp_path: Path, replay: Path):
    summary = write_air_archive(tmp_path, last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=replay)
    return tmp_path, summary


def read_csv_day(path: Path) -> pl.DataFrame:
    return pl.read_csv(gzip.decompress(path.read_bytes()))


def test_replayed_days_stand_at_their_own_dates_and_again_at_the_end(archive: tuple[Path, ArchiveSummary]):
    root, summary = archive
    assert list(digests(root)) == [
        "air_readings/2014/2014-12-30.csv.gz",
        "air_readings/2014/2014-12-31.csv.gz",
        "air_readings/2015/2015-01-01.parquet",
        "air_readings/2015/2015-01-02.parquet",
        "air_readings/2023/2023-12-30.csv.gz",
        "air_readings/2023/2023-12-31.csv.gz",
        "air_readings/2024/2024-01-01.parquet",
        "air_readings/2024/2024-01-02.parquet",
    ]
    assert summary.file_count == summary.written_count == 8
    assert (summary.first_day, summary.last_day) == (date(2014, 12, 30), date(2024, 1, 2))
    assert summary.public_station_by_id == {"A01": "Alpha", "A03": "Beta"}


def test_a_csv_day_writes_local_time_with_its_offset(archive: tuple[Path, ArchiveSummary]):
    root, _ = archive
    rows = read_csv_day(root / "air_readings/2014/2014-12-31.csv.gz").filter(factor_code="a34004", station_id_iot="A01")
    assert rows.height == 23  # hour 5 is missing: an absent row
    assert rows.row(0, named=True) == {
        "station_id_iot": "A01",
        "factor_code": "a34004",
        "measured_at": "2014-12-31T00:00:00+08:00",
        "value": 3100.0,
        "unit": "ug/m3",
        "source_flag": "N",
        "source_measured_at": None,
        "data_origin": "replayed",
    }


def test_a_shifted_day_keeps_the_original_time(archive: tuple[Path, ArchiveSummary]):
    root, _ = archive
    rows = pl.read_parquet(root / "air_readings/2024/2024-01-02.parquet")
    assert rows.equals(rows.sort("station_id_iot", "factor_code", "measured_at"))
    assert rows.schema["measured_at"] == pl.Datetime("us", "Asia/Shanghai")
    last = rows.filter(factor_code="a34004", station_id_iot="A03").row(-1, named=True)
    assert last["measured_at"] == datetime(2024, 1, 2, 23, tzinfo=PARK_TIME_ZONE)
    assert last["source_measured_at"] == datetime(2015, 1, 2, 23, tzinfo=PARK_TIME_ZONE)
    assert last["value"] == 223
    assert rows.filter(factor_code="a01008")["value"].unique().to_list() == [337.5]


def test_a_second_call_writes_nothing_and_another_run_gives_the_same_bytes(
    archive: tuple[Path, ArchiveSummary], replay: Path, tmp_path_factory: pytest.TempPathFactory
):
    root, _ = archive
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.is_file()}
    again = write_air_archive(root, last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=replay)
    assert (again.written_count, again.unchanged_count) == (0, 8)
    assert again.public_station_by_id == {"A01": "Alpha", "A03": "Beta"}
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.*") if path.is_file()} == before
    other = tmp_path_factory.mktemp("other")
    write_air_archive(other, last_full_day=date(2024, 1, 2), seed=SEED + 1, replay_dir=replay)
    assert digests(other) == digests(root)  # the seed has no say in real series


def test_a_damaged_or_missing_file_is_written_again_and_only_that(archive: tuple[Path, ArchiveSummary], replay: Path):
    root, _ = archive
    expected = digests(root)
    damaged = root / "air_readings/2024/2024-01-01.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    (root / "air_readings/2014/2014-12-30.csv.gz").unlink()
    summary = write_air_archive(root, last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=replay)
    assert (summary.written_count, summary.unchanged_count) == (2, 6)
    assert digests(root) == expected


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, replay: Path):
    class KilledError(Exception):
        pass

    def kill_after_three(done: int, total: int) -> None:
        assert total == 8
        if done == 3:
            raise KilledError

    with pytest.raises(KilledError):
        write_air_archive(
            tmp_path, last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=replay, progress=kill_after_three
        )
    (tmp_path / "air_readings/2015/.2015-01-02.parquet.unfinished").write_bytes(b"half")
    summary = write_air_archive(tmp_path, last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=replay)
    assert (summary.written_count, summary.unchanged_count) == (5, 3)
    assert not list(tmp_path.rglob("*.unfinished"))


def test_a_later_present_moves_the_shifted_days_and_removes_the_old_ones(
    archive: tuple[Path, ArchiveSummary], replay: Path
):
    root, _ = archive
    write_air_archive(root, last_full_day=date(2024, 1, 10), seed=SEED, replay_dir=replay)
    days = [name[-len("2024-01-07.parquet") :][:10] for name in digests(root) if name.endswith("parquet")]
    assert days == ["2015-01-01", "2015-01-02", "2024-01-07", "2024-01-08", "2024-01-09", "2024-01-10"]


def test_days_that_original_and_shifted_series_share_are_the_original(tmp_path: Path, replay: Path):
    summary = write_air_archive(tmp_path, last_full_day=date(2015, 1, 3), seed=SEED, replay_dir=replay)
    assert summary.file_count == 5
    rows = read_csv_day(tmp_path / "air_readings/2015/2015-01-03.csv.gz")
    assert set(rows["source_measured_at"].str.slice(0, 10)) == {"2015-01-02"}


def test_a_present_inside_the_series_has_no_future(tmp_path: Path, replay: Path):
    summary = write_air_archive(tmp_path, last_full_day=date(2014, 12, 31), seed=SEED, replay_dir=replay)
    assert summary.last_day == date(2014, 12, 31)


def test_a_shift_over_leap_days_keeps_every_day_whole(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("leap")
    write_station(folder, "Gamma", date(2016, 2, 27), date(2016, 3, 2))
    write_air_archive(tmp_path, last_full_day=date(2025, 3, 1), seed=SEED, replay_dir=folder)
    moved = pl.read_parquet(sorted((tmp_path / "air_readings/2025").iterdir()))
    pairs = moved.select(
        pl.col("measured_at").dt.date(), pl.col("source_measured_at").dt.date().alias("original")
    ).unique(maintain_order=True)
    assert dict(pairs.sort("measured_at").iter_rows()) == {
        date(2025, 2, 25): date(2016, 2, 27),
        date(2025, 2, 26): date(2016, 2, 28),
        date(2025, 2, 27): date(2016, 2, 29),
        date(2025, 2, 28): date(2016, 3, 1),
        date(2025, 3, 1): date(2016, 3, 2),
    }


def test_an_empty_replay_folder_is_named_with_its_remedy(tmp_path: Path):
    with pytest.raises(ReplayFolderError, match="PARK_REPLAY_DIR"):
        write_air_archive(tmp_path / "archive", last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=tmp_path)


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"a,b\n1,2\n"), gzip.compress(HEADER.encode())[:-9]])
def test_an_unreadable_replay_file_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "beijing").mkdir()
    (tmp_path / "beijing/PRSA_Data_X_1-2.csv.gz").write_bytes(content)
    with pytest.raises(ReplayFolderError, match="PRSA_Data_X_1-2"):
        write_air_archive(tmp_path / "archive", last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=tmp_path)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, replay: Path):
    foreign = tmp_path / "air_readings" / "real.parquet"
    foreign.parent.mkdir()
    foreign.write_bytes(b"real")
    with pytest.raises(ForeignFilesError, match=r"real\.parquet"):
        write_air_archive(tmp_path, last_full_day=date(2024, 1, 2), seed=SEED, replay_dir=replay)
    assert foreign.read_bytes() == b"real"


@pytest.fixture(scope="module")
def generated() -> pl.DataFrame:
    return generated_hours(first_day=date(2023, 3, 1), last_day=date(2026, 2, 28), seed=SEED)


def test_without_real_series_three_years_are_invented(tmp_path: Path):
    summary = write_air_archive(tmp_path, last_full_day=date(2024, 2, 29), seed=SEED)
    assert (summary.first_day, summary.last_day, summary.file_count) == (date(2021, 3, 1), date(2024, 2, 29), 1096)
    assert (tmp_path / "air_readings/2023/2023-12-31.csv.gz").is_file()
    assert (tmp_path / "air_readings/2024/2024-01-01.parquet").is_file()
    rows = pl.read_parquet(tmp_path / "air_readings/2024/2024-02-29.parquet")
    assert rows["data_origin"].unique().to_list() == ["simulated"]
    assert rows["source_measured_at"].null_count() == rows.height


def test_an_invented_hour_is_the_same_whatever_period_is_asked_for(generated: pl.DataFrame):
    shorter = generated_hours(first_day=date(2025, 1, 1), last_day=date(2025, 1, 31), seed=SEED)
    overlap = generated.join(shorter.select("station_id_iot", "measured_at"), on=["station_id_iot", "measured_at"])
    keys = ["station_id_iot", "measured_at"]
    assert overlap.sort(keys).equals(shorter.sort(keys))
    other = generated_hours(first_day=date(2025, 1, 1), last_day=date(2025, 1, 31), seed=SEED + 1)
    assert not other.equals(shorter)


def test_the_invented_air_has_the_habits_of_the_coast(generated: pl.DataFrame):
    clock = generated.with_columns(
        pl.col("measured_at").dt.hour().alias("hour"), pl.col("measured_at").dt.month().alias("month")
    )
    means = generated.select("pm25", "pm10", "so2", "no2", "co", "o3").mean().row(0, named=True)
    for name, (low, high) in {
        "pm25": (20, 40), "pm10": (35, 65), "so2": (4, 12), "no2": (20, 40), "co": (450, 850), "o3": (60, 90),
    }.items():  # fmt: skip
        assert low < means[name] < high, name
    winter, summer = (clock.filter(pl.col("month").is_in(months)) for months in ([12, 1, 2], [6, 7, 8]))
    assert winter["pm25"].mean() > 1.5 * summer["pm25"].mean()
    assert summer["o3"].mean() > winter["o3"].mean()
    assert summer["air_temperature"].mean() > winter["air_temperature"].mean() + 15
    by_hour = clock.group_by("hour").agg(pl.col("o3", "no2").mean()).sort("hour")
    assert 12 <= by_hour["o3"].arg_max() <= 16
    assert by_hour["no2"].arg_max() in (8, 19, 20, 21)
    missing = generated.select(pl.col("pm25", "o3", "wind_speed").null_count() / pl.len()).row(0)
    assert all(0.01 < share < 0.02 for share in missing)
    assert (generated["pm10"] >= generated["pm25"]).drop_nulls().all()
    assert generated["wind_direction"].max() < 360


def test_the_invented_air_remembers_and_its_stations_agree(generated: pl.DataFrame):
    wide = generated.pivot(on="station_id_iot", index="measured_at", values="pm25").drop_nulls()
    north, south = (np.log(wide[station].to_numpy()) for station in ("A03", "A09"))
    assert np.corrcoef(north, south)[0, 1] > 0.7
    assert np.corrcoef(north[:-1], north[1:])[0, 1] > 0.85


def test_a_present_before_the_invented_series_is_refused():
    with pytest.raises(PeriodTooEarlyError, match="PARK_NOW"):
        generated_hours(first_day=date(2009, 1, 1), last_day=date(2009, 2, 1), seed=SEED)
