"""The warehouse: one PostgreSQL, its databases, schemas and roles, and atomic loads through ADBC.

Schemas of the database `park` and who owns them:

=============  ===============  =====================================================
schema         owner            what stands there
=============  ===============  =====================================================
raw            park_loader      what the lake hands over to dbt
staging …      park_builder     staging, intermediate, marts, reference: built by dbt
published      park_publisher   checked marts; the only schema a reader may see
ops            park_publisher   publications, releases and people's decisions
=============  ===============  =====================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import sql

from lakehouse.embedded_postgres import SUPERUSER, EmbeddedPostgres
from lakehouse.home import Home
from lakehouse.settings import Settings

LOCK_TIMEOUT = "20s"
READER_STATEMENT_TIMEOUT = "60s"


class Role(StrEnum):
    """Database roles; each has its own generated password."""

    LOADER = "park_loader"
    BUILDER = "park_builder"
    PUBLISHER = "park_publisher"
    READER = "park_reader"
    DAGSTER = "park_dagster"
    SUPERSET = "park_superset"
    API = "park_api"


SCHEMA_OWNERS = {
    "raw": Role.LOADER,
    "staging": Role.BUILDER,
    "intermediate": Role.BUILDER,
    "marts": Role.BUILDER,
    "reference": Role.BUILDER,
    "published": Role.PUBLISHER,
    "ops": Role.PUBLISHER,
}
READ_GRANTS = (
    ("raw", Role.BUILDER),
    ("ops", Role.BUILDER),
    ("marts", Role.PUBLISHER),
    ("reference", Role.PUBLISHER),
    ("published", Role.READER),
)
SERVICE_DATABASES = {"dagster": Role.DAGSTER, "superset": Role.SUPERSET}


class WarehouseError(RuntimeError):
    """A load or a preparation was refused; the message names table, reason and remedy."""


@dataclass(frozen=True)
class TimeWindow:
    """A half-open window [start, end) over one column: a moment, or a business date, which begins at its midnight."""

    column: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class LoadResult:
    """What one load did."""

    table: str
    rows_written: int
    rows_replaced: int
    seconds: float


@dataclass(frozen=True)
class Warehouse:
    """Addresses and loads of one warehouse.

    Args:
        admin: URL of a role that may create roles and databases, with its password.
        home: where the roles' passwords lie.
    """

    admin: sa.URL
    home: Home

    def url(self, role: Role, *, driver: str = "psycopg", database: str = "park") -> sa.URL:
        """Return the address for `role`, with its password; the driver is always named (psycopg or psycopg2)."""
        return self.admin.set(
            drivername=f"postgresql+{driver}" if driver else "postgresql",
            username=role.value,
            password=self.home.secret(f"postgres_{role.value}"),
            database=database,
        )

    def plain_url(self, role: Role, database: str = "park") -> str:
        """Return the libpq address for `role`."""
        return self.url(role, driver="", database=database).render_as_string(hide_password=False)

    def engine(self, role: Role) -> sa.Engine:
        """Return an engine whose connections commit each statement, so that no reader blocks dbt's DDL."""
        return sa.create_engine(self.url(role), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    @contextmanager
    def connect(self, role: Role) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Open one transaction as `role`; it commits when the block ends and rolls back when it raises."""
        with psycopg.connect(self.plain_url(role)) as connection:
            connection.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
            yield connection

    def read(self, role: Role, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """Return the rows of `query` (placeholders `%s`) as a frame, typed by the database."""
        with self.connect(role) as connection:
            cursor = connection.execute(query, parameters)
            names = [column.name for column in cursor.description or ()]
            return pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)

    def prepare(self) -> None:
        """Create databases, roles, schemas and rights where they are missing; safe to call at every start."""
        maintenance = self.admin.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(maintenance, autocommit=True) as connection:
            for role in Role:
                _ensure_role(connection, role, self.home.secret(f"postgres_{role.value}"))
            existing = {row[0] for row in connection.execute("select datname from pg_database")}
            for database, owner in {"park": None, **SERVICE_DATABASES}.items():
                if database not in existing:
                    statement = sql.SQL("create database {}").format(sql.Identifier(database))
                    if owner is not None:
                        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(owner)))
                        statement += sql.SQL(" owner {}").format(sql.Identifier(owner))
                    connection.execute(statement)
                connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
            connection.execute("revoke connect on database postgres from public")
            for role in (Role.LOADER, Role.BUILDER, Role.PUBLISHER, Role.READER, Role.API):
                connection.execute(sql.SQL("grant connect on database park to {}").format(sql.Identifier(role)))
        park = self.admin.set(drivername="postgresql", database="park").render_as_string(hide_password=False)
        with psycopg.connect(park) as connection:
            _prepare_schemas(connection)

    def replace_pieces(
        self, table: str, frame: pl.DataFrame, label_column: str | None = None, labels: Sequence[str] = ()
    ) -> LoadResult:
        """Replace the rows of `raw.<table>` whose label is among `labels` by `frame`; without a column, all rows.

        As `replace_window`: one transaction, new columns are added, the same input twice leaves the same table. An
        empty frame with no labels only makes the table.

        Args:
            table: the table, without its schema.
            frame: the new rows of these pieces.
            label_column: text column that names a row's piece (`business_month`).
            labels: the pieces to replace.

        Raises:
            WarehouseError: a column changed its type.
        """
        if label_column is None:
            return self._replace(table, frame, lambda _: ["true"])
        listed = ", ".join("'" + label.replace("'", "''") + "'" for label in labels)
        return self._replace(table, frame, lambda _: [f"{label_column} in ({listed})"] if listed else [])

    def replace_window(self, table: str, frame: pl.DataFrame, windows: Sequence[TimeWindow]) -> LoadResult:
        """Replace all rows of `raw.<table>` inside `windows` by `frame`; the same input twice leaves the same table.

        The rows travel through ADBC into a temporary table; delete and insert are one transaction, so a killed
        load leaves the old rows. New columns are added; a column that changed its type is refused.

        Raises:
            WarehouseError: a column changed its type.
        """

        def inside(types: Mapping[str, str]) -> Iterator[str]:
            for window in windows:
                moment = _moment(window.column, types[window.column])
                start, end = (f"timestamptz '{bound.isoformat()}'" for bound in (window.start, window.end))
                yield f"{moment} >= {start} and {moment} < {end}"

        return self._replace(table, frame, inside)

    def _replace(
        self, table: str, frame: pl.DataFrame, conditions: Callable[[Mapping[str, str]], Iterable[str]]
    ) -> LoadResult:
        """Delete what meets one of `conditions` (made from the table's column types) and insert `frame`."""
        started = time.monotonic()
        with adbc.connect(self.plain_url(Role.LOADER)) as connection, connection.cursor() as cursor:
            cursor.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
            cursor.adbc_ingest("incoming", frame.to_arrow(), mode="create", temporary=True)
            _align_columns(cursor, table)
            replaced = 0
            for condition in conditions(_column_types(cursor, f"raw.{table}")):
                statement = f"delete from raw.{table} where {condition}"  # noqa: S608
                cursor.execute(f"with gone as ({statement} returning 1) select count(*) from gone")  # noqa: S608
                replaced += int(cursor.fetchone()[0])
            columns = ", ".join(f'"{name}"' for name in frame.columns)
            cursor.execute(f"insert into raw.{table} ({columns}) select {columns} from incoming")  # noqa: S608
            connection.commit()
            cursor.execute(f"analyze raw.{table}")
            connection.commit()
        return LoadResult(f"raw.{table}", frame.height, replaced, time.monotonic() - started)


@contextmanager
def open_warehouse(settings: Settings, home: Home) -> Iterator[Warehouse]:
    """Yield the warehouse of the settings; the embedded server is joined when it runs, else started for the block.

    Raises:
        EmbeddedPostgresError: the embedded server cannot start.
    """
    if settings.warehouse_url is not None:
        url = sa.make_url(str(settings.warehouse_url)).set(drivername="postgresql+psycopg")
        if settings.warehouse_password_file is not None:
            url = url.set(password=home.secret("warehouse", settings.warehouse_password_file))
        yield Warehouse(url, home)
        return
    home.create()
    password = home.secret("postgres_admin")
    server = EmbeddedPostgres(home.postgres, password, settings.postgres_port, home.logs / "postgres.log")
    server.start()
    try:
        yield Warehouse(
            sa.URL.create("postgresql+psycopg", SUPERUSER, password, "127.0.0.1", server.port, "park"), home
        )
    finally:
        server.stop()


def _ensure_role(connection: psycopg.Connection[Any], role: Role, password: str) -> None:
    name = sql.Identifier(role)
    if not connection.execute("select 1 from pg_roles where rolname = %s", (role.value,)).fetchone():
        connection.execute(sql.SQL("create role {} login").format(name))
    connection.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(password)))
    if role is Role.READER:
        connection.execute(sql.SQL("alter role {} set default_transaction_read_only = on").format(name))
        timeout = sql.Literal(READER_STATEMENT_TIMEOUT)
        connection.execute(sql.SQL("alter role {} set statement_timeout = {}").format(name, timeout))
        connection.execute(sql.SQL("alter role {} set search_path = published").format(name))


