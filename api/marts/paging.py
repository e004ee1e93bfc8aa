"""Stable order and keyset pages over a published table.

Published tables are replaced whole and never changed in place, so the place of a row (`ctid`) is a tie-breaker that
costs nothing and makes any order total. A page mark carries the version of the table it was made for: when the mart
is published anew between two pages, the next page is refused instead of mixing two versions.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from api.marts.columns import Column, Family, Table
from api.marts.errors import CursorInvalidError, CursorOutdatedError, SelectionInvalidError
from api.marts.filters import column_named


@dataclass(frozen=True)
class OrderTerm:
    """One column of an order; missing values come last in both directions."""

    column: Column
    is_descending: bool = False

    @property
    def text(self) -> str:
        """How people write the term."""
        return f"-{self.column.name}" if self.is_descending else self.column.name


@dataclass(frozen=True)
class Position:
    """The last row of a page: the texts of its order columns, and its place."""

    values: tuple[str | None, ...]
    place: str


def parse_order(table: Table, text: str | None) -> tuple[OrderTerm, ...]:
    """Return the order that a request asks for (`-aqi,station_id`), else that of the table's key.

    Raises:
        ColumnUnknownError, ColumnWithheldError: a term names no column, or a personal one.
        SelectionInvalidError: a column stands twice or cannot be ordered.
    """
    if text is None:
        return tuple(OrderTerm(table.by_name[name]) for name in table.key if name in table.by_name)
    terms: list[OrderTerm] = []
    for part in text.split(","):
        name = part.strip()
        column = column_named(table, name.removeprefix("-"), parameter="order")
        if column.family is Family.OTHER or any(term.column == column for term in terms):
            why = "不能排序" if column.family is Family.OTHER else "重复出现"
            raise SelectionInvalidError(
                f"参数 order：字段 {column.name} {why}。", remedy="请从 order 中去掉它。", parameter="order"
            )
        terms.append(OrderTerm(column, is_descending=name.startswith("-")))
    return tuple(terms)


def order_by(order: Sequence[OrderTerm], place: str = "ctid") -> sql.Composed:
    """Return the ORDER BY clause over the table `mart`, ending in the place of the row.

    Columns are named with their table: a bare name would mean the selected text of an instant, not the instant.

    Args:
        order: the columns.
        place: under which name the table carries the place of a row.
    """
    terms = [
        sql.SQL("{} desc nulls last" if term.is_descending else "{} asc nulls last").format(
            sql.Identifier("mart", term.column.name)
        )
        for term in order
    ]
    return sql.SQL("order by {}").format(sql.SQL(", ").join([*terms, sql.Identifier("mart", place)]))


def after(order: Sequence[OrderTerm], position: Position) -> sql.Composed:
    """Return the condition that a row stands behind a position in this order."""
    place = sql.SQL("{}::tid").format(sql.Literal(position.place))
    if all(not term.is_descending and not term.column.is_nullable for term in order):
        # One comparison of rows, which an index over the order columns answers.
        names = sql.SQL(", ").join([*(sql.Identifier(term.column.name) for term in order), sql.SQL("ctid")])
        values = sql.SQL(", ").join([*map(_value, order, position.values), place])
        return sql.SQL("({}) > ({})").format(names, values)
    condition = sql.SQL("ctid > {}").format(place)
    for term, text in reversed(list(zip(order, position.values, strict=True))):
        name, value = sql.Identifier(term.column.name), _value(term, text)
        if text is None:
            condition = sql.SQL("({0} is null and {1})").format(name, condition)
        else:
            sign = "<" if term.is_descending else ">"
            condition = sql.SQL("({0} " + sign + " {1} or {0} is null or ({0} = {1} and {2}))").format(
                name, value, condition
            )
    return condition


def encode_cursor(table: Table, order: Sequence[OrderTerm], position: Position) -> str:
    """Return the page mark that leads on from a position."""
    content = [table.mark, ",".join(term.text for term in order), list(position.values), position.place]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def decode_cursor(table: Table, order: Sequence[OrderTerm], cursor: str) -> Position:
    """Return the position of a page mark.

    Raises:
        CursorInvalidError: it is none of ours, or was made for another order.
        CursorOutdatedError: the mart was published anew since.
    """
    try:
        content = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        mark, order_text, values, place = content
        texts = tuple(None if value is None else _text(value) for value in values)
        position = Position(texts, _text(place))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise invalid_cursor("不是本接口给出的标记") from error
    if order_text != ",".join(term.text for term in order) or len(texts) != len(order):
        raise invalid_cursor("不是按这个 order 取得的")
    if mark != table.mark:
        raise CursorOutdatedError(table.mart)
    return position


def invalid_cursor(why: str) -> CursorInvalidError:
    """Return the refusal of a page mark."""
    return CursorInvalidError(
        f"参数 after 的值{why}。", remedy="请原样使用上一页返回的 next 链接，或从第一页重新读取。", parameter="after"
    )


def _value(term: OrderTerm, text: str | None) -> sql.Composed:
    return sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(term.column.data_type))


def _text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise TypeError(f"{value!r} is no text")
    return value
