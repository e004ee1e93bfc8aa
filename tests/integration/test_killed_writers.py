"""Writers killed at any moment leave the lake whole, and the next run completes what they began."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE

KILLS = 5
DAYS = 12
REPLACER = """
import sys
from pathlib import Path
import polars as pl
from lakehouse.lake import Lake
lake, generation = Lake(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
for turn in range(int(sys.argv[3])):
    value = generation * 1000 + turn
    rows = pl.DataFrame({"value": [value] * 50_000, "day": ["d1", "d2"] * 25_000})
    lake.replace_partitions("silver/hours", rows, "day", ["d1", "d2"])
"""
LANDER = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from ingestion import landing
from ingestion.landing import Landing
from ingestion.readers import DayRange
from ingestion.readers.daily_archive import DailyArchive
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
landing.ROWS_PER_COMMIT = 20
source = load_sources()["iot_archive"]
park = Landing(Lake(Path(sys.argv[2])), source, "air_readings", datetime(2026, 4, 1, tzinfo=UTC))
archive = DailyArchive(Path(sys.argv[1]), "iot_archive_url")
print("ready", flush=True)
park.land(archive.deliveries(source, park.stream, DayRange(date(2026, 1, 1), date(2026, 4, 1))))
"""


def run(program: str, *arguments: str, kill_after_s: float | None = None) -> None:
    """Run a writer to its end, or kill it so long after it has begun."""
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            writer.kill()
    assert kill_after_s is not None or writer.returncode == 0


def moments(seed: int, longest_s: float) -> list[float]:
    """Return the moments at which to kill, short and long ones mixed."""
    dice = random.Random(seed)
    return [dice.uniform(0.0, longest_s) for _ in range(KILLS)]


def test_replaced_partitions_are_one_generation_after_every_kill(tmp_path: Path):
    lake = Lake(tmp_path)
    run(REPLACER, str(tmp_path), "0", "1")
    for generation, moment in enumerate(moments(1, 0.6), 1):
        run(REPLACER, str(tmp_path), str(generation), "1000", kill_after_s=moment)
        rows = lake.scan("silver/hours").collect()
        assert rows.height == 50_000
        assert rows["value"].n_unique() == 1, "rows of two commits stand side by side"
        through_duckdb = lake.query("select count(*) as n, min(value) as v from it", {"it": "silver/hours"})
        assert through_duckdb.row(0) == (50_000, rows["value"][0])
    run(REPLACER, str(tmp_path), "99", "1")
    assert lake.scan("silver/hours").collect()["value"].unique().to_list() == [99_000]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve days of 24 rows, one bad row in each, and an empty file."""
    root = tmp_path_factory.mktemp("archive")
    folder = root / "air_readings"
    folder.mkdir()
    for day in range(1, DAYS + 1):
        midnight = datetime(2026, 3, day, tzinfo=PARK_TIME_ZONE)
        times = [midnight + timedelta(hours=hour) for hour in range(24)]
        pl.DataFrame(
            {
                "station_id_iot": "A01",
                "factor_code": "a34004",
                "measured_at": pl.Series(times, dtype=pl.Datetime("us", "Asia/Shanghai")),
                "value": [float("nan") if hour == day else 35.0 for hour in range(24)],
                "unit": "ug/m3",
                "data_origin": "measured",
            }
        ).write_parquet(folder / f"2026-03-{day:02}.parquet")
    (folder / "2026-03-20.parquet").touch()
    return root


def landed(lake: Lake, table: str) -> pl.DataFrame:
    rows = lake.scan(table).collect().drop("_loaded_at")
    return rows.sort("_source_uri", "_row_number")


def test_a_landing_killed_again_and_again_loses_nothing_and_doubles_nothing(tmp_path: Path, archive: Path):
    undisturbed, disturbed = Lake(tmp_path / "a"), Lake(tmp_path / "b")
    run(LANDER, str(archive), str(undisturbed.root))
    for moment in moments(2, 0.25):
        run(LANDER, str(archive), str(disturbed.root), kill_after_s=moment)
    run(LANDER, str(archive), str(disturbed.root))
    for table in ("bronze/iot_archive__air_readings", "quarantine/rows"):
        assert landed(disturbed, table).equals(landed(undisturbed, table)), table
    assert landed(disturbed, "bronze/iot_archive__air_readings").height == DAYS * 23
    assert landed(disturbed, "quarantine/rows").height == DAYS + 1
    assert landed(disturbed, "quarantine/rows")["_source_uri"].str.starts_with("air_readings/").all()
