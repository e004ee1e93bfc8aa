"""Major hazards, the risk index and the indicator audit on the embedded server, against answers of our own."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ingestion.simulated_park.legacy_contractor import write_legacy_contractor
from ingestion.simulated_park.middle_platform import MiddlePlatformConfig, MiddlePlatformServer
from ingestion.simulated_park.middle_platform_streams import platform_ground_truth, platform_streams
from ingestion.source_file import RunBy, load_sources
from lakehouse.embedded_postgres import free_port
from lakehouse.settings import PARK_TIME_ZONE, PROJECT_ROOT
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from orchestration.assets.models import dbt_cli
from orchestration.assets.reported import reported_assets
from orchestration.assets.sources import bronze_assets
from orchestration.assets.telemetry import ensure_telemetry_tables
from orchestration.partitions import partition_range
from orchestration.pending import pending_days
from orchestration.platform import MIDDLE_PLATFORM, Platform
from orchestration.telemetry.days import POINT_HOURS
from orchestration.telemetry.loaded import LOADED
from quality.checks import check_mart
from quality.suites import load_suites

NOW = "2026-03-20T08:00:00+08:00"
LAST_HOUR = datetime(2026, 3, 19, 15, tzinfo=UTC)  # the last hour of the last full day in Shanghai
HOURS = [LAST_HOUR - timedelta(hours=back) for back in range(26, -1, -1)]
WEIGHTS = PROJECT_ROOT / "dbt_project/seeds/rules/rule_risk_weights.csv"
SILENT = "示范热电有限公司"
TERMS = (
    "process_alarm", "gas", "deviation", "special_work", "people", "management", "data_health", "weather",
    "operating_state",
)  # fmt: skip
AIR_COLUMNS = (
    "so2_ug_per_m3", "no2_ug_per_m3", "co_mg_per_m3", "o3_ug_per_m3", "pm10_ug_per_m3", "pm25_ug_per_m3",
    "air_temperature_c", "wind_speed_m_per_s", "wind_direction_deg",
)  # fmt: skip
# Worked out by hand from GB 18218-2018: S, R, grade.
ASSESSED = {
    "液氯储罐区": (24.0, 144.0, 1),  # 120/5; 1.5 * 4 * 24
    "芳烃罐区": (43.0, 21.5, 3),  # 2000/50 + 1500/500; 0.5 * 43
    "乙烯球罐区": (100.0, 150.0, 1),  # 5000/50; 1.5 * 100
    "丙烯球罐区": (200.0, 300.0, 1),  # not in table 1: W2, 2000/10; 1.5 * 200
    "光气化装置": (2.0, 80.0, 2),  # 0.6/0.3; 2 * 20 * 2
    "己二胺装置": (1.4, 2.5, 4),  # 8/10 + 3/5; 2 * 0.8 + 1.5 * 0.6
    "TDI 罐区": (9.0, 10.8, 3),  # 900/100; 1.2 * 9
    "丙烯酸酯罐区": (2.0, 2.4, 4),  # mixture of W5.3 whole: 700/1000; 650000 kg methanol: 650/500
    "甲醛溶液罐组": (91.6, 136.6, 1),  # 37 % solution as J5: 800/500; propylene oxide 900/10, beta 1.5
    "MDI 罐区": (0.0, 0.0, None),  # in no class
    "液氨罐区": (18.0, None, None),  # nobody said who may be exposed
}
FOUND_AS = {
    "unknown_chemical": "chemical_unknown",
    "missing_quantity": "stored_quantity_missing",
    "missing_design_quantity": "design_quantity_missing",
    "unit_slip": "quantity_unit_converted",
    "overfilled": "stored_above_design",
    "duplicate_submission": "duplicate_submission",
    "missing_exposed_persons": "exposed_persons_missing",
    "missing_guarantor": "guarantor_missing",
    "missing_duty_rate": "duty_rate_missing",
    "gas_alarm_too_loose": "gas_limit_too_loose",
    "missing_unit": "unit_missing",
    "limits_out_of_order": "limits_out_of_order",
    "range_reversed": "range_reversed",
}


@dataclass
class Park:
    """A park with its registers, a day of invented telemetry, and the marts of risk built from both."""

    platform: Platform
    warehouse: Warehouse
    register: dict[str, dict[str, Any]]
    leaking: str

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self.warehouse.read(Role.BUILDER, query).to_dicts()

    @property
    def planted(self) -> list[Any]:
        """What is wrong with the registers on purpose."""
        settings = self.platform.settings
        return platform_ground_truth(seed=settings.seed, size=settings.size, present=settings.present)


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    root = tmp_path_factory.mktemp("risk")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PARK_HOME", str(root / "home"))
        environment.setenv("PARK_NOW", NOW)
        environment.setenv("PARK_POSTGRES_PORT", str(free_port(0)))
        platform = Platform()
        settings, home = platform.settings, platform.home
        home.create()
        span = {"present": settings.present, "seed": settings.seed, "size": settings.size}
        write_legacy_contractor(home.source_systems, **span)
        streams = platform_streams(**span)
        register = {str(record["record_id"]): dict(record) for record in streams["monitoring_devices"].records}
        names = {
            str(record["uscc"]).upper(): str(record["enterprise_name"]).strip()
            for record in streams["enterprises"].records
        }
        secret = home.secret(MIDDLE_PLATFORM)
        config = MiddlePlatformConfig(
            client_id=settings.middle_platform_client_id, client_secret=secret, replay_dir=None, **span
        )
        with open_warehouse(settings, home) as warehouse, MiddlePlatformServer(config) as server:
            warehouse.prepare()
            home.write_addresses({MIDDLE_PLATFORM: server.base_url})
            leaking = load_readings(warehouse, register, names)
            for name in ("contractor_safety", "data_middle_platform"):
                source = load_sources()[name]
                wanted = {dg.AssetKey([layer, source.slug(each)]) for each in source.streams for layer in LAYERS}
                assets = [asset for asset in (*bronze_assets(), *reported_assets()) if asset.key in wanted]
                tags = partition_range(RunBy.YEAR, pending_days(platform, source))
                assert dg.materialize(assets, resources={"platform": platform}, tags=tags).success
            command = ["build", "--select", "+path:models/marts/risk", "--indirect-selection", "buildable"]
            command += ["--vars", f"{{park_now: '{settings.present.isoformat()}'}}"]
            dbt_cli(home, warehouse).cli(command, target_path=home.dbt / "target").wait()
            yield Park(platform, warehouse, register, leaking)


LAYERS = ("bronze", "raw")


def load_readings(warehouse: Warehouse, register: dict[str, dict[str, Any]], names: dict[str, str]) -> str:
    """Write calm hours of all points but those of one enterprise; one gas point rises to 37.5 %LEL at the end.

    Returns:
        The point that rises.
    """
    ensure_telemetry_tables(warehouse)
    speaking = {
        name: row
        for name, row in register.items()
        if row["uscc"] and row["operating_low"] is not None and names.get(str(row["uscc"]).upper()) != SILENT
    }
    leaking = next(
        name for name, row in sorted(speaking.items())
        if row["vital_code"] == "SAF-GS-01" and row["device_status"] == "在用"
    )  # fmt: skip
    rows = []
    for name, row in speaking.items():
        gas = row["vital_code"] in {"SAF-GS-01", "SAF-GS-02"}
        scale = 1000 if row["unit"] == "MPa" and row["vital_code"] == "SAF-TK-02" else 1
        calm = 0.0 if gas else scale * (row["operating_low"] + row["operating_high"]) / 2
        for at in HOURS:
            value = 37.5 if name == leaking and at == LAST_HOUR else calm
            rows.append(
                {
                    "point_id": name, "measured_at": at, "business_date": at.astimezone(PARK_TIME_ZONE).date(),
                    "zone_id": row["zone_id"], "value_mean": value, "value_min": value, "value_max": value,
                    "value_last": value, "value_std": 0.0, "unit": "-", "valid_minutes": 45, "expected_minutes": 60,
                    "suspect_minutes": 0, "failed_minutes": 0, "missing_minutes": 15, "valid_share": 0.75,
                    "is_valid": True, "flag_causal": 1, "flag_final": 1, "tests": "-", "data_origin": "simulated",
                }
            )  # fmt: skip
    hours = pl.DataFrame(rows, infer_schema_length=None).cast(LOADED[POINT_HOURS])  # type: ignore[arg-type]
    warehouse.replace_pieces(POINT_HOURS, hours)
    air = [
        {
            "station_id": "A01", "measured_at": at, "source_measured_at": None, **dict.fromkeys(AIR_COLUMNS, 7.0),
            **dict.fromkeys(("aqi", "aqi_at_least", "aqi_level"), 20),
            **dict.fromkeys(("aqi_level_name", "primary_pollutants", "standard_code"), "-"), "data_origin": "simulated",
        }
        for at in HOURS
    ]  # fmt: skip
    frame = pl.DataFrame(air, schema_overrides={"source_measured_at": pl.Datetime("us", "UTC")})
    warehouse.replace_pieces("air_quality__station_hours", frame)
    return leaking


def test_units_of_the_register_are_assessed_as_by_hand(park: Park):
    rows = {row["hazard_unit_name"]: row for row in park.rows("select * from marts.dim_hazard_units")}
    assert len(rows) == 38
    for name, (ratio, index, grade) in ASSESSED.items():
        row = rows[name]
        assert float(row["major_hazard_ratio"]) == ratio, name
        assert row["grading_index"] is None if index is None else float(row["grading_index"]) == index, name
        assert row["hazard_grade"] == grade, name
    assert Counter(row["hazard_grade"] for row in rows.values() if row["hazard_grade"]).keys() == {1, 2, 3, 4}
    incomplete = {name for name, row in rows.items() if not row["is_assessment_complete"]}
    assert incomplete == {"双酚A装置", "硫酸罐区"}, "an unknown chemical, a design maximum nobody reported"


def test_shares_add_up_to_the_units(park: Park):
    shares: dict[tuple[str, date], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in park.rows("select * from marts.fct_hazard_inventory_shares"):
        key = (row["hazard_unit_id"], row["inventory_date"])
        shares[key][0] += float(row["design_ratio"] or 0)
        shares[key][1] += float(row["weighted_design_ratio"] or 0)
    units = park.rows("select * from marts.fct_major_hazard_assessments where is_current")
    assert len(units) == 38
    for row in units:
        ratio, weighted = shares[row["hazard_unit_id"], row["valid_from"]]
        assert float(row["major_hazard_ratio"]) == pytest.approx(ratio, abs=1e-4)
        assert float(row["weighted_ratio"]) == pytest.approx(weighted, abs=1e-4)


def test_every_planted_fault_of_the_hazard_register_is_found_and_no_other(park: Park):
    planted = set()
    for defect in park.planted:
        if defect.table in {"hazard_units", "hazard_inventories", "management_states"}:
            subject = str(defect.truth.get("hazard_unit_id", defect.key["record_id"]))
            planted.add((FOUND_AS[defect.kind], subject, defect.truth.get("chemical_name", "—")))
    issues = park.rows("select * from marts.fct_hazard_register_issues")
    assert {(row["issue_code"], row["issue_subject_id"], row["chemical_name"]) for row in issues} == planted
    assert len({code for code, *_ in planted}) == 9


def test_every_planted_fault_of_the_device_register_is_found_and_no_other(park: Park):
    kinds = {"gas_alarm_too_loose", "missing_unit", "limits_out_of_order", "range_reversed"}
    planted = {
        (FOUND_AS[defect.kind], str(defect.key["record_id"]))
        for defect in park.planted
        if defect.kind in kinds and park.register[str(defect.key["record_id"])]["device_status"] == "在用"
    }
    findings = park.rows("select * from marts.fct_indicator_audit_findings")
    found = {(row["audit_rule_code"], row["point_id"]) for row in findings}
    assert planted <= found
    # Two limits in the wrong order may leave the lower one above the standard: that is the same fault seen twice.
    disordered = {point for rule, point in planted if rule == "limits_out_of_order"}
    assert {(rule, point) for rule, point in found - planted if point not in disordered} == set()
    assert {rule for rule, _ in planted} == {FOUND_AS[kind] for kind in kinds}
    for row in findings:
        assert all(row[name] for name in ("found_text", "allowed_text", "clause", "remedy")), row["point_id"]


def test_the_index_of_every_hour_follows_from_its_terms(park: Park):
    with WEIGHTS.open(encoding="utf-8", newline="") as file:
        weights = {row["term_code"]: float(row["weight"]) for row in csv.DictReader(file)}
    assert set(weights) == set(TERMS)
    rows = park.rows("select * from marts.fct_unit_risk_hourly")
    assert len(rows) == 38 * 336
    for row in rows:
        scores = {term: row[f"{term}_score"] for term in TERMS}
        known = {term: score for term, score in scores.items() if score is not None}
        confidence = sum(weights[term] for term in known) / sum(weights.values())
        assert row["confidence"] == pytest.approx(confidence, abs=1e-4)
        if not known:
            assert row["risk_index"] is None
            continue
        dynamic = 100 * (1 - math.prod(1 - weights[term] * score / 100 for term, score in known.items()))
        assert row["dynamic_risk"] == pytest.approx(dynamic, abs=1e-3)
        assert row["risk_index"] == pytest.approx(0.45 * row["inherent_risk"] + 0.55 * dynamic, abs=1e-3)
        assert row["risk_colour_code"] == colour(row["risk_index"])


def colour(index: float) -> str:
    """Return the colour of an index, by the scheme."""
    return "red" if index >= 85 else "orange" if index >= 70 else "yellow" if index >= 50 else "blue"


def test_a_leak_is_seen_where_it_is_and_when_it_is(park: Park):
    (point,) = park.rows(
        f"select subject_id from intermediate.int_risk__points_assigned where point_id = '{park.leaking}'"  # noqa: S608
    )
    hours = {
        row["measured_at"]: row
        for row in park.rows(
            f"select * from marts.fct_unit_risk_hourly where risk_subject_id = '{point['subject_id']}'"  # noqa: S608
        )
    }
    assert hours[LAST_HOUR]["gas_score"] == 75  # half-way from 25 to 50 %LEL
    assert hours[LAST_HOUR]["leading_term_code"] == "gas"
    assert hours[LAST_HOUR - timedelta(hours=1)]["gas_score"] == 0
    assert hours[LAST_HOUR]["data_health_score"] == 25  # three minutes of four are valid
    assert hours[HOURS[0] - timedelta(hours=1)]["gas_score"] is None, "nothing measured is nothing known"


def test_what_is_silent_is_unknown_and_not_safe(park: Park):
    rows = park.rows(
        f"select * from marts.fct_unit_risk_latest where enterprise_name = '{SILENT}'"  # noqa: S608
    )
    assert len(rows) == 2
    # Work, management, weather and operating state are left: (0.45 + 0.35 + 0.25 + 0.30) of 3.5.
    assert {row["confidence"] for row in rows} == {0.3857}
    assert all(row["is_confidence_low"] for row in rows)
    others = park.rows("select * from marts.fct_unit_risk_latest where not is_confidence_low")
    assert others
    assert {row["measured_at"] for row in (*rows, *others)} == {LAST_HOUR}


def test_areas_follow_from_their_units(park: Park):
    units: dict[str, list[float]] = defaultdict(list)
    for row in park.rows("select * from marts.fct_unit_risk_latest where risk_index is not null"):
        units[row["enterprise_id"]].append(row["risk_index"])
    areas = park.rows("select * from marts.fct_area_risk_latest")
    found = {row["area_id"]: row["risk_index"] for row in areas if row["area_kind_code"] == "enterprise"}
    assert len(found) == 12
    for enterprise, indices in units.items():
        others = sorted(indices)[:-1]
        expected = max(indices) + 0.2 * (sum(others) / len(others) if others else 0)
        assert found[enterprise] == pytest.approx(min(expected, 100), abs=1e-3)
    (whole,) = [row for row in areas if row["area_kind_code"] == "park"]
    power_mean = (sum(index**4 for index in found.values()) / len(found)) ** 0.25
    assert whole["risk_index"] == pytest.approx(power_mean, abs=1e-3)
    assert Counter(row["area_kind_code"] for row in areas)["zone"] == 6
    assert all(row["control_measures"] and row["patrol_frequency"] for row in areas)


def test_permits_have_a_risk_by_kind_hazard_and_hour(park: Park):
    rows = park.rows("select * from marts.fct_work_permit_risks where permit_risk is not null")
    assert len(rows) > 200
    for row in rows:
        hazard = {1: 1.5, 2: 1.5, 3: 1.25, 4: 1.25}.get(row["hazard_grade"], 1.0)
        least = float(row["base_score"]) * hazard
        assert float(row["permit_risk"]) / least in (pytest.approx(1, abs=1e-3), pytest.approx(1.3, abs=1e-3))
    assert {row["risk_colour_code"] for row in rows} >= {"blue", "yellow", "orange"}


def test_the_catalogue_says_how_well_each_threshold_is_known(park: Park):
    rows = {row["indicator_code"]: row for row in park.rows("select * from marts.dim_risk_indicators")}
    assert rows["MH-R"]["review_state_code"] == "read"
    assert "一级 R ≥ 100" in rows["MH-R"]["threshold_text"]
    assert rows["RI-gas"]["review_state_code"] == "decided"
    assert rows["RI-people"]["connection_code"] == "not_connected"
    assert {f"RI-{term}" for term in TERMS} <= set(rows)


def test_the_marts_are_trusted(park: Park):
    suites = [suite for suite in load_suites().values() if suite.group == "risk"]
    assert len(suites) == 12
    for suite in suites:
        failed = [finding for finding in check_mart(park.warehouse, suite) if not finding.passed]
        assert not failed, suite.mart
