"""Databases of source systems: any SQLAlchemy address, opened for reading only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

ROWS_AT_ONCE = 5_000
# What makes a transaction read-only where the driver has no option for it.
_READ_ONLY_STATEMENTS = {
    "mysql": "set transaction read only",
    "mariadb": "set transaction read only",
    "oracle": "set transaction read only",
}


class SourceDatabaseMissingError(FileNotFoundError):
    """The file of a source's SQLite database does not exist; opening it would make an empty one."""


def source_url(address: str, password: str | None = None) -> sa.URL:
    """Return the address as a URL; a SQLite file is opened read-only, so nothing we do can change or create it.

    Args:
        address: any SQLAlchemy URL; the driver should be named (postgresql+psycopg, oracle+oracledb …).
        password: the password, kept apart from the address.

    Raises:
        sqlalchemy.exc.ArgumentError: the address is no URL.
        SourceDatabaseMissingError: it is a SQLite file that does not exist.
    """
    url = sa.make_url(address)
    if password is not None:
        url = url.set(password=password)
    if url.get_backend_name() != "sqlite" or url.database is None or url.database.startswith("file:"):
        return url
    path = Path(url.database)
    if not path.is_file():
        raise SourceDatabaseMissingError(str(path))
    return url.set(database=path.resolve().as_uri(), query={"mode": "ro", "uri": "true"})


@contextmanager
def open_source(url: sa.URL) -> Iterator[sa.Connection]:
    """Open one read-only transaction on a source's database and roll it back at the end.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database does not answer, or refuses us.
    """
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    dialect = engine.dialect.name
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    if dialect == "postgresql":
        options["postgresql_readonly"] = True
    try:
        with engine.connect().execution_options(**options) as connection:
            if statement := _READ_ONLY_STATEMENTS.get(dialect):
                connection.execute(sa.text(statement))
            yield connection
            connection.rollback()
    finally:
        engine.dispose()
