"""The job of the archive killed by Dagster's process dying, run again; and which days a run takes up."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from ingestion import quarantine
from ingestion.readers import DayRange
from ingestion.source_file import load_sources
from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.lake import Lake
from lakehouse.settings import PROJECT_ROOT
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from orchestration.pending import pending_days
from orchestration.platform import Platform
from orchestration.telemetry.loaded import LOADED
from orchestration.telemetry.register import REGISTER
from tests.integration.telemetry.file_watch import Runs
from tests.integration.telemetry.small_park import (
    BRONZE,
    FIRST,
    POINTS,
    REGISTERED,
    SOURCE,
    SmallPark,
    contents,
    midnight,
    reading,
)

NOW = "2026-06-08T08:00:00+08:00"
TODAY = date(2026, 6, 8)
DAYS = 2
KILLS = 2
SEED = 20260608
RUNNERS = """
import os, sys
import dagster as dg
from ingestion.source_file import load_sources
from orchestration.assets.sources import bronze_assets
from orchestration.assets.telemetry import telemetry_assets
from orchestration.partitions import partition_range
from orchestration.pending import pending_days
from orchestration.platform import Platform
source = load_sources()["telemetry_archive"]
bronze = dg.AssetKey(["bronze", source.slug("point_readings")])
print("ready", flush=True)
for _ in sys.stdin:
    runner = os.fork()
    if runner == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        platform = Platform()
        assets = [*(asset for asset in bronze_assets() if asset.key == bronze), *telemetry_assets()]
        tags = partition_range(source.streams["point_readings"].partition.run_by, pending_days(platform, source))
        done = dg.materialize(assets, resources={"platform": platform}, tags=tags, raise_on_error=False)
        os._exit(0 if done.success else 1)
    print(runner, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1]), flush=True)
"""


@dataclass
class Job:
    """The job of the archive."""

    park: SmallPark
    warehouse: Warehouse
    runs: Runs

    def run(self) -> None:
        """Run what is pending to its end."""
        assert not self.runs.run(Path(self.park.lake.root))[1]

    def everything(self) -> dict[str, object]:
        """Return what the lake and the warehouse hold, without the moment of loading."""
        lake = self.park.lake
        landed = lake.scan(BRONZE).drop("_loaded_at").collect()
        refused = lake.scan(quarantine.TABLE).drop("_loaded_at").collect()
        found: dict[str, object] = {
            "bronze": landed.sort(landed.columns).rows(),
            "quarantine": refused.sort(refused.columns).rows(),
            **contents(lake),
        }
        for table in LOADED:
            rows = self.warehouse.read(Role.LOADER, f"select * from raw.{table}")  # noqa: S608
            found[f"raw.{table}"] = rows.sort(rows.columns, nulls_last=True).rows()
        return found

    def begin_again(self) -> None:
        """Take everything away that runs have made."""
        shutil.rmtree(self.park.lake.root)
        with self.warehouse.connect(Role.LOADER) as connection:
            for table in LOADED:
                connection.execute(f"drop table if exists raw.{table} cascade")

    def pending(self) -> DayRange:
        """Return the days that the next run would take up."""
        return pending_days(Platform(), load_sources()[SOURCE])


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    park = SmallPark(home.root)  # its lake is the platform's
    park.put_messy_days(DAYS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "HOME": home.root,
            "NOW": NOW,
            "TELEMETRY_ARCHIVE_URL": park.archive,
            "WAREHOUSE_URL": "",
            "POSTGRES_PORT": free_port(0),
        }.items():
            patch.setenv(f"PARK_{name}", str(value))
        settings = Platform().settings
        with (
            open_warehouse(settings, home) as warehouse,
            subprocess.Popen(
                [sys.executable, "-c", RUNNERS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=PROJECT_ROOT,
            ) as process,
        ):
            warehouse.prepare()
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "ready\n"
            yield Job(park, warehouse, Runs(process))
            process.stdin.close()


def test_a_job_killed_again_and_again_ends_where_an_undisturbed_one_does(job: Job):
    job.park.enter()
    changes, _ = job.runs.run(Path(job.park.lake.root))
    expected = job.everything()
    job.begin_again()
    job.park.enter()
    dice = random.Random(SEED)
    moments: list[int] = []
    for _ in range(KILLS):
        moments.append(dice.randrange(1, changes - sum(moments)))
        assert job.runs.run(Path(job.park.lake.root), kill_at=moments[-1])[1], moments
    # The last one falls when the lake stands, into the loading of the warehouse, unless that has been faster.
    job.runs.run(Path(job.park.lake.root), kill_at=changes - sum(moments) - 1, later_s=dice.uniform(0.0, 0.2))
    job.run()
    found = job.everything()
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    versions = {table: job.park.lake.version(table) for table in job.park.lake.tables()}
    job.run()
    assert {table: job.park.lake.version(table) for table in job.park.lake.tables()} == versions


def test_a_late_file_of_an_old_day_takes_up_that_day_and_changes_what_it_must(job: Job):
    source = load_sources()[SOURCE]
    look_back = next(iter(source.streams.values())).look_back
    assert job.pending() == DayRange(TODAY - look_back, TODAY), "nothing is left to do but to look"
    before = job.park.lake.scan("silver/telemetry__pieces").collect()
    raw = job.warehouse.read(Role.LOADER, "select * from raw.telemetry__point_hours")
    noon = midnight(FIRST) + timedelta(hours=12, seconds=90)
    job.park.put(f"{FIRST}.Z3-later.parquet", [reading("P7", noon, received_at=noon + timedelta(days=6))])
    assert job.pending() == DayRange(FIRST, TODAY)
    job.run()
    after = job.park.lake.scan("silver/telemetry__pieces").collect()
    changed = after.join(before, on=before.columns, how="anti").select("business_date", "zone_id", "readings")
    standing = before.filter(business_date=str(FIRST), zone_id="Z3")["readings"].item()
    assert changed.rows() == [(str(FIRST), "Z3", standing + 1)]
    assert job.pending() == DayRange(TODAY - look_back, TODAY)
    loaded = job.warehouse.read(Role.LOADER, "select * from raw.telemetry__point_hours")
    values = [name for name in raw.columns if name != "_input_digest"]
    moved = loaded.join(raw, on=values, how="anti", nulls_equal=True)
    assert raw.height == loaded.height
    assert set(moved.select("point_id", "business_date").iter_rows()) == {("P7", FIRST)}


def test_a_day_that_has_no_rows_any_more_has_none_in_the_warehouse(job: Job):
    count = "select count(*) as n from raw.telemetry__fused_hours"
    assert job.warehouse.read(Role.LOADER, count)["n"].item() > 0
    alone = {name: entry | {"redundancy_group": None} for name, entry in POINTS.items()}
    job.park.enter(alone, REGISTERED + timedelta(days=1))
    job.run()
    assert job.warehouse.read(Role.LOADER, count)["n"].item() == 0
    assert job.pending().first > FIRST, "and nothing is left to load"


def test_without_a_register_what_is_pending_can_still_be_asked(job: Job):
    lake = Lake(job.park.lake.root)
    shutil.move(lake.uri(REGISTER), job.park.root / "kept")
    try:
        assert job.pending().last == TODAY
    finally:
        shutil.move(job.park.root / "kept", Path(lake.uri(REGISTER)))
