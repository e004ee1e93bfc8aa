"""Reported figures from four source systems to the marts, against the ground truth of what was planted in them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from ingestion.simulated_park.legacy_contractor import contractor_tables, write_legacy_contractor
from ingestion.simulated_park.legacy_statistics import write_legacy_statistics
from ingestion.simulated_park.middle_platform import MiddlePlatformConfig, MiddlePlatformServer
from ingestion.simulated_park.middle_platform_streams import platform_ground_truth, platform_streams
from ingestion.source_file import RunBy, Source, load_sources
from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from orchestration.assets.models import dbt_cli
from orchestration.assets.reported import ensure_raw_tables, reported_assets
from orchestration.assets.sources import bronze_assets
from orchestration.partitions import partition_range
from orchestration.pending import pending_days
from orchestration.platform import MIDDLE_PLATFORM, Platform
from quality.checks import check_mart
from quality.suites import load_suites

NOW = "2026-03-20T08:00:00+08:00"
SOURCES = ("contractor_safety", "data_middle_platform", "economic_information", "smart_statistics")
INDEX = "sector,period,value\nC,2024-01,100.0\nC,2025-01,104.0\nC,2025-02,105.5\n"
# A blocking rule must find every planted row of its kind, and nothing else.
KINDS = {
    "unit_slip": "unit_slip",
    "february_not_cumulative": "february_not_cumulative",
    "full_width_digits": "full_width_digits",
    "zero_january": "january_reported",
    "duplicate_submission": "duplicate_submission",
    "corrected_submission": "corrected_submission",
    "broken_organisation_code": "unknown_reporting_unit",
    "cumulative_not_restated": "ytd_not_sum_of_months",
}


@dataclass
class Park:
    """A park whose sources have been read once and whose marts have been built."""

    settings: Settings
    home: Home
    warehouse: Warehouse
    platform: Platform

    def bring_in(self, source: Source) -> dg.ExecuteInProcessResult:
        """Run the assets of one source as its job does."""
        wanted = {dg.AssetKey([layer, source.slug(name)]) for name in source.streams for layer in ("bronze", "raw")}
        assets = [asset for asset in (*bronze_assets(), *reported_assets()) if asset.key in wanted]
        tags = partition_range(RunBy.YEAR, pending_days(self.platform, source))
        return dg.materialize(assets, resources={"platform": self.platform}, tags=tags, raise_on_error=False)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self.warehouse.read(Role.BUILDER, query).to_dicts()


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    root = tmp_path_factory.mktemp("reported")
    replay = root / "replay"
    (replay / "insee_ipi").mkdir(parents=True)
    (replay / "insee_ipi" / "raw_monthly.csv").write_text(INDEX)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PARK_HOME", str(root / "home"))
        environment.setenv("PARK_NOW", NOW)
        environment.setenv("PARK_POSTGRES_PORT", str(free_port(0)))
        environment.setenv("PARK_REPLAY_DIR", str(replay))
        platform = Platform()
        settings, home = platform.settings, platform.home
        home.create()
        span = {"present": settings.present, "seed": settings.seed, "size": settings.size}
        write_legacy_statistics(home.source_systems, **span)
        write_legacy_contractor(home.source_systems, **span)
        secret = home.secret(MIDDLE_PLATFORM)
        config = MiddlePlatformConfig(
            client_id=settings.middle_platform_client_id, client_secret=secret, replay_dir=replay, **span
        )
        with open_warehouse(settings, home) as warehouse, MiddlePlatformServer(config) as server:
            warehouse.prepare()
            home.write_addresses({MIDDLE_PLATFORM: server.base_url})
            park = Park(settings, home, warehouse, platform)
            for name in SOURCES:
                assert park.bring_in(load_sources()[name]).success, name
            build(park)
            yield park


def build(park: Park) -> None:
    """Run seeds, models, unit tests and data tests of both domains."""
    selection = ["--select", "+path:models/marts/economy +path:models/marts/safety"]
    command = ["build", *selection, "--vars", f"{{park_now: '{park.settings.present.isoformat()}'}}"]
    dbt_cli(park.home, park.warehouse).cli(command, target_path=park.home.dbt / "target").wait()


@pytest.fixture(scope="module")
def truth(park: Park) -> dict[str, Any]:
    return json.loads((park.home.source_systems / "legacy_statistics" / "ground_truth.json").read_text("utf-8"))


def test_every_planted_row_is_found_and_no_other(park: Park, truth: dict[str, Any]):
    issues = park.rows("select issue_code, source_record_id from marts.fct_output_report_issues")
    found = {(row["issue_code"], row["source_record_id"]) for row in issues}
    former = next(each["key"]["DWDM"] for each in truth["planted"] if each["kind"] == "renamed_unit")
    reports = park.rows("select * from staging.stg_economic_information__output_reports")
    under_former = [row for row in reports if row["organisation_code"] == former and row["statistical_month"].month > 1]
    planted = {("unknown_reporting_unit", row["record_id"]) for row in under_former}
    for each in truth["planted"]:
        if each["kind"] not in KINDS or each["key"].get("DWDM") == former:
            continue
        record = str(each["key"].get("XH") or each["key"]["id"])
        if each["kind"] == "duplicate_submission":
            record = str(each["truth"]["XH"])  # the later submission counts; the one it repeats is set aside
        planted.add((KINDS[each["kind"]], record))
    assert len(planted) > 40
    assert planted - found == set(), "recall"
    disputed = {issue for issue in found if issue[0] != "systems_disagree"}
    assert disputed - planted == set(), "precision"


def test_the_systems_disagree_about_the_enterprises_that_deviate(park: Park, truth: dict[str, Any]):
    disputed = park.rows(
        "select enterprise_id, count(*) as months from marts.fct_output_report_issues "
        "where issue_code = 'systems_disagree' group by 1"
    )
    deviating = {each["key"]["company_id"] - 1000 for each in truth["planted"] if each["kind"] == "deviating_output"}
    assert {int(row["enterprise_id"][6:-1]) for row in disputed} == deviating
    assert min(row["months"] for row in disputed) > 20


def test_the_parks_months_are_the_true_ones(park: Park, truth: dict[str, Any]):
    thousand_yuan = truth["gross_output_thousand_yuan_by_month"]
    firms = park.rows("select * from marts.fct_reported_output_monthly where is_expected")
    systems: dict[date, set[str]] = {}
    for firm in firms:
        systems.setdefault(firm["statistical_month"], set()).add(firm["source_system"])
    exact = 0
    for row in park.rows("select * from marts.fct_park_output_monthly"):
        month: date = row["statistical_month"]
        true = thousand_yuan[f"{month:%Y-%m}"] + (thousand_yuan[f"{month.year}-01"] if month.month == 2 else 0)
        assert (row["expected_enterprise_count"], row["is_complete"]) == (11, True), month
        if systems[month] == {"economic_information"}:
            exact += 1
            assert row["output_value_yuan"] == Decimal(true) * 1000, month
        assert abs(row["output_value_yuan"] / 1000 / true - 1) < Decimal("0.01"), month
    assert exact > 10, "months of one system alone are right to the yuan"


def test_february_stands_for_two_months_and_january_has_no_row(park: Park):
    months = park.rows("select distinct statistical_month, months_covered from marts.fct_reported_output_monthly")
    assert {row["statistical_month"].month for row in months} == set(range(2, 13))
    assert {row["months_covered"] for row in months if row["statistical_month"].month == 2} == {2}
    assert {row["months_covered"] for row in months if row["statistical_month"].month != 2} == {1}


def test_the_reported_value_and_its_unit_stand_beside(park: Park):
    (row,) = park.rows(
        "select * from marts.fct_reported_output_monthly where enterprise_id = 'E-MA9900036' "
        "and statistical_month = '2025-12-01'"
    )
    factor = {"千元": 1000, "万元": 10000}[row["reported_unit"]]
    assert row["ytd_output_value_yuan"] == row["reported_ytd_output_value"] * factor
    assert row["submitted_at"].year == 2025


def test_the_register_is_tidy_and_holds_the_late_corrections(park: Park):
    enterprises = {row["unified_credit_code"]: row for row in park.rows("select * from marts.dim_enterprises")}
    streams = platform_streams(seed=park.settings.seed, size=park.settings.size, present=park.settings.present)
    by_record = {str(record["record_id"]): str(record["uscc"]).upper() for record in streams["enterprises"].records}
    assert set(enterprises) == set(by_record.values())
    planted = platform_ground_truth(seed=park.settings.seed, size=park.settings.size, present=park.settings.present)
    checked = Counter[str]()
    for defect in planted:
        if defect.table == "enterprises":
            row = enterprises[by_record[str(defect.key["record_id"])]]
            ours = {"uscc": "unified_credit_code"}
            for name, value in defect.truth.items():
                assert row[ours.get(name, name)] == value, defect.defect_id
            checked[defect.kind] += 1
    assert len(checked) == 3
    assert park.rows("select * from marts.fct_enterprise_register_issues") == []


def test_contractors_and_permits_show_what_is_wrong_with_them(park: Park):
    tables, planted = contractor_tables(present=park.settings.present, seed=park.settings.seed, size=park.settings.size)
    by_kind: dict[str, set[str]] = {}
    for defect in planted:
        by_kind.setdefault(defect.kind, set()).add(str(next(iter(defect.key.values()))))
    contractors = park.rows("select * from marts.dim_contractors")
    assert {row["contractor_id"] for row in contractors if not row["has_credit_code"]} == by_kind["missing_credit_code"]
    assert {row["contractor_id"] for row in contractors if row["is_licence_expired"]} == by_kind["expired_licence"]
    invalid = sum(row["workers_with_invalid_id_count"] for row in contractors)
    assert invalid == len(by_kind["broken_citizen_number"]) > 0
    assert sum(row["worker_count"] for row in contractors) == len(tables[1].rows)
    issues = park.rows("select permit_no, issue_code from marts.fct_work_permit_issues")
    for code in ("permit_too_long", "permit_ends_before_start"):
        assert {row["permit_no"] for row in issues if row["issue_code"] == code} == by_kind.get(code, set()), code


def test_a_replayed_index_has_growth_against_its_own_past(park: Park):
    rows = {
        row["statistical_month"]: row
        for row in park.rows("select * from marts.fct_production_index_monthly order by statistical_month")
    }
    assert [(month.isoformat(), row["yoy_pct"], row["yoy_reason_code"]) for month, row in rows.items()] == [
        ("2024-01-01", None, "no_base"),
        ("2025-01-01", Decimal("4.0000"), None),
        ("2025-02-01", None, "no_base"),
    ]
    assert {row["data_origin"] for row in rows.values()} == {"replayed"}


def test_no_person_can_be_read_anywhere_in_the_warehouse(park: Park):
    with sqlite3.connect(park.home.source_systems / "legacy_contractor" / "contractor_safety.db") as connection:
        people = connection.execute("select worker_name, id_no, phone from contractor_worker").fetchall()
    numbers = {cell for row in people for cell in row[1:]} | {row[0] for row in people if len(row[0]) > 2}
    assert len(numbers) > 400
    pattern = "|".join(sorted(numbers))
    tables = park.rows(
        "select schemaname, tablename from pg_tables where schemaname in ('raw', 'marts', 'intermediate', 'reference')"
    )
    assert len(tables) > 20
    for table in tables:
        name = f"{table['schemaname']}.{table['tablename']}"
        (row,) = park.rows(f"select count(*) as found from {name} as t where t::text ~ '{pattern}'")  # noqa: S608
        assert row["found"] == 0, name


def test_marts_carry_no_personal_column(park: Park):
    streams = [stream for source in load_sources().values() for stream in source.streams.values()]
    personal = {name for stream in streams for name in stream.personal_columns}
    assert "contact_phone" in personal
    marts = park.rows("select column_name from information_schema.columns where table_schema = 'marts'")
    named = {row["column_name"] for row in marts}
    assert not {name for name in named for each in personal if name.startswith(each)}


def test_the_marts_are_trusted(park: Park):
    for suite in load_suites().values():
        if suite.group in {"economy", "safety"}:
            failed = [finding for finding in check_mart(park.warehouse, suite) if not finding.passed]
            assert not failed, suite.mart


def test_reading_again_loads_nothing(park: Park):
    for name in SOURCES:
        result = park.bring_in(load_sources()[name])
        assert result.success
        loaded = [
            event.materialization.metadata["pieces_computed"].value
            for event in result.get_asset_materialization_events()
            if event.asset_key is not None and event.asset_key.path[0] == "raw"
        ]
        assert set(loaded) == {0}, name


def test_a_correction_of_one_month_reloads_one_month_and_reaches_the_mart(park: Park):
    path = park.home.source_systems / "legacy_statistics" / "economic_information.db"
    query = (
        "select output_value_yuan from marts.fct_reported_output_monthly "
        "where enterprise_id = 'E-MA9900028' and statistical_month = '2026-02-01'"
    )
    (before,) = park.rows(query)
    with sqlite3.connect(path) as connection:
        changed = connection.execute(
            "update BB_B204_1 set ZB02 = cast(cast(ZB02 as integer) + 7 as text) "
            "where BQ = '202602' and DWDM = 'MA9900028'"
        )
        assert changed.rowcount == 1
    result = park.bring_in(load_sources()["economic_information"])
    pieces = {
        event.asset_key.path[1]: event.materialization.metadata["pieces_computed"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None and event.asset_key.path[0] == "raw"
    }
    assert pieces["economic_information__output_reports"] == 1
    assert sum(pieces.values()) == 1
    build(park)
    (after,) = park.rows(query)
    if before["output_value_yuan"] % 10000:  # the older system's figure counts
        assert after["output_value_yuan"] - before["output_value_yuan"] == 7000


def test_a_missing_source_is_red_by_itself_and_the_others_go_on(park: Park):
    path = park.home.source_systems / "legacy_contractor" / "contractor_safety.db"
    moved = path.rename(path.with_suffix(".away"))
    try:
        result = park.bring_in(load_sources()["contractor_safety"])
        assert not result.success
        (error, *_) = [_root(event) for event in result.all_events if event.is_step_failure]
        assert "contractor_safety.db does not exist" in error
        assert "PARK_CONTRACTOR_SAFETY_URL" in error
        assert park.bring_in(load_sources()["smart_statistics"]).success
        assert len(park.rows("select * from raw.contractor_safety__contractors")) == 24, "what was loaded stands"
    finally:
        moved.rename(path)


def test_models_can_be_built_before_any_source_was_read(park: Park):
    with park.warehouse.connect(Role.LOADER) as connection:
        connection.execute("drop table raw.smart_statistics__indicators cascade")
    ensure_raw_tables(park.warehouse)
    assert park.rows("select indicator_id, valid_to from raw.smart_statistics__indicators") == []


def _root(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message if error is not None else ""
