"""The register of devices and what they sent, to the ledger, the spaces and the catalogue, on the embedded server."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest
from shapely.geometry import Point, shape

from ingestion.simulated_park.middle_platform import MiddlePlatformConfig, MiddlePlatformServer
from ingestion.simulated_park.middle_platform_streams import platform_streams
from ingestion.source_file import RunBy, load_sources
from lakehouse.embedded_postgres import free_port
from lakehouse.settings import PARK_TIME_ZONE, PROJECT_ROOT
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from orchestration.assets.models import dbt_cli
from orchestration.assets.reported import reported_assets
from orchestration.assets.sources import bronze_assets
from orchestration.partitions import partition_range
from orchestration.pending import pending_days
from orchestration.platform import MIDDLE_PLATFORM, Platform
from quality.checks import check_mart
from quality.suites import load_suites

NOW = "2026-03-20T08:00:00+08:00"
MIDNIGHT = datetime(2026, 3, 19, 16, tzinfo=UTC)  # the end of the last full day in Shanghai
DAYS = [date(2026, 3, day) for day in (17, 18, 19)]
LOST_ARCHIVE = ("Z7", DAYS[1])
AIR_COLUMNS = (
    "so2_ug_per_m3", "no2_ug_per_m3", "co_mg_per_m3", "o3_ug_per_m3", "pm10_ug_per_m3", "pm25_ug_per_m3",
    "air_temperature_c", "wind_speed_m_per_s", "wind_direction_deg",
)  # fmt: skip
GRIDS = PROJECT_ROOT / "dbt_project/seeds/reference/ref_grids.csv"


@dataclass
class Park:
    """A park with its register, three days of invented telemetry, and the marts built from both."""

    warehouse: Warehouse
    register: dict[str, dict[str, Any]]
    cases: dict[str, str]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self.warehouse.read(Role.BUILDER, query).to_dicts()

    def devices(self) -> dict[str, dict[str, Any]]:
        """Return the ledger by point."""
        return {row["point_id"]: row for row in self.rows("select * from marts.dim_devices")}

    def seen(self) -> list[str]:
        """Return the registered points that send by telemetry."""
        return [name for name, row in self.register.items() if sends(row) and name != self.cases["never_seen"]]


def sends(row: dict[str, Any]) -> bool:
    """Tell whether a device of the register sends by telemetry in this test."""
    return bool(row["device_kind"] != "air_station" and row["device_status"] == "在用")


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    root = tmp_path_factory.mktemp("devices")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PARK_HOME", str(root / "home"))
        environment.setenv("PARK_NOW", NOW)
        environment.setenv("PARK_POSTGRES_PORT", str(free_port(0)))
        platform = Platform()
        settings, home = platform.settings, platform.home
        home.create()
        span = {"present": settings.present, "seed": settings.seed, "size": settings.size}
        register: dict[str, dict[str, Any]] = {}
        for record in platform_streams(**span)["monitoring_devices"].records:
            register[str(record["record_id"])] = dict(record)
        names = sorted(name for name, row in register.items() if sends(row) and row["zone_id"] != LOST_ARCHIVE[0])
        cases = dict(zip(("long_offline", "offline", "abnormal", "never_seen", "online"), names[::60], strict=False))
        secret = home.secret(MIDDLE_PLATFORM)
        config = MiddlePlatformConfig(
            client_id=settings.middle_platform_client_id, client_secret=secret, replay_dir=None, **span
        )
        with open_warehouse(settings, home) as warehouse, MiddlePlatformServer(config) as server:
            warehouse.prepare()
            load_telemetry(warehouse, register, cases)
            home.write_addresses({MIDDLE_PLATFORM: server.base_url})
            source = load_sources()["data_middle_platform"]
            wanted = {
                dg.AssetKey([layer, source.slug(name)])
                for name in ("enterprises", "monitoring_devices")
                for layer in ("bronze", "raw")
            }
            assets = [asset for asset in (*bronze_assets(), *reported_assets()) if asset.key in wanted]
            tags = partition_range(RunBy.YEAR, pending_days(platform, source))
            assert dg.materialize(assets, resources={"platform": platform}, tags=tags).success
            paths = " ".join(f"+path:models/marts/{domain}" for domain in ("devices", "spaces", "catalogue"))
            command = ["build", "--select", paths, "--indirect-selection", "buildable"]
            command += ["--vars", f"{{park_now: '{settings.present.isoformat()}'}}"]
            dbt_cli(home, warehouse).cli(command, target_path=home.dbt / "target").wait()
            yield Park(warehouse, register, cases)


def load_telemetry(warehouse: Warehouse, register: dict[str, dict[str, Any]], cases: dict[str, str]) -> None:
    """Write what the methods would have found: everything arrived, but for the cases."""
    days, hours = [], []
    for name, row in register.items():
        if sends(row) and name != cases["never_seen"]:
            for day in DAYS:
                if (row["zone_id"], day) != LOST_ARCHIVE:
                    case = next((case for case, point in cases.items() if point == name), "")
                    days += day_of(name, row, day, case)
                    hours += hours_of(name, row, day, case)
    days += day_of("X-1", {"zone_id": "Z2", "unit": "A", "period_s": 60}, DAYS[2], "")
    air = [
        {
            "station_id": "A01",
            "measured_at": MIDNIGHT - timedelta(hours=number),
            "source_measured_at": None,
            **dict.fromkeys(AIR_COLUMNS, 10.0),
            **dict.fromkeys(("aqi", "aqi_at_least", "aqi_level"), 20),
            **dict.fromkeys(("aqi_level_name", "primary_pollutants", "standard_code"), "-"),
            "data_origin": "simulated",
        }
        for number in range(1, 25)
    ]
    repeats = {
        "point_id": cases["online"], "business_date": DAYS[2], "zone_id": "Z1", "treatment_code": "duplicate_equal",
        "effect": "dropped", "readings": 7, "first_at": MIDNIGHT, "last_at": MIDNIGHT,
    }  # fmt: skip
    tables = {"point_days": days, "point_hours": hours, "treatments": [repeats]}
    for table, rows in tables.items():
        frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(pl.Int64).cast(pl.Int32))
        warehouse.replace_pieces(f"telemetry__{table}", frame)
    air_frame = pl.DataFrame(air, schema_overrides={"source_measured_at": pl.Datetime("us", "UTC")})
    warehouse.replace_pieces("air_quality__station_hours", air_frame)


def day_of(name: str, row: dict[str, Any], day: date, case: str) -> list[dict[str, Any]]:
    """Return a point's row of one day; nothing came where the point was silent all day."""
    period = float(row["period_s"])
    end = datetime(day.year, day.month, day.day, tzinfo=PARK_TIME_ZONE) + timedelta(days=1)
    share = {("long_offline", DAYS[1]): 10 / 24, ("long_offline", DAYS[2]): 0.0, ("offline", DAYS[2]): 0.5}
    online = share.get((case, day), 1.0)
    if online == 0:
        return []
    expected = round(86400 / period)
    received = round(expected * online)
    failed = received // 2 if case == "abnormal" and day == DAYS[2] else 0
    last = (end - timedelta(days=1 - online) - timedelta(seconds=period)).astimezone(UTC)
    return [
        {
            "point_id": name, "business_date": day, "zone_id": row["zone_id"], **dict.fromkeys(VALUES, 1.0),
            "unit": row["unit"], "valid_hours": round(24 * online), "readings_expected": expected,
            "readings_received": received, "readings_passed": received - failed, "readings_suspect": 0,
            "readings_failed": failed, "readings_missing": expected - received, "readings_late": 0,
            "readings_superseded": 0, "minutes_online": round(1440 * online), "offline_episodes": int(online < 1),
            "last_measured_at": last, "last_received_at": last + timedelta(seconds=20), "data_origin": "simulated",
        }
    ]  # fmt: skip


