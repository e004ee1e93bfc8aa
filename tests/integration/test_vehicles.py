"""Raw logs of vehicles to positions, hours and the two marts, on the embedded server, against the drawn roads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import dagster as dg
import pytest

from ingestion.readers import DayRange
from ingestion.simulated_park.hazmat_vehicles import LORRIES, Lorry, log_name, write_vehicle_logs
from ingestion.source_file import RunBy
from lakehouse.embedded_postgres import free_port
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from methods.vehicle_tracks import distance_m
from orchestration.assets import vehicles
from orchestration.assets.models import dbt_cli
from orchestration.assets.sources import bronze_assets
from orchestration.partitions import partition_range
from orchestration.platform import Platform
from quality.checks import check_mart
from quality.suites import load_suites

NOW = "2026-03-20T08:00:00+08:00"
LAST = date(2026, 3, 19)
DAYS = DayRange(LAST - timedelta(days=13), LAST)
TRIPS, STANDING_MINUTES = 4, 38  # of a lorry each day; twenty positions every two minutes at the place of loading


@dataclass
class Fleet:
    """The platform with the vehicles' logs of fourteen days."""

    platform: Platform
    warehouse: Warehouse
    truth: dict[str, Any]

    def run(self, layers: Sequence[str] = ("bronze", "silver", "raw"), days: DayRange = DAYS) -> dict[str, int]:
        """Materialize the assets of some layers; return how many pieces each asset of silver and raw made."""
        wanted = [
            asset
            for asset in (*bronze_assets(), *vehicles.vehicles_assets())
            if asset.key.path[0] in layers and asset.key.path[1] in {vehicles.RECEIVED, *vehicles.LOADED}
        ]
        tags = partition_range(RunBy.DAY, days)
        result = dg.materialize(wanted, resources={"platform": self.platform}, tags=tags)
        assert result.success
        made = {}
        for event in result.get_asset_materialization_events():
            metadata = event.materialization.metadata
            if "pieces_computed" in metadata and event.asset_key is not None:
                made["/".join(event.asset_key.path)] = int(metadata["pieces_computed"].value)  # type: ignore[arg-type]
        return made

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self.warehouse.read(Role.BUILDER, query).to_dicts()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    root = tmp_path_factory.mktemp("vehicles")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PARK_HOME", str(root / "home"))
        environment.setenv("PARK_NOW", NOW)
        environment.setenv("PARK_POSTGRES_PORT", str(free_port(0)))
        platform = Platform()
        home = platform.home
        home.create()
        folder = home.source_systems / "vehicle_tracking"
        write_vehicle_logs(folder, last_full_day=LAST, seed=platform.settings.seed)
        truth = json.loads((folder / "ground_truth" / "vehicle_positions.json").read_text("utf-8"))
        with open_warehouse(platform.settings, home) as warehouse:
            warehouse.prepare()
            found = Fleet(platform, warehouse, truth)
            made = found.run()
            assert made == {f"{layer}/{table}": 14 for layer in ("silver", "raw") for table in vehicles.LOADED}
            command = ["build", "--select", "+path:models/marts/vehicles", "--indirect-selection", "buildable"]
            command += ["--vars", f"{{park_now: '{platform.present.isoformat()}'}}"]
            dbt_cli(home, warehouse).cli(command, target_path=home.dbt / "target").wait()
            yield found


def road_km(lorry: Lorry) -> float:
    return sum(distance_m(*start, *end) for start, end in pairwise(lorry.road)) / 1000


def test_every_usable_position_of_the_logs_is_in_the_warehouse(fleet: Fleet):
    found = fleet.rows("select terminal_id_jt808 as vehicle, count(*) as n from raw.vehicles__positions group by 1")
    assert {row["vehicle"]: row["n"] for row in found} == fleet.truth["usable_positions_by_terminal"]
    (judged,) = fleet.rows(
        "select count(*) as faults from raw.vehicles__positions where not is_usable or zone_id is null"
    )
    assert judged["faults"] == 0  # lorries stay on the roads of the park and never jump


