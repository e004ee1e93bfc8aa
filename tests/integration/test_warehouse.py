"""The warehouse: roles see what they may, loads replace their window whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import psycopg
import pytest

from lakehouse.home import Home
from lakehouse.warehouse import SCHEMA_OWNERS, Role, TimeWindow, Warehouse, WarehouseError

TABLE = "test__hours"
FEBRUARY = TimeWindow("measured_at", datetime(2026, 1, 31, 16, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC))
MARCH = TimeWindow("measured_at", datetime(2026, 2, 28, 16, tzinfo=UTC), datetime(2026, 3, 31, 16, tzinfo=UTC))
LOADER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
import sqlalchemy as sa
from lakehouse.home import Home
from lakehouse.warehouse import TimeWindow, Warehouse
url, root, value = sys.argv[1:]
warehouse = Warehouse(sa.make_url(url), Home(Path(root)))
start = datetime(2026, 2, 28, 16, tzinfo=UTC)
window = TimeWindow("measured_at", start, datetime(2026, 3, 31, 16, tzinfo=UTC))
times = pl.datetime_range(start, datetime(2026, 3, 31, 15, 59, tzinfo=UTC), "1m", time_zone="UTC", eager=True)
rows = pl.DataFrame({"station_id": ["A01"] * len(times), "measured_at": times, "value": [float(value)] * len(times)})
print("loading", flush=True)
while True:
    warehouse.replace_window("test__killed", rows, [window])
    print("loaded", flush=True)
"""


def hours(start: datetime, count: int, value: float = 1.0) -> pl.DataFrame:
    times = [start + timedelta(hours=hour) for hour in range(count)]
    return pl.DataFrame(
        {
            "station_id": ["A01"] * count,
            "measured_at": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            "value": pl.Series([value] * count, dtype=pl.Float64),
        }
    )


@pytest.fixture(autouse=True)
def _without_the_tables(warehouse: Warehouse) -> Iterator[None]:
    yield
    with warehouse.connect(Role.LOADER) as connection:
        for table in (TABLE, "test__days", "test__killed"):
            connection.execute(f"drop table if exists raw.{table}")  # type: ignore[arg-type]


def standing(warehouse: Warehouse, table: str = TABLE, order: str = "measured_at") -> pl.DataFrame:
    return warehouse.read(Role.LOADER, f"select * from raw.{table} order by {order}")  # noqa: S608


# --- preparation -----------------------------------------------------------------------------------------------------


def test_preparing_again_changes_nothing(warehouse: Warehouse):
    def state() -> list[tuple[object, ...]]:
        with psycopg.connect(
            warehouse.admin.set(drivername="postgresql").render_as_string(hide_password=False)
        ) as admin:
            return [
                *admin.execute("select nspname, nspowner::regrole, nspacl from pg_namespace order by 1"),
                *admin.execute("select rolname, rolsuper, rolcreatedb, rolconfig from pg_roles order by 1"),
                *admin.execute("select defaclrole, defaclnamespace, defaclacl from pg_default_acl order by 1, 2"),
                *admin.execute("select datname, datacl from pg_database order by 1"),
            ]

    before = state()
    warehouse.prepare()
    assert state() == before


def test_every_schema_belongs_to_the_role_that_fills_it(warehouse: Warehouse):
    owners = warehouse.read(Role.READER, "select nspname, nspowner::regrole::text from pg_namespace")
    assert dict(SCHEMA_OWNERS).items() <= dict(owners.iter_rows()).items()


def test_no_platform_role_is_a_superuser(warehouse: Warehouse):
    roles = warehouse.read(
        Role.READER,
        "select rolname from pg_roles where rolname like 'park_%%' and (rolsuper or rolcreaterole or rolcreatedb) "
        "and rolname <> 'park_admin'",
    )
    assert roles.is_empty()


# --- readers of other teams ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _tables_everywhere(warehouse: Warehouse) -> Iterator[None]:
    for schema, owner in SCHEMA_OWNERS.items():
        with warehouse.connect(owner) as connection:
            connection.execute(f"create table {schema}.test_secret as select 1 as one")  # type: ignore[arg-type]
    yield
    for schema, owner in SCHEMA_OWNERS.items():
        with warehouse.connect(owner) as connection:
            connection.execute(f"drop table {schema}.test_secret")  # type: ignore[arg-type]


