"""Issuing reports over a real PostgreSQL: versions, corrections, signatures, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dashboards.reports.issue import IssuedReport, issue_report
from dashboards.reports.render import identity_in
from dashboards.reports.report_file import ReportError
from dashboards.reports.signature import read_signature_file, verify_report
from lakehouse.artifacts import ArtifactStore
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from security.key_ring import FileKeyRing

pytestmark = pytest.mark.integration

DAY = date(2026, 11, 20)
ISSUED_AT = datetime(2026, 11, 21, 1, tzinfo=UTC)
REPORT = "air_quality_daily"
SOURCES = ("dim_monitoring_stations", "dim_zones", "fct_air_quality_daily", "fct_air_quality_hourly")
ZONE = '{"type":"Polygon","coordinates":[[[121.41,30.78],[121.44,30.78],[121.44,30.81],[121.41,30.81],[121.41,30.78]]]}'

MARTS = f"""
create table published.publications (mart_name text primary key, mart_group text, published_at timestamptz,
    data_until timestamptz, row_count bigint, fingerprint text, run_id text, is_held boolean, held_since timestamptz,
    held_reason text);
insert into published.publications
    select name, 'vitals', '2026-11-20 17:00Z', '2026-11-20 15:00Z', 1, name || ':1', 'run', false, null, null
    from unnest(array{list(SOURCES)}) as name;
create table published.dim_zones as select 'Z1' as zone_id, '示范区' as zone_name, '{ZONE}' as boundary_geojson,
    'synthetic' as source_mark;
create table published.dim_monitoring_stations as select 'A01' as station_id, '东空气站' as station_name,
    'air' as station_kind, 'Z1' as zone_id, '示范区' as zone_name, 121.42::float8 as longitude,
    30.79::float8 as latitude, 'synthetic' as source_mark;
create table published.fct_air_quality_daily as select 'A01' as station_id, '东空气站' as station_name,
    'Z1' as zone_id, '示范区' as zone_name, 121.42::float8 as longitude, 30.79::float8 as latitude,
    day::date as business_date,
    10.0::float8 as so2_ug_per_m3, 30.0::float8 as no2_ug_per_m3, 0.6::float8 as co_mg_per_m3,
    80.0::float8 as o3_8h_max_ug_per_m3, 70.0::float8 as pm10_ug_per_m3, 40.0::float8 as pm25_ug_per_m3,
    24 as so2_valid_hours, 24 as no2_valid_hours, 24 as co_valid_hours, 17 as o3_8h_valid_windows,
    24 as pm10_valid_hours, 24 as pm25_valid_hours, 150.0::float8 as so2_limit_ug_per_m3,
    80.0::float8 as no2_limit_ug_per_m3, 4.0::float8 as co_limit_mg_per_m3, 160.0::float8 as o3_8h_limit_ug_per_m3,
    120.0::float8 as pm10_limit_ug_per_m3, 60.0::float8 as pm25_limit_ug_per_m3,
    'GB 3095-2026' as limit_standard_code, null::text as exceeded_pollutants, false as is_exceeded, 67 as aqi,
    67 as aqi_at_least, 2 as aqi_level, '良' as aqi_level_name, 'pm25' as primary_pollutants,
    'HJ 633-2026' as standard_code, 'replayed' as data_origin
    from generate_series('2026-11-01'::date, '2026-11-20'::date, '1 day') as day;
create table published.fct_air_quality_hourly as select 'A01' as station_id, '东空气站' as station_name,
    hour as measured_at, (hour at time zone 'Asia/Shanghai')::date as business_date,
    extract(hour from hour at time zone 'Asia/Shanghai')::int as hour_of_day, 10.0::float8 as so2_ug_per_m3,
    30.0::float8 as no2_ug_per_m3, 0.6::float8 as co_mg_per_m3, 60.0::float8 as o3_ug_per_m3,
    70.0::float8 as pm10_ug_per_m3, 40.0::float8 as pm25_ug_per_m3, 60 as aqi,
    hour - interval '3554 days' as source_measured_at, 'replayed' as data_origin
    from generate_series('2026-11-19 16:00Z'::timestamptz, '2026-11-20 15:00Z', '1 hour') as hour;
