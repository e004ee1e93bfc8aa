"""SQL over schema `published` and its ledger; the only place of the API that reads marts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from api.database import Connection
from api.marts.columns import Column, Table
from api.marts.errors import MartUnknownError
from api.marts.paging import OrderTerm, Position, after, order_by
from api.marts.rendering import Rendering, select_expression

_LEDGER_EXISTS = "select to_regclass('published.publications') is not null"
_LEDGER = """
select p.mart_name, p.mart_group, obj_description(c.oid, 'pg_class'), p.row_count, p.published_at, p.data_until,
    p.is_held, p.held_since, p.held_reason
from published.publications as p
inner join pg_class as c on c.oid = to_regclass(format('published.%%I', p.mart_name))
    and c.relkind in ('r', 'p', 'v', 'm')
where %(mart)s::text is null or p.mart_name = %(mart)s
order by p.mart_group, p.mart_name
"""
_COLUMNS = """
select c.oid::bigint, c.oid || '.' || coalesce(pg_relation_filenode(c.oid), 0),
    a.attname, t.typname, format_type(a.atttypid, a.atttypmod), not a.attnotnull, col_description(c.oid, a.attnum)
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
inner join pg_type as t on t.oid = a.atttypid
where c.oid = to_regclass(format('published.%%I', %s::text))
order by a.attnum
"""
_KEY = """
select a.attname
from pg_index as i
cross join lateral unnest(i.indkey) with ordinality as k(attnum, position)
inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indexrelid = (
    select indexrelid from pg_index
    where indrelid = %s::oid and indisunique and indisvalid and indpred is null and indexprs is null
    order by indisprimary desc, indexrelid limit 1
)
order by k.position
"""

# Names that no column of ours can have: the place of a row, and the table it was read from.
_PLACE, _OID = "#place", "#table"


@dataclass(frozen=True)
class Publication:
    """One line of the ledger: a mart as it stands published."""

    mart: str
    group: str
    description: str | None
    row_count: int
    published_at: datetime
    data_until: datetime | None
    is_held: bool
    held_since: datetime | None
    held_reason: str | None


@dataclass(frozen=True)
class Page:
    """Rows of one page; `last` is the position of the last one when more rows follow."""

    rows: list[tuple[Any, ...]]
    last: Position | None
    oids: frozenset[int]


def publications(connection: Connection) -> list[Publication]:
    """Return every published mart; none before the first publication."""
    if not _value(connection, _LEDGER_EXISTS):
        return []
    return [Publication(*row) for row in connection.execute(_LEDGER, {"mart": None})]


def publication(connection: Connection, mart: str) -> Publication:
    """Return one published mart.

    Raises:
        MartUnknownError: none of this name is published.
    """
    row = None
    if _value(connection, _LEDGER_EXISTS) and "\x00" not in mart:
        row = connection.execute(_LEDGER, {"mart": mart}).fetchone()
    if row is None:
        raise MartUnknownError(mart, [known.mart for known in publications(connection)])
    return Publication(*row)


def table(connection: Connection, mart: str) -> Table:
    """Return the columns and the key of a published mart.

    Raises:
        MartUnknownError: its table has gone.
    """
    rows = connection.execute(_COLUMNS, (mart,)).fetchall()
    if not rows:
        raise MartUnknownError(mart, [known.mart for known in publications(connection)])
    oid, mark = rows[0][:2]
    key = tuple(row[0] for row in connection.execute(_KEY, (oid,)))
    return Table(mart, mark, oid, tuple(Column(*row[2:]) for row in rows), key)


def worst_origin(connection: Connection, mart: Table) -> str | None:
    """Return the weakest origin among a mart's rows; `measured < replayed < simulated` is the alphabet's order."""
    if "data_origin" not in mart.by_name:
        return None
    query = sql.SQL("select max(data_origin) from {}").format(sql.Identifier("published", mart.mart))
    origin: str | None = _value(connection, query)
    return origin


def page(
    connection: Connection,
    mart: Table,
    *,
    columns: Sequence[Column],
    conditions: Sequence[sql.Composed],
    order: Sequence[OrderTerm],
    position: Position | None,
    limit: int,
) -> Page:
    """Return at most `limit` rows behind a position."""
    chosen = [select_expression(column, Rendering.JSON) for column in columns]
    marks: list[sql.Composable] = [sql.SQL("{}::text").format(sql.Identifier(term.column.name)) for term in order]
    marks += [sql.SQL("{}::text").format(sql.Identifier(_PLACE)), sql.SQL("{}::bigint").format(sql.Identifier(_OID))]
    behind = [after(order, position)] if position is not None else []
    query = _select(
        mart,
        columns=columns,
        chosen=[*chosen, *marks],
        conditions=[*conditions, *behind],
        order=order,
        limit=limit + 1,
    )
    rows = connection.execute(query).fetchall()
    width = len(chosen)
    last = None
    if len(rows) > limit:
        rows = rows[:limit]
        *values, place, _ = rows[-1][width:]
        last = Position(tuple(values), place)
    return Page([row[:width] for row in rows], last, frozenset(row[-1] for row in rows))


def export_query(
    connection: Connection,
    mart: Table,
    *,
    columns: Sequence[Column],
    conditions: Sequence[sql.Composed],
    order: Sequence[OrderTerm],
    limit: int,
    rendering: Rendering,
) -> str:
    """Return the text of the query that a file is made from; values stand in it, quoted by the driver."""
    chosen = [select_expression(column, rendering) for column in columns]
    query = _select(mart, columns=columns, chosen=chosen, conditions=conditions, order=order, limit=limit)
    return query.as_string(connection)


def _select(
    mart: Table,
    *,
    columns: Sequence[Column],
    chosen: Sequence[sql.Composable],
    conditions: Sequence[sql.Composable],
    order: Sequence[OrderTerm],
    limit: int,
) -> sql.Composed:
    """Return a query in two steps: choose rows by their stored values, then render those that were chosen.

    Rendered in one step, every row of the table would be turned into text before the first ones are picked.
    """
    needed = dict.fromkeys([*(column.name for column in columns), *(term.column.name for term in order)])
    stored: list[sql.Composable] = [sql.Identifier(name) for name in needed]
    stored += [
        sql.SQL("{} as {}").format(sql.Identifier(hidden), sql.Identifier(name))
        for hidden, name in (("ctid", _PLACE), ("tableoid", _OID))
    ]
    where = sql.SQL(" where {}").format(sql.SQL(" and ").join(conditions)) if conditions else sql.SQL("")
    rows = sql.SQL("select {} from {} as mart{} {} limit {}").format(
        sql.SQL(", ").join(stored),
        sql.Identifier("published", mart.mart),
        where,
        order_by(order),
        sql.Literal(limit),
    )
    return sql.SQL("select {} from ({}) as mart {}").format(
        sql.SQL(", ").join(chosen), rows, order_by(order, place=_PLACE)
    )


def _value(connection: Connection, query: str | sql.Composed) -> Any:  # noqa: ANN401 - whatever the query selects
    row = connection.execute(query).fetchone()
    return row[0] if row else None