@pytest.mark.usefixtures("_tables_everywhere")
@pytest.mark.parametrize("schema", sorted(SCHEMA_OWNERS))
def test_the_reader_reads_published_and_nothing_else(warehouse: Warehouse, schema: str):
    query = f"select one from {schema}.test_secret"  # noqa: S608
    if schema == "published":
        assert warehouse.read(Role.READER, query)["one"].to_list() == [1]
    else:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            warehouse.read(Role.READER, query)


@pytest.mark.usefixtures("_tables_everywhere")
def test_the_reader_holds_no_right_on_any_table_outside_published(warehouse: Warehouse):
    rights = warehouse.read(
        Role.READER,
        "select relnamespace::regnamespace::text || '.' || relname as name from pg_class "
        "where relkind in ('r', 'v', 'm', 'p') and relnamespace::regnamespace::text not in "
        "('published', 'pg_catalog', 'information_schema', 'pg_toast') "
        "and has_table_privilege(oid, 'select, insert, update, delete, truncate')",
    )
    assert rights.is_empty()


@pytest.mark.usefixtures("_tables_everywhere")
@pytest.mark.parametrize(
    "statement",
    [
        "insert into published.test_secret values (2)",
        "update published.test_secret set one = 2",
        "delete from published.test_secret",
        "truncate published.test_secret",
        "drop table published.test_secret",
        "alter table published.test_secret add column two integer",
        "create table published.mine (one integer)",
        "create table public.mine (one integer)",
        "create temporary table mine (one integer)",
        "create schema mine",
        "create role mine",
        "set role park_publisher",
        "copy published.test_secret to program 'cat'",
        "select pg_read_file('/etc/passwd')",
    ],
)
@pytest.mark.parametrize("is_read_only", [True, False])
def test_the_reader_changes_nothing_even_when_it_lifts_its_own_read_only(
    warehouse: Warehouse, statement: str, is_read_only: bool
):
    with psycopg.connect(warehouse.plain_url(Role.READER), autocommit=True) as connection:
        if not is_read_only:
            connection.execute("set default_transaction_read_only = off")
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            connection.execute(statement)  # type: ignore[arg-type]


def test_the_readers_sessions_are_read_only_short_and_find_published_first(warehouse: Warehouse):
    with psycopg.connect(warehouse.plain_url(Role.READER)) as connection:
        assert connection.execute("show default_transaction_read_only").fetchone() == ("on",)
        assert connection.execute("show statement_timeout").fetchone() == ("1min",)
        assert connection.execute("show search_path").fetchone() == ("published",)


@pytest.mark.parametrize("database", ["dagster", "superset"])
@pytest.mark.parametrize("role", [Role.READER, Role.LOADER, Role.BUILDER, Role.PUBLISHER, Role.API])
def test_the_services_own_databases_are_closed_to_others(warehouse: Warehouse, role: Role, database: str):
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(warehouse.plain_url(role, database))


def test_a_view_of_another_schema_is_no_way_around(warehouse: Warehouse):
    with warehouse.connect(Role.BUILDER) as connection:
        connection.execute("create view staging.test_view as select 1 as one")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            warehouse.read(Role.READER, "select * from staging.test_view")
    finally:
        with warehouse.connect(Role.BUILDER) as connection:
            connection.execute("drop view staging.test_view")


# --- loads -----------------------------------------------------------------------------------------------------------


def test_the_same_load_twice_leaves_the_same_table(warehouse: Warehouse):
    rows = hours(MARCH.start, 48)
    first = warehouse.replace_window(TABLE, rows, [MARCH])
    second = warehouse.replace_window(TABLE, rows, [MARCH])
    assert (first.rows_written, first.rows_replaced) == (48, 0)
    assert (second.rows_written, second.rows_replaced) == (48, 48)
    assert standing(warehouse).equals(rows.sort("measured_at"), null_equal=True)


def test_a_load_replaces_its_window_and_leaves_the_neighbours(warehouse: Warehouse):
    before = hours(FEBRUARY.end - timedelta(hours=2), 2, value=2.0)
    warehouse.replace_window(TABLE, before, [FEBRUARY])
    warehouse.replace_window(TABLE, hours(MARCH.start, 3), [MARCH])
    warehouse.replace_window(TABLE, hours(MARCH.start, 1, value=9.0), [MARCH])
    assert standing(warehouse)["value"].to_list() == [2.0, 2.0, 9.0]


