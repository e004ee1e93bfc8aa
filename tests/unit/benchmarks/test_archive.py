"""The archive that is measured on: days held back arrive later, the baseline counts every reading of both kinds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lakehouse.settings import Settings
from tests.benchmarks.archive import Archive, Size, measure_baseline, write_archive
from tests.benchmarks.sandbox import BenchmarkError


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Five days, the first written by the older logger."""
    folder = tmp_path / "archive" / "air_readings" / "2026"
    folder.mkdir(parents=True)
    for day in range(1, 6):
        rows = pl.DataFrame(
            {
                "station_id_iot": ["A01", "A01", "A03"],
                "factor_code": ["a34004"] * 3,
                "measured_at": [f"2026-03-0{day}T{hour:02}:00:00+08:00" for hour in (1, 2, 2)],
                "value": [10.0, 20.5, 30.0],
            }
        )
        name = folder / f"2026-03-0{day}"
        if day == 1:
            rows.write_csv(f"{name}.csv.gz", compression="gzip")
        else:
            rows.with_columns(pl.col("measured_at").str.to_datetime("%+")).write_parquet(f"{name}.parquet")
    return Archive(tmp_path / "archive", tuple(sorted(folder.iterdir())))


def test_the_baseline_counts_every_reading_of_both_kinds_of_file(archive: Archive):
    figure, readings = measure_baseline(archive)
    assert readings == 15
    assert figure.readings_per_s == pytest.approx(15 / (figure.seconds or 0))
    assert figure.runs > 1


def test_days_held_back_leave_the_newest_and_arrive_later(archive: Archive, tmp_path: Path):
    standing, arrivals = archive.hold_back(3, tmp_path / "later")
    assert [path.name[:10] for path in standing.files] == ["2026-03-01", "2026-03-05"]
    assert measure_baseline(standing)[1] == 6
    for arrival in arrivals:
        arrival.arrive()
    assert all(path.exists() for path in archive.files)


def test_a_replay_without_its_folder_is_refused(tmp_path: Path):
    with pytest.raises(BenchmarkError, match="set PARK_REPLAY_DIR"):
        write_archive(tmp_path / "a", tmp_path / "b", Size.REPLAY, Settings(replay_dir=None))
