"""SQLite database files as bytes: the same tables and rows give the same file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, create_engine, insert
from sqlalchemy.pool import StaticPool

ColumnType = Literal["text", "integer", "real"]
Cell = str | int | float | None

_TYPES: dict[ColumnType, type[String | Integer | Float[float]]] = {"text": String, "integer": Integer, "real": Float}


@dataclass(frozen=True)
class TableImage:
    """A table: columns with their types, the names of the key columns, rows in the order of the columns."""

    name: str
    columns: dict[str, ColumnType]
    key: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


def database_image(tables: Sequence[TableImage]) -> bytes:
    """Return the bytes of a SQLite database that holds these tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata = MetaData()
    try:
        with engine.begin() as connection:
            for image in tables:
                columns = [
                    Column(name, _TYPES[kind], primary_key=name in image.key) for name, kind in image.columns.items()
                ]
                table = Table(image.name, metadata, *columns)
                table.create(connection)
                if image.rows:
                    rows = [dict(zip(image.columns, row, strict=True)) for row in image.rows]
                    connection.execute(insert(table), rows)
        with engine.connect() as connection:
            driver_connection = connection.connection.driver_connection
            if not isinstance(driver_connection, sqlite3.Connection):
                raise TypeError(f"SQLite image: the driver is {type(driver_connection).__name__}, expected sqlite3.")
            return driver_connection.serialize()
    finally:
        engine.dispose()