VALUES = ("value_mean", "value_min", "value_max", "value_last")


def hours_of(name: str, row: dict[str, Any], day: date, case: str) -> Iterator[dict[str, Any]]:
    """Yield a point's hours of the last day."""
    if day != DAYS[2] or case == "long_offline":
        return
    for hour in range(24):
        missing = 60 if case == "offline" and hour >= 12 else 0
        failed = 30 if case == "abnormal" else 0
        yield {
            "point_id": name, "measured_at": MIDNIGHT - timedelta(hours=24 - hour), "business_date": day,
            "zone_id": row["zone_id"], **dict.fromkeys(VALUES, 1.0), "unit": row["unit"],
            "valid_minutes": 60 - missing - failed, "expected_minutes": 60, "suspect_minutes": 0,
            "failed_minutes": failed, "missing_minutes": missing, "valid_share": (60 - missing - failed) / 60,
            "is_valid": missing + failed == 0, "flag_causal": 1, "flag_final": 1, "value_std": 0.0, "tests": "-",
            "data_origin": "simulated",
        }  # fmt: skip


def test_each_case_is_judged_as_it_was_made(park: Park):
    devices = park.devices()
    assert len(park.cases) == 5
    for state, point in park.cases.items():
        assert devices[point]["state_code"] == state
        assert devices[point]["judged_at"] == MIDNIGHT
    silent = MIDNIGHT - timedelta(hours=38, seconds=float(park.register[park.cases["long_offline"]]["period_s"]))
    assert devices[park.cases["long_offline"]]["state_since_at"] == silent
    assert devices[park.cases["abnormal"]]["failed_share"] == pytest.approx(0.5)
    assert devices[park.cases["never_seen"]]["last_seen_at"] is None
    assert devices["X-1"]["is_registered"] is False
    assert devices["X-1"]["state_code"] == "online"
    assert devices["A01-a21026"]["state_code"] == "online"
    assert devices["A03-a21026"]["state_code"] == "never_seen"


