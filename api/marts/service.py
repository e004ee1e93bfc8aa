"""What can be asked of published marts: the list, a data dictionary, pages of rows, files of rows."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from api.context import Context
from api.database import Connection
from api.marts import repository
from api.marts.access import Privacy, mask_kind
from api.marts.columns import Column, Table
from api.marts.errors import CursorOutdatedError, SelectionInvalidError
from api.marts.filters import column_named, conditions
from api.marts.formats import MOST_EXPORT_ROWS, File, Format, write_file
from api.marts.paging import OrderTerm, decode_cursor, encode_cursor, invalid_cursor, parse_order
from api.marts.repository import Publication
from api.marts.schemas import ColumnDescription, ColumnList, MartSummary
from lakehouse.warehouse import Role
from security.masking import mask
from semantic.catalogue import Catalogue
from semantic.compile import value_terms

DEFAULT_ROWS = 1000
MOST_ROWS = 10_000


@dataclass(frozen=True)
class RowRequest:
    """What a caller asks of one mart's rows.

    Args:
        filters: every parameter that is not one of the operation's own.
        columns: `columns=`, comma-separated.
        order: `order=`, comma-separated, `-` for descending.
        limit: `limit=`.
        after: `after=`, the page mark.
    """

    filters: Sequence[tuple[str, str]] = ()
    columns: str | None = None
    order: str | None = None
    limit: int | None = None
    after: str | None = None


@dataclass(frozen=True)
class Selection:
    """A request understood: a version of a table, and what of it is wanted."""

    publication: Publication
    table: Table
    columns: tuple[Column, ...]
    conditions: list[sql.Composed]
    order: tuple[OrderTerm, ...]
    data_origin: str | None

    def version(self) -> str:
        """Return what changes whenever any answer about this table would."""
        state = (self.table.mark, self.publication.published_at, self.publication.is_held)
        return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


@dataclass
class Origins:
    """The weakest data origin of each mart, remembered by the version of its table."""

    known: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def of(self, connection: Connection, table: Table) -> str | None:
        """Return the weakest origin among a mart's rows."""
        mark, origin = self.known.get(table.mart, ("", None))
        if mark != table.mark:
            origin = repository.worst_origin(connection, table)
            self.known[table.mart] = (table.mark, origin)
        return origin


def list_marts(context: Context) -> list[MartSummary]:
    """Return every published mart with its labels, grain and age."""
    with context.database.connection(Role.READER) as connection:
        found = repository.publications(connection)
    labels = context.catalogue.vocabulary.marts
    return [
        MartSummary(
            mart=each.mart,
            label_zh=labels[each.mart].zh if each.mart in labels else None,
            label_en=labels[each.mart].en if each.mart in labels else None,
            group=each.group,
            grain=each.description,
            row_count=each.row_count,
            published_at=each.published_at,
            data_until=each.data_until,
            is_held=each.is_held,
            held_since=each.held_since,
            held_reason=each.held_reason,
        )
        for each in found
    ]


def describe_columns(context: Context, mart: str) -> ColumnList:
    """Return the data dictionary of a mart.

    Raises:
        MartUnknownError: none of this name is published.
    """
    with context.database.connection(Role.READER) as connection:
        repository.publication(connection, mart)
        table = repository.table(connection, mart)
    return ColumnList(
        mart=mart,
        key=list(table.key),
        columns=[_describe(context.catalogue, column) for column in table.columns],
    )


def select(context: Context, connection: Connection, origins: Origins, mart: str, request: RowRequest) -> Selection:
    """Understand a request against the table that is published now.

    Raises:
        ParkError: unknown mart or column, a filter or an order that cannot be used.
    """
    publication = repository.publication(connection, mart)
    table = repository.table(connection, mart)
    return Selection(
        publication,
        table,
        _chosen(table, request.columns),
        conditions(table, request.filters),
        parse_order(table, request.order),
        origins.of(connection, table),
    )


