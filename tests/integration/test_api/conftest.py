"""A small published park of its own, and callers with tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.application import create_application
from api.operations import prepare_operations
from api.tokens.schemas import Scope
from api.tokens.service import create_token
from lakehouse.artifacts import ArtifactStore
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from quality.publishing import LEDGER
from security.key_ring import FileKeyRing

NOW = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
MARTS = """
create table published.fct_air_quality_hourly (
    station_id text not null, zone_id text not null, measured_at timestamptz not null, business_date date not null,
    aqi integer, aqi_level integer, pm25_ug_per_m3 double precision, primary_pollutants text, data_origin text not null
);
create unique index on published.fct_air_quality_hourly (station_id, measured_at);
comment on table published.fct_air_quality_hourly is 'One row per station per hour. 每站每小时一行。';
insert into published.fct_air_quality_hourly
select 'A0' || s, 'Z' || s, t, (t at time zone 'Asia/Shanghai')::date,
    case when extract(hour from t) = 3 then null else 20 + (s * 7 + extract(hour from t))::int end, 1,
    extract(hour from t) / 2.0, case when s = 2 then 'PM₂.₅' end, case s when 1 then 'measured' else 'replayed' end
from generate_series(1, 3) as s,
    generate_series(timestamptz '2026-02-16 04:00Z', timestamptz '2026-03-04 19:00Z', '1 hour') as t;

create table published.fct_air_quality_latest (
    station_id text not null, measured_at timestamptz not null, age_hours double precision not null, aqi integer,
    aqi_level integer, pm25_ug_per_m3 double precision, data_origin text not null
);
insert into published.fct_air_quality_latest values
    ('A01', '2026-03-05 03:00Z', 1, 63, 2, 44, 'measured'),
    ('A02', '2026-03-05 03:00Z', 1, null, null, null, 'simulated');
create table published.dim_monitoring_stations (
    station_id text not null, station_name text not null, station_kind text not null, zone_id text not null,
    zone_name text not null, longitude double precision not null, latitude double precision not null
);
insert into published.dim_monitoring_stations values
    ('A01', '西北边界空气站', 'air', 'Z1', '一区', 121.41, 30.8),
    ('A02', '北边界空气站', 'air', 'Z2', '二区', 121.44, 30.81),
    ('A03', '停用站', 'air', 'Z2', '二区', 121.45, 30.82);
create table published.dim_zones (zone_id text not null, zone_name text not null, boundary_geojson text not null,
    source_mark text not null);
insert into published.dim_zones values ('Z1', '一区',
    '{"type":"Polygon","coordinates":[[[121.4,30.7],[121.5,30.7],[121.5,30.8],[121.4,30.7]]]}', 'synthetic');

create table published.fct_gate_entries (
    entry_id integer not null, worker_name text, contact_phone text, id_number_digest text, phone bigint,
    deposit_yuan numeric(12, 2), note text, tags text[], details jsonb, "limit" integer, "odd ""name" text,
    is_inside boolean, ratio double precision, entered_at timestamp, run uuid
);
insert into published.fct_gate_entries values
    (1, '欧阳建国', '13812345678', 'ab', 13812345678, 1234567890.10,
     '含逗号, "引号"' || chr(10) || '和换行', '{a,b}', '{"k": 1}',
     7, 'x', true, 0.5, '2026-03-01 08:00:00.5', '00000000-0000-0000-0000-000000000001'),
    (2, null, null, null, null, null, '', null, null, 8, null, null, 'NaN', null, null),
    (3, '李四', '021-5555666', 'cd', 1, 0.00, '=1+1', '{}', '[]', 9, 'y', false, 'Infinity',
     '2026-03-01 09:00:00', null);
create table published.not_in_the_ledger (secret text);
insert into published.not_in_the_ledger values ('unpublished');
"""
PUBLISHED = (
    ("fct_air_quality_hourly", 1200, NOW - timedelta(hours=1)),
    ("fct_air_quality_latest", 2, NOW - timedelta(hours=1)),
    ("dim_monitoring_stations", 3, None),
    ("dim_zones", 1, None),
    ("fct_gate_entries", 3, None),
)


@dataclass
class Clock:
    """A clock that a test may set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Return the moment that is set."""
        return self.now


@dataclass
class Park:
    """Everything a test of the API needs."""

    warehouse: Warehouse
    application: FastAPI
    keys: FileKeyRing
    artifacts: ArtifactStore
    clock: Clock

    def token(self, *scopes: Scope, name: str = "测试系统", expires_at: datetime | None = None) -> tuple[str, str]:
        """Make a token and return its id and text."""
        with self.warehouse.connect(Role.PUBLISHER) as connection:
            made = create_token(
                connection, self.keys, name=name, scopes=scopes, now=self.clock(), expires_at=expires_at
            )
        return made.token.token_id, made.text

    def client(self, *scopes: Scope, name: str = "测试系统") -> TestClient:
        """Return a caller with these scopes; no scope, no token."""
        headers = {"Authorization": f"Bearer {self.token(*scopes, name=name)[1]}"} if scopes else {}
        return TestClient(self.application, headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="session")
def park(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Park]:
    home = Home(tmp_path_factory.mktemp("api_park"))
    clock = Clock()
    with open_warehouse(Settings(home=home.root, postgres_port=0, warehouse_url=None), home) as warehouse:
        warehouse.prepare()
        prepare_operations(warehouse)
        with warehouse.connect(Role.PUBLISHER) as connection:
            connection.execute(LEDGER)
            connection.execute(MARTS)
            for mart, rows, until in PUBLISHED:
                connection.execute(
                    "insert into published.publications (mart_name, mart_group, published_at, data_until, row_count, "
                    "fingerprint, run_id, is_held) values (%s, 'vitals', %s, %s, %s, 'f', 'r', %s)",
                    (mart, NOW, until, rows, mart == "dim_zones"),
                )
        keys = FileKeyRing(home.keys, clock)
        artifacts = ArtifactStore(home.artifacts)
        application = create_application(warehouse, artifacts, keys, clock=clock)
        with TestClient(application):
            yield Park(warehouse, application, keys, artifacts, clock)


@pytest.fixture(scope="session")
def reader(park: Park) -> TestClient:
    """A caller who may read marts."""
    return park.client(Scope.MARTS_READ)


@pytest.fixture(autouse=True)
def _present(park: Park) -> Iterator[None]:
    yield
    park.clock.now = NOW