def test_hours_know_the_way_there_and_back_and_the_loading(fleet: Fleet):
    days = fleet.rows(
        "select terminal_id_jt808 as vehicle, business_date, sum(distance_km) as km, sum(minutes_stopped) as stopped, "
        "sum(minutes_moving) as moving from marts.fct_vehicle_hourly group by 1, 2"
    )
    assert len(days) == 14 * len(LORRIES)
    roads = {lorry.phone: road_km(lorry) for lorry in LORRIES}
    for day in days:
        whole = 2 * TRIPS * roads[day["vehicle"]]
        # The last position of a trip lies up to half a minute before the gate, and corners are cut.
        assert whole * 0.95 < day["km"] <= whole, day
        # A message that did not arrive at an end of the loading takes two minutes from it.
        assert TRIPS * STANDING_MINUTES - 4 <= day["stopped"] <= TRIPS * STANDING_MINUTES, day
        assert 20 < day["km"] / day["moving"] * 60 < 60, day


def test_only_the_lorry_that_drives_too_fast_is_above_the_limit(fleet: Fleet):
    found = fleet.rows(
        "select terminal_id_jt808 as vehicle, max(alarm_names) as alarms, max(highest_speed_km_per_h) as fastest, "
        "sum(positions_above_limit) as fast from marts.fct_vehicle_hourly group by 1"
    )
    fast = {lorry.phone for lorry in LORRIES if lorry.speeds_at is not None}
    for row in found:
        expected = (52.0, "超速报警") if row["vehicle"] in fast else (27.0, None)
        assert (row["fastest"], row["alarms"]) == expected
        assert (row["fast"] > 0) == (row["vehicle"] in fast)


def test_the_last_position_of_every_vehicle_with_its_age(fleet: Fleet):
    latest = fleet.rows("select * from marts.fct_vehicle_latest order by terminal_id_jt808")
    last = {
        row["vehicle"]: row["at"]
        for row in fleet.rows(
            "select terminal_id_jt808 as vehicle, max(measured_at) as at from raw.vehicles__positions group by 1"
        )
    }
    assert [row["terminal_id_jt808"] for row in latest] == sorted(lorry.phone for lorry in LORRIES)
    now = datetime.fromisoformat(NOW)
    for row in latest:
        assert row["age_minutes"] == pytest.approx((now - last[row["terminal_id_jt808"]]).total_seconds() / 60)
        assert row["vehicle_state_code"] == "silent"  # the logs of today have not come yet
        assert (row["is_in_park"], row["data_origin"]) == (True, "simulated")


def test_the_marts_are_trusted(fleet: Fleet):
    suites = [suite for suite in load_suites().values() if suite.group == "vehicles"]
    assert len(suites) == 2
    for suite in suites:
        assert not [finding for finding in check_mart(fleet.warehouse, suite) if not finding.passed]


def test_a_log_that_came_again_makes_its_day_and_those_beside_it_anew(fleet: Fleet):
    before = fleet.rows("select * from raw.vehicles__hours order by terminal_id_jt808, measured_at")
    assert vehicles.oldest_stale_day(fleet.platform) is None
    assert fleet.run() == {f"{layer}/{table}": 0 for layer in ("silver", "raw") for table in vehicles.LOADED}

    day = LAST - timedelta(days=5)
    log = fleet.platform.home.source_systems / f"vehicle_tracking/vehicle_positions/{day:%Y}/{log_name(day)}"
    log.write_bytes(log.read_bytes() + b"\x00" * 8)  # the gateway delivers it again, with rubbish behind it
    fleet.run(["bronze"])
    assert vehicles.oldest_stale_day(fleet.platform) == day
    made = fleet.run(["silver", "raw"], DayRange(day, day))
    # Positions of the day and of the next one; hours of these and of a day on both sides, as far as the run reaches.
    assert made["silver/vehicles__positions"] == 2
    assert made["silver/vehicles__hours"] == 3
    assert vehicles.oldest_stale_day(fleet.platform) == day + timedelta(days=2)
    fleet.run()
    assert vehicles.oldest_stale_day(fleet.platform) is None
    after = fleet.rows("select * from raw.vehicles__hours order by terminal_id_jt808, measured_at")
    same = [{name: value for name, value in row.items() if name != "_input_digest"} for row in after]
    assert same == [{name: value for name, value in row.items() if name != "_input_digest"} for row in before]


def test_days_are_those_of_shanghai(fleet: Fleet):
    found = fleet.rows("select distinct business_date, measured_at from marts.fct_vehicle_hourly")
    assert all(row["measured_at"].astimezone(PARK_TIME_ZONE).date() == row["business_date"] for row in found)