"""  # noqa: S608 - the names are written above


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    home = Home(tmp_path_factory.mktemp("home"))
    with open_warehouse(Settings(home=home.root), home) as warehouse:
        warehouse.prepare()
        yield warehouse


@pytest.fixture
def warehouse(server: Warehouse) -> Warehouse:
    """The published marts of one station, as they stood on the evening of the day."""
    tables = ", ".join(f"published.{name}" for name in (*SOURCES, "publications", "reports"))
    with server.connect(Role.PUBLISHER) as connection:
        connection.execute(f"drop table if exists {tables}")
        connection.execute(MARTS)
    return server


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyRing:
    return FileKeyRing(tmp_path / "keys", lambda: ISSUED_AT)


def _publish(warehouse: Warehouse, statement: str, mart: str = "fct_air_quality_daily") -> None:
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute(statement)
        change = "update published.publications set fingerprint = fingerprint || '+' where mart_name = %s"
        connection.execute(change, (mart,))


def _index(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.read(Role.READER, "select * from published.reports order by version").to_dicts()


def test_issuing_twice_changes_nothing(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    first = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    files = {name: store.read(name) for name in store.names("reports")}
    second = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT + timedelta(days=1))
    assert first.is_new
    assert not second.is_new
    assert (second.version, second.sm3) == (1, first.sm3)
    assert {name: store.read(name) for name in store.names("reports")} == files
    assert sorted(files) == [f"reports/{REPORT}/2026-11-20/v1.pdf", f"reports/{REPORT}/2026-11-20/v1.sig.json"]
    (row,) = _index(warehouse)
    assert row["is_current"]
    assert row["data_until"] == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert row["created_at"] == ISSUED_AT
    assert (row["title"], row["sm3"], row["release"]) == ("园区空气质量日报", first.sm3, first.release)


def test_what_was_issued_can_be_verified(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    issued = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    pdf, signature = store.read(issued.artifact), read_signature_file(store.read(issued.signature_artifact))
    assert verify_report(pdf, signature, keys).is_valid
    assert identity_in(pdf)["release"] == signature["release"] == issued.release
    assert verify_report(pdf.replace(b"%PDF-1.7", b"%PDF-1.6"), signature, keys).finding == "tampered_pdf"


def test_late_data_add_a_version_that_points_to_the_old_one(
    warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing
):
    first = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    shown = store.read(first.artifact)
    _publish(warehouse, "update published.fct_air_quality_daily set aqi = 80 where business_date = '2026-11-20'")
    second = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT + timedelta(hours=5))
    assert (second.version, second.is_new) == (2, True)
    assert second.release != first.release
    assert store.read(first.artifact) == shown, "what people were shown is never replaced"
    old, new = _index(warehouse)
    assert (old["is_current"], old["superseded_by"], new["is_current"], new["superseded_by"]) == (False, 2, True, None)
    assert verify_report(shown, read_signature_file(store.read(first.signature_artifact)), keys).is_valid
    again = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT + timedelta(hours=6))
    assert (again.version, again.is_new) == (2, False)


def test_a_release_that_changes_no_word_of_the_report_makes_no_version(
    warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing
):
    first = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    _publish(warehouse, "update published.fct_air_quality_daily set aqi = 80 where business_date = '2026-11-02'")
    assert issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT).sm3 == first.sm3
    assert len(_index(warehouse)) == 1


def test_a_hold_on_newer_data_is_told_to_the_reader(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    first = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute(
            "update published.publications set is_held = true, held_since = '2026-11-21 00:00Z', held_reason = 'x' "
            "where mart_name = 'fct_air_quality_daily'"
        )
    second = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    assert (second.version, second.release != first.release) == (2, True)


def test_a_lost_file_is_put_back_byte_for_byte(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    issued = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    pdf = store.read(issued.artifact)
    (store.root / issued.artifact).unlink()
    (store.root / issued.signature_artifact).unlink()
    again = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    assert not again.is_new
    assert store.read(issued.artifact) == pdf
    assert verify_report(pdf, json.loads(store.read(issued.signature_artifact)), keys).is_valid


def test_a_lost_file_that_cannot_be_made_again_is_reported(
    warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing
):
    issued = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    (store.root / issued.artifact).unlink()
    with warehouse.connect(Role.PUBLISHER) as connection:  # as if another Typst had made the standing version
        connection.execute("update published.reports set sm3 = %s", ("00" * 32,))
    with pytest.raises(ReportError, match=r"v1\.pdf: an issued report is missing.*Restore the store from its backup"):
        issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)


def test_an_empty_section_issues_nothing(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    _publish(warehouse, "delete from published.fct_air_quality_daily where business_date = '2026-11-20'")
    with pytest.raises(ReportError, match="no row of 2026-11-20"):
        issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    assert not list(store.names("reports"))


def test_a_day_that_has_not_ended_is_refused(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    with pytest.raises(ReportError, match=r"the day ends at 2026-11-21T00:00:00\+08:00"):
        issue_report(warehouse, store, keys, REPORT, DAY, datetime(2026, 11, 20, 15, 59, tzinfo=UTC))


def test_an_unpublished_source_is_named(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("delete from published.publications where mart_name = 'dim_zones'")
    with pytest.raises(ReportError, match="dim_zones is not published"):
        issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("drop table published.publications")
    with pytest.raises(ReportError, match="nothing has been published yet"):
        issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)


def test_readers_see_the_index_and_cannot_change_it(warehouse: Warehouse, store: ArtifactStore, keys: FileKeyRing):
    issued: IssuedReport = issue_report(warehouse, store, keys, REPORT, DAY, ISSUED_AT)
    assert _index(warehouse)[0]["artifact"] == issued.artifact
    with pytest.raises(psycopg.Error), warehouse.connect(Role.READER) as connection:
        connection.execute("delete from published.reports")
