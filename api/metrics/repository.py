"""The query of a metric's values: the aggregate of the semantic layer over one published mart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from api.database import Connection
from api.marts.columns import Column, Table
from api.marts.rendering import Rendering, select_expression


def grouped_values(
    connection: Connection,
    mart: Table,
    *,
    expression: str,
    by: Sequence[Column],
    conditions: Sequence[sql.Composable],
    limit: int,
    offset: int,
) -> list[tuple[Any, ...]]:
    """Return one row a group: its columns, the value, the weakest data origin; ordered by the groups.

    Args:
        connection: the reader's.
        mart: the published table.
        expression: the metric's aggregate, from the semantic layer and checked there.
        by: columns to group by; none for one value over all rows.
        conditions: what rows must fulfil.
        limit: how many groups at most.
        offset: how many groups to pass over.
    """
    names = [sql.Identifier("mart", column.name) for column in by]
    origin = sql.SQL("max(mart.data_origin)" if "data_origin" in mart.by_name else "null::text")
    # to_json writes any result, also an exact number or a time, as JSON would.
    # The text is no placeholder for values: it is our own SQL, which no caller can change.
    value = sql.SQL("to_json({})").format(sql.SQL(expression))
    chosen = [*(select_expression(column, Rendering.JSON) for column in by), value, origin]
    where = sql.SQL(" where {}").format(sql.SQL(" and ").join(conditions)) if conditions else sql.SQL("")
    group = sql.SQL(" group by {0} order by {0}").format(sql.SQL(", ").join(names)) if names else sql.SQL("")
    query = sql.SQL("select {} from {} as mart{}{} limit {} offset {}").format(
        sql.SQL(", ").join(chosen),
        sql.Identifier("published", mart.mart),
        where,
        group,
        sql.Literal(limit),
        sql.Literal(offset),
    )
    return connection.execute(query).fetchall()