def read_page(
    connection: Connection, selection: Selection, request: RowRequest
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the rows of one page, ready for JSON, and the mark of the next page.

    Raises:
        SelectionInvalidError: the limit is out of range.
        CursorInvalidError, CursorOutdatedError: the page mark cannot be used.
    """
    limit = _limit(request.limit, DEFAULT_ROWS, MOST_ROWS)
    table, order = selection.table, selection.order
    position = decode_cursor(table, order, request.after) if request.after is not None else None
    try:
        page = repository.page(
            connection,
            table,
            columns=selection.columns,
            conditions=selection.conditions,
            order=order,
            position=position,
            limit=limit,
        )
    except psycopg.DataError as error:
        if position is None:
            raise
        raise invalid_cursor("含有无法识别的内容") from error
    if position is not None and page.oids - {table.oid}:
        raise CursorOutdatedError(table.mart)
    names = [column.name for column in selection.columns]
    masks = [(index, mask_kind(name)) for index, name in enumerate(names) if _is_masked(selection.columns[index])]
    rows = [dict(zip(names, row, strict=True)) for row in page.rows]
    for index, kind in masks:
        for row in rows:
            if kind is not None and row[names[index]] is not None:
                row[names[index]] = mask(row[names[index]], kind)
    return rows, encode_cursor(table, order, page.last) if page.last is not None else None


def write_rows(
    context: Context, selection: Selection, request: RowRequest, *, target: Format, with_byte_order_mark: bool
) -> File:
    """Write all rows that a request asks for into a file.

    Raises:
        SelectionInvalidError: a page mark or a limit that files do not take.
        ExportTooLargeError: there are too many rows.
    """
    if request.after is not None:
        raise SelectionInvalidError(
            "参数 after：文件格式（CSV、Parquet、Arrow）不分页。", remedy="请去掉 after，一次取全。", parameter="after"
        )
    # One row more than a file may hold, so that too many are noticed; a limit below that is what was asked for.
    limit = MOST_EXPORT_ROWS + 1 if request.limit is None else _limit(request.limit, DEFAULT_ROWS, MOST_EXPORT_ROWS)
    publication = selection.publication
    facts = {
        "mart": publication.mart,
        "published_at": publication.published_at.isoformat(),
        "data_until": publication.data_until.isoformat() if publication.data_until else "",
        "data_origin": selection.data_origin or "",
    }
    with context.database.connection(Role.READER) as connection:
        query = repository.export_query(
            connection,
            selection.table,
            columns=selection.columns,
            conditions=selection.conditions,
            order=selection.order,
            limit=limit,
            rendering=target.rendering,
        )
    with context.database.record_batches(query) as reader:
        return write_file(
            reader,
            columns=selection.columns,
            target=target,
            with_byte_order_mark=with_byte_order_mark,
            facts=facts,
        )


def to_json(content: object) -> bytes:
    """Render an answer; JSON has no infinities, so they are missing values there."""
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    except ValueError:
        text = json.dumps(_finite(content), ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode()


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _chosen(table: Table, text: str | None) -> tuple[Column, ...]:
    if text is None:
        return tuple(table.by_name.values())
    names: Iterable[str] = dict.fromkeys(name.strip() for name in text.split(","))
    return tuple(column_named(table, name, parameter="columns", may_be_masked=True) for name in names)


def _limit(given: int | None, default: int, most: int) -> int:
    limit = default if given is None else given
    if not 1 <= limit <= most:
        raise SelectionInvalidError(
            f"参数 limit：{limit} 不在 1 至 {most} 之间。",
            remedy="请改小 limit 并沿 next 链接翻页；大批量数据请用 format=parquet。",
            parameter="limit",
        )
    return limit


def _is_masked(column: Column) -> bool:
    return column.privacy is Privacy.MASKED


def _describe(catalogue: Catalogue, column: Column) -> ColumnDescription:
    term = catalogue.vocabulary.columns.get(column.name)
    terms = value_terms(catalogue, column.name)
    return ColumnDescription(
        name=column.name,
        type=column.data_type,
        unit=term.unit if term else None,
        unit_symbol=catalogue.symbol(term.unit) if term and term.unit else None,
        label_zh=term.zh if term else None,
        label_en=term.en if term else None,
        is_nullable=column.is_nullable,
        privacy=column.privacy,
        values=[item.model_dump(exclude_none=True) for item in terms.items] if terms else None,
        description=column.comment,
    )
