"""Publishing: trusted marts are copied to `published`, the only schema that readers see.

One transaction per group swaps every table of the group that changed; readers see the old group or the new one, never
a mixture. A group whose checks failed is not touched: its last good tables stand, marked with their age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from lakehouse.warehouse import Role, Warehouse
from quality.suites import Suite

LEDGER = """
create table if not exists published.publications (
    mart_name text primary key,
    mart_group text not null,
    published_at timestamptz not null,
    data_until timestamptz,
    row_count bigint not null,
    fingerprint text not null,
    run_id text not null,
    is_held boolean not null default false,
    held_since timestamptz,
    held_reason text
);
comment on table published.publications is
    'One row per published mart: when it was published, up to when its data reach, whether newer data are held. '
    '每个已发布数据集一行：发布时间、数据截止时间、是否有未通过校核而暂缓的新数据。';
create table if not exists ops.publications (
    mart_name text not null,
    published_at timestamptz not null,
    data_until timestamptz,
    row_count bigint not null,
    fingerprint text not null,
    run_id text not null
);
"""

# What readers see of a table besides its rows: columns, their types and descriptions, its own description, its indexes.
SHAPE = """
select md5(concat(
    (select string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)),
                       ',' order by attnum)
     from pg_attribute where attrelid = to_regclass(%(mart)s) and attnum > 0 and not attisdropped),
    obj_description(to_regclass(%(mart)s), 'pg_class'),
    (select string_agg(definition, ',' order by definition)
     from (select regexp_replace(pg_get_indexdef(indexrelid), '^.* USING', indisunique::text) as definition
           from pg_index where indrelid = to_regclass(%(mart)s)) as indexes)
))
"""


@dataclass(frozen=True)
class Publication:
    """What happened to one mart."""

    mart: str
    changed: bool
    row_count: int
    data_until: datetime | None


def publish_group(
    warehouse: Warehouse, suites: Sequence[Suite], *, published_at: datetime, run_id: str
) -> list[Publication]:
    """Copy the marts of one group to `published`; a mart whose rows did not change keeps its table.

    Args:
        warehouse: the warehouse.
        suites: the suites of one group, whose checks have passed.
        published_at: the moment that readers will see.
        run_id: the run that publishes, kept for the trace.
    """
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute(LEDGER)
        publications = [_prepare(connection, suite) for suite in suites]
        for suite, (publication, fingerprint) in zip(suites, publications, strict=True):
            if publication.changed:
                _swap(connection, suite.mart)
            values = (
                suite.mart,
                suite.group,
                published_at,
                publication.data_until,
                publication.row_count,
                fingerprint,
                run_id,
            )
            _record(connection, values, changed=publication.changed)
    return [publication for publication, _ in publications]


def hold_group(warehouse: Warehouse, suites: Sequence[Suite], *, held_at: datetime, reason: str) -> None:
    """Mark the published marts of a group as held back since `held_at`; the tables themselves stay as they are."""
    with warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute(LEDGER)
        connection.execute(
            "update published.publications set is_held = true, held_since = coalesce(held_since, %s), "
            "held_reason = %s where mart_name = any(%s)",
            (held_at, reason, [suite.mart for suite in suites]),
        )


def _prepare(connection: psycopg.Connection[Any], suite: Suite) -> tuple[Publication, str]:
    """Compare the mart with what is published; where it differs, copy it beside, ready for the swap."""
    mart = sql.Identifier("marts", suite.mart)
    until = _data_until(connection, suite)
    query = sql.SQL(
        "select count(*), {until}, "
        "count(*) || ':' || coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0) from {mart} as t"
    )
    row = connection.execute(query.format(until=until, mart=mart)).fetchone()
    if row is None:  # an aggregate without grouping always returns a row
        message = f"marts.{suite.mart}: cannot be counted."
        raise RuntimeError(message)
    row_count, data_until, rows_fingerprint = row
    shape = connection.execute(SHAPE, {"mart": f"marts.{suite.mart}"}).fetchone()
    fingerprint = f"{rows_fingerprint}:{shape[0] if shape else ''}"
    standing = connection.execute(
        "select fingerprint from published.publications where mart_name = %s and to_regclass(%s) is not null",
        (suite.mart, f"published.{suite.mart}"),
    ).fetchone()
    changed = standing is None or standing[0] != fingerprint
    if changed:
        following = sql.Identifier("published", f"{suite.mart}__next")
        connection.execute(sql.SQL("drop table if exists {}").format(following))
        connection.execute(sql.SQL("create table {} (like {} including all)").format(following, mart))
        connection.execute(sql.SQL("insert into {} select * from {}").format(following, mart))
        _copy_comment(connection, suite.mart)
    return Publication(suite.mart, changed, row_count, data_until), fingerprint


def _data_until(connection: psycopg.Connection[Any], suite: Suite) -> sql.Composable:
    """Return the expression of the moment up to which a mart's data reach; a business date reaches to its midnight."""
    if suite.time_column is None:
        return sql.SQL("null::timestamptz")
    column = sql.Identifier(suite.time_column)
    is_date = connection.execute(
        "select data_type = 'date' from information_schema.columns "
        "where table_schema = 'marts' and table_name = %s and column_name = %s",
        (suite.mart, suite.time_column),
    ).fetchone()
    if is_date and is_date[0]:
        return sql.SQL("(max({}) + 1)::timestamp at time zone 'Asia/Shanghai'").format(column)
    return sql.SQL("max({})").format(column)


def _copy_comment(connection: psycopg.Connection[Any], mart: str) -> None:
    row = connection.execute("select obj_description(to_regclass(%s))", (f"marts.{mart}",)).fetchone()
    if row and row[0]:
        table = sql.Identifier("published", f"{mart}__next")
        connection.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(row[0])))


def _swap(connection: psycopg.Connection[Any], mart: str) -> None:
    connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier("published", mart)))
    connection.execute(
        sql.SQL("alter table {} rename to {}").format(
            sql.Identifier("published", f"{mart}__next"), sql.Identifier(mart)
        )
    )


def _record(connection: psycopg.Connection[Any], values: tuple[Any, ...], *, changed: bool) -> None:
    connection.execute(
        "insert into published.publications (mart_name, mart_group, published_at, data_until, row_count, fingerprint, "
        "run_id) values (%s, %s, %s, %s, %s, %s, %s) on conflict (mart_name) do update set "
        "published_at = excluded.published_at, data_until = excluded.data_until, row_count = excluded.row_count, "
        "fingerprint = excluded.fingerprint, run_id = excluded.run_id, is_held = false, held_since = null, "
        "held_reason = null",
        values,
    )
    if changed:
        mart, _, published_at, data_until, row_count, fingerprint, run_id = values
        connection.execute(
            "insert into ops.publications values (%s, %s, %s, %s, %s, %s)",
            (mart, published_at, data_until, row_count, fingerprint, run_id),
        )