def _prepare_schemas(connection: psycopg.Connection[Any]) -> None:
    for schema, owner in SCHEMA_OWNERS.items():
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(owner)))
        connection.execute(
            sql.SQL("create schema if not exists {} authorization {}").format(
                sql.Identifier(schema), sql.Identifier(owner)
            )
        )
    for schema, reader in READ_GRANTS:
        names = {"s": sql.Identifier(schema), "r": sql.Identifier(reader), "o": sql.Identifier(SCHEMA_OWNERS[schema])}
        connection.execute(sql.SQL("grant usage on schema {s} to {r}").format(**names))
        connection.execute(sql.SQL("grant select on all tables in schema {s} to {r}").format(**names))
        connection.execute(
            sql.SQL("alter default privileges for role {o} in schema {s} grant select on tables to {r}").format(**names)
        )
    connection.execute(sql.SQL("grant create on database park to {}").format(sql.Identifier(Role.BUILDER)))
    for role in (Role.LOADER, Role.BUILDER):  # staging of loads; fixtures of dbt's unit tests
        connection.execute(sql.SQL("grant temporary on database park to {}").format(sql.Identifier(role)))
    # Rights on its tables are given where these are made (api/operations).
    connection.execute(sql.SQL("grant usage on schema ops to {}").format(sql.Identifier(Role.API)))
    connection.execute("create extension if not exists pg_trgm")


