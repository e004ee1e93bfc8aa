"""Connections of the API: one small pool a role, short statements, and database errors in words people understand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import adbc_driver_manager as adbc_errors
import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
import sqlalchemy as sa

from api.problems import ParkError
from lakehouse.warehouse import Role, Warehouse

Connection = psycopg.Connection[Any]

POOL_SIZE = 8
MOST_EXTRA_CONNECTIONS = 8
POOL_WAIT_S = 5
CONNECT_WAIT_S = 3
MOST_EXPORTS_AT_ONCE = 3
EXPORT_WAIT_S = 10
# Instants are rendered in UTC whatever the server's own zone is; a statement that hangs must not hold a table.
SESSION = "-c timezone=UTC -c statement_timeout=60s -c lock_timeout=20s -c application_name=park_api"
_QUERY_CANCELED = "57014"
_REPUBLISHED = ("42P01", "42703")


class UnreachableError(ParkError):
    """The warehouse does not answer."""

    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "warehouse.unreachable", "数据仓库暂不可用"


class BusyError(ParkError):
    """All connections are in use."""

    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "warehouse.busy", "数据仓库繁忙"


class TooSlowError(ParkError):
    """The database ended a statement that took too long."""

    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "query.too_slow", "查询耗时过长"


class RepublishedError(ParkError):
    """A table was replaced between two statements of one request."""

    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "mart.just_republished", "数据集刚刚重新发布"


class NotPreparedError(ParkError):
    """A table or a right of the API is missing."""

    status, code, title = HTTPStatus.SERVICE_UNAVAILABLE, "warehouse.not_prepared", "数据仓库尚未就绪"


class Database:
    """The warehouse as the API uses it; connects on first use only.

    Args:
        warehouse: addresses and passwords of the roles.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._engines: dict[Role, sa.Engine] = {}
        self._lock = threading.Lock()
        self._exports = threading.BoundedSemaphore(MOST_EXPORTS_AT_ONCE)

    @contextmanager
    def connection(self, role: Role) -> Iterator[Connection]:
        """Lend a connection that commits each statement, so that no reader blocks a publication.

        Raises:
            ParkError: the warehouse is unreachable, busy, not prepared, or ended a statement that took too long.
        """
        with _database_errors():
            lent = self._engine(role).raw_connection()
            try:
                connection = lent.driver_connection
                if not isinstance(connection, psycopg.Connection):
                    raise TypeError(f"{type(connection)}: the pool of {role} must hold psycopg connections.")
                yield connection
            finally:
                lent.close()

    @contextmanager
    def transaction(self, role: Role) -> Iterator[Connection]:
        """Lend a connection inside one transaction."""
        with self.connection(role) as connection, connection.transaction():
            yield connection

    @contextmanager
    def record_batches(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """Run a query as the reader and yield its rows in Arrow batches, a few megabytes at a time."""
        if not self._exports.acquire(timeout=EXPORT_WAIT_S):
            raise BusyError(
                f"已有 {MOST_EXPORTS_AT_ONCE} 个导出在进行。", remedy="请稍后重试。", headers={"Retry-After": "10"}
            )
        try:
            address = f"{self._warehouse.plain_url(Role.READER)}?options={quote(SESSION)}"
            with _database_errors(), adbc.connect(address) as connection, connection.cursor() as cursor:
                cursor.execute(query)
                yield cursor.fetch_record_batch()
        finally:
            self._exports.release()

    def close(self) -> None:
        """Close the pools."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _engine(self, role: Role) -> sa.Engine:
        with self._lock:
            if role not in self._engines:
                self._engines[role] = sa.create_engine(
                    self._warehouse.url(role),
                    isolation_level="AUTOCOMMIT",
                    pool_size=POOL_SIZE,
                    max_overflow=MOST_EXTRA_CONNECTIONS,
                    pool_timeout=POOL_WAIT_S,
                    pool_pre_ping=True,
                    connect_args={"options": SESSION, "connect_timeout": CONNECT_WAIT_S},
                )
            return self._engines[role]


@contextmanager
def _database_errors() -> Iterator[None]:
    """Turn what the drivers raise into problems."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise BusyError("数据仓库的连接都在使用中。", remedy="请稍后重试。", headers={"Retry-After": "5"}) from error
    except psycopg.errors.QueryCanceled as error:
        raise _too_slow() from error
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise _republished() from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotPreparedError(
            f"数据库权限不足：{error.diag.message_primary}。", remedy="请管理员运行 park prepare 后重试。"
        ) from error
    except (sa.exc.OperationalError, psycopg.OperationalError) as error:
        raise _unreachable() from error
    except adbc_errors.Error as error:
        if error.sqlstate == _QUERY_CANCELED:
            raise _too_slow() from error
        if error.sqlstate in _REPUBLISHED:
            raise _republished() from error
        raise _unreachable() from error


def _too_slow() -> ParkError:
    return TooSlowError("查询超过 60 秒，已被数据库终止。", remedy="请用筛选条件或 columns 缩小范围后重试。")


def _republished() -> ParkError:
    return RepublishedError("查询期间数据集被重新发布。", remedy="请立即重试。", headers={"Retry-After": "1"})


def _unreachable() -> ParkError:
    return UnreachableError(
        "连接不到数据仓库。", remedy="请稍后重试；持续出现时请管理员检查 PostgreSQL。", headers={"Retry-After": "5"}
    )