def test_the_ledger_is_the_register_and_what_sends_besides(park: Park):
    devices = park.devices()
    assert set(devices) == {*park.register, "X-1"}
    stopped = {name for name, row in park.register.items() if row["device_status"] != "在用"}
    assert stopped
    assert {name for name, row in devices.items() if row["state_code"] == "out_of_service"} == stopped


def test_the_counts_of_the_park_are_those_of_its_devices(park: Park):
    states = Counter(row["state_code"] for row in park.devices().values())
    counts = {row["dimension_value"]: row for row in park.rows(
        "select * from marts.fct_device_counts_latest where dimension_code in ('park', 'zone')"
    )}  # fmt: skip
    whole = counts.pop("park")
    assert whole["online_count"] == states["online"] + states["abnormal"]
    assert whole["in_service_count"] == sum(states.values()) - states["out_of_service"]
    assert whole["online_rate"] == pytest.approx(whole["online_count"] / whole["in_service_count"])
    assert sum(row["device_count"] for row in counts.values()) == whole["device_count"] == sum(states.values())
    assert (whole["long_offline_count"], whole["offline_count"], whole["abnormal_count"]) == (1, 1, 1)


def test_a_silent_day_is_a_row_and_a_lost_archive_is_none(park: Park):
    health = park.rows("select * from marts.fct_device_health_daily")
    by_day = {(row["point_id"], row["business_date"]): row for row in health}
    silent = by_day[park.cases["long_offline"], DAYS[2]]
    assert (silent["readings_received"], silent["online_rate"], silent["offline_episodes"]) == (0, 0.0, 0)
    zone, day = LOST_ARCHIVE
    in_zone = [name for name in park.seen() if park.register[name]["zone_id"] == zone]
    assert in_zone
    assert not [name for name in in_zone if (name, day) in by_day]
    assert all((name, DAYS[2]) in by_day for name in in_zone)
    half = by_day[park.cases["offline"], DAYS[2]]
    assert (half["online_rate"], half["mtbf_hours"]) == (0.5, 60.0)  # 24 + 24 + 12 hours on line, one silence
    assert by_day[park.cases["abnormal"], DAYS[2]]["valid_rate"] == pytest.approx(0.5, abs=0.001)
    assert park.cases["never_seen"] not in {row["point_id"] for row in health}