def _align_columns(cursor: Any, table: str) -> None:  # noqa: ANN401 - the driver ships no types
    """Create `raw.<table>` like the incoming rows, or add the columns it lacks."""
    cursor.execute(f"create table if not exists raw.{table} (like incoming)")
    incoming = _column_types(cursor, "pg_temp.incoming")
    standing = _column_types(cursor, f"raw.{table}")
    for name, data_type in incoming.items():
        if name not in standing:
            cursor.execute(f'alter table raw.{table} add column "{name}" {data_type}')
        elif standing[name] != data_type:
            message = (
                f"raw.{table}, column {name}: the table holds {standing[name]}, the load brings {data_type}. "
                f"Rename the column in its source file, or drop raw.{table} and load it again from the lake."
            )
            raise WarehouseError(message)


def _moment(column: str, data_type: str) -> str:
    """Return a window's column as a moment.

    Compared as it is, a date would cut the bound down to a date, and a month that begins at 16:00 UTC of the day
    before would lose its last day and take its neighbour's.
    """
    return f"({column}::timestamp at time zone 'Asia/Shanghai')" if data_type == "date" else column


def _column_types(cursor: Any, table: str) -> dict[str, str]:  # noqa: ANN401 - the driver ships no types
    cursor.execute(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "  # noqa: S608
        f"where attrelid = to_regclass('{table}') and attnum > 0 and not attisdropped order by attnum"
    )
    return dict(cursor.fetchall())
