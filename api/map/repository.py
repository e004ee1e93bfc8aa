"""The rows behind a map layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from api.database import Connection
from api.marts.columns import Column, Table
from api.marts.rendering import Rendering, select_expression


def layer_rows(
    connection: Connection,
    mart: Table,
    columns: Sequence[Column],
    latest: tuple[Table, str, Sequence[Column]] | None,
) -> list[dict[str, Any]]:
    """Return one row a feature, ordered by the first column.

    Args:
        connection: the reader's.
        mart: the layer's table.
        columns: what to read of it.
        latest: a second table, the column that joins it, and what to read of it; missing rows leave nulls.
    """
    own = _subquery(mart, columns)
    query = sql.SQL("select * from {} as feature").format(own)
    if latest is not None:
        state, joined_by, state_columns = latest
        query += sql.SQL(" left join {} as state using ({})").format(
            _subquery(state, state_columns), sql.Identifier(joined_by)
        )
    query += sql.SQL(" order by {}").format(sql.Identifier(columns[0].name))
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _subquery(mart: Table, columns: Sequence[Column]) -> sql.Composed:
    chosen = sql.SQL(", ").join(select_expression(column, Rendering.JSON) for column in columns)
    return sql.SQL("(select {} from {})").format(chosen, sql.Identifier("published", mart.mart))