def test_a_month_of_business_dates_begins_and_ends_with_its_own_days(warehouse: Warehouse):
    """A window's bounds are moments (16:00 UTC of the day before); a date column must not be cut down to them."""

    def days(first: date, count: int, value: float) -> pl.DataFrame:
        dates = [first + timedelta(days=day) for day in range(count)]
        return pl.DataFrame({"business_date": dates, "value": [value] * count})

    windows = [TimeWindow("business_date", window.start, window.end) for window in (FEBRUARY, MARCH)]
    both = pl.concat([days(date(2026, 2, 1), 28, 2.0), days(date(2026, 3, 1), 31, 3.0)])
    warehouse.replace_window("test__days", both, windows)
    warehouse.replace_window("test__days", days(date(2026, 3, 1), 31, 9.0), windows[1:])
    values = dict(standing(warehouse, "test__days", "business_date").iter_rows())
    assert len(values) == standing(warehouse, "test__days", "business_date").height == 59
    assert (values[date(2026, 2, 28)], values[date(2026, 3, 1)], values[date(2026, 3, 31)]) == (2.0, 9.0, 9.0)


def test_an_empty_load_empties_its_window(warehouse: Warehouse):
    warehouse.replace_window(TABLE, hours(MARCH.start, 3), [MARCH])
    result = warehouse.replace_window(TABLE, hours(MARCH.start, 0), [MARCH])
    assert (result.rows_written, result.rows_replaced) == (0, 3)
    assert standing(warehouse).is_empty()


def test_a_new_column_is_added_and_null_in_older_rows(warehouse: Warehouse):
    warehouse.replace_window(TABLE, hours(FEBRUARY.start, 1), [FEBRUARY])
    warehouse.replace_window(TABLE, hours(MARCH.start, 1).with_columns(flag=pl.lit("N")), [MARCH])
    assert standing(warehouse)["flag"].to_list() == [None, "N"]


def test_a_changed_type_is_refused_by_name_and_the_old_rows_stand(warehouse: Warehouse):
    warehouse.replace_window(TABLE, hours(MARCH.start, 3), [MARCH])
    with pytest.raises(WarehouseError) as refusal:
        warehouse.replace_window(TABLE, hours(MARCH.start, 1).with_columns(value=pl.lit("much")), [MARCH])
    for part in (f"raw.{TABLE}", "value", "double precision", "text"):
        assert part in str(refusal.value)
    assert standing(warehouse)["value"].to_list() == [1.0, 1.0, 1.0]


def test_the_builder_reads_what_the_loader_loads(warehouse: Warehouse):
    warehouse.replace_window(TABLE, hours(MARCH.start, 3), [MARCH])
    assert warehouse.read(Role.BUILDER, f"select count(*) as n from raw.{TABLE}")["n"].item() == 3  # noqa: S608


def test_a_killed_load_leaves_a_whole_table(warehouse: Warehouse, home: Home):
    """Killed at several moments of loading March over and over, the table is always one generation, all of it."""
    minutes = 31 * 24 * 60
    url = warehouse.admin.render_as_string(hide_password=False)
    for generation, delay in enumerate((0.02, 0.09, 0.21, 0.37), 1):
        command = [sys.executable, "-c", LOADER, url, str(home.root), str(generation)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as loader:
            assert loader.stdout is not None
            assert loader.stdout.readline() == "loading\n"
            assert loader.stdout.readline() == "loaded\n"
            time.sleep(delay)
            os.kill(loader.pid, signal.SIGKILL)
        rows = warehouse.read(Role.LOADER, "select value, count(*) as n from raw.test__killed group by 1")
        assert rows.rows() == [(float(generation), minutes)]


def test_a_load_waits_for_no_reader_for_ever(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lakehouse.warehouse.LOCK_TIMEOUT", "300ms")
    warehouse.replace_window(TABLE, hours(MARCH.start, 1), [MARCH])
    with psycopg.connect(warehouse.plain_url(Role.LOADER)) as blocker:
        blocker.execute(f"lock table raw.{TABLE} in access exclusive mode")  # type: ignore[arg-type]
        started = time.monotonic()
        with pytest.raises(Exception, match="lock timeout"):
            warehouse.replace_window(TABLE, hours(MARCH.start, 2), [MARCH])
        assert time.monotonic() - started < 10
    assert standing(warehouse).height == 1