def test_every_device_stands_in_the_grid_that_geometry_says(park: Park):
    with GRIDS.open(encoding="utf-8", newline="") as file:
        grids = {row["grid_id"]: shape(json.loads(row["boundary_geojson"])) for row in csv.DictReader(file)}
    placed = 0
    for row in park.devices().values():
        if row["longitude"] is not None:
            position = Point(row["longitude"], row["latitude"])
            expected = [name for name, outline in grids.items() if outline.covers(position)]
            assert row["grid_id"] in expected, row["point_id"]
            assert row["grid_basis_code"] == "position"
            placed += 1
    assert placed == len(park.register)


def test_the_tree_holds_every_point_once_on_every_level(park: Park):
    levels = Counter(row["space_level"] for row in park.rows("select * from marts.dim_monitoring_spaces"))
    assert (levels["park"], levels["zone"], levels["grid"]) == (1, 8, 16)
    assert levels["point"] == len(park.register) + 1
    states = {row["space_id"]: row for row in park.rows("select * from marts.fct_space_states_latest")}
    whole = states["park:1"]
    assert whole["point_count"] == levels["point"]
    zones = [row for row in states.values() if row["space_level"] == "zone"]
    assert sum(row["point_count"] for row in zones) == whole["point_count"]
    assert sum(row["object_count"] for row in zones) == whole["object_count"] == levels["object"]
    assert states["zone:Z8"]["online_rate"] is None, "a space without devices has no rate"
    (path,) = park.rows(
        f"select ancestor_space_level, levels_up from marts.dim_space_ancestors "  # noqa: S608
        f"where space_id = 'point:{park.cases['online']}' and levels_up = 1"
    )
    assert path["ancestor_space_level"] == "object"


def test_verification_follows_the_register(park: Park):
    overdue = {
        name
        for name, row in park.register.items()
        if row["vital_code"] in {"SAF-GS-01", "SAF-GS-02", "SAF-GS-03"}
        and row["device_status"] == "在用"
        and one_year_after(date.fromisoformat(str(row["verified_on"]))) < date(2026, 3, 20)
    }
    issues = park.rows("select * from marts.fct_device_issues_latest where issue_code = 'verification_overdue'")
    assert {row["point_id"] for row in issues} == overdue != set()


def one_year_after(day: date) -> date:
    """Return the same day a year on; the 29th of February becomes the 28th, as in PostgreSQL."""
    return day.replace(year=day.year + 1, day=min(day.day, 28) if day.month == 2 else day.day)


def test_the_catalogue_holds_every_vital_and_scores_those_that_speak(park: Park):
    vitals = {row["vital_code"]: row for row in park.rows("select * from marts.dim_vitals")}
    assert len(vitals) > 100
    level = vitals["SAF-TK-01"]
    assert level["point_count"] == sum(row["vital_code"] == "SAF-TK-01" for row in park.register.values())
    assert (level["connection_code"], level["quality_confidence"]) == ("connected", 1.0)
    assert 90 < level["quality_score"] <= 100
    assert "高报" in level["limits_summary"]
    assert vitals["ENV-AQ-01"]["quality_confidence"] == pytest.approx(0.7)
    assert vitals["SAF-FI-01"]["connection_code"] == "not_connected"
    assert vitals["SAF-FI-01"]["quality_score"] is None


def test_the_marts_are_trusted(park: Park):
    suites = [suite for suite in load_suites().values() if suite.group == "devices"]
    assert len(suites) == 8
    for suite in suites:
        failed = [finding for finding in check_mart(park.warehouse, suite) if not finding.passed]
        assert not failed, suite.mart
