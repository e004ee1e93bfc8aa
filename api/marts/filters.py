"""Filters of a query string (`zone_id=Z1`, `measured_at__gte=2026-03-01`) as SQL conditions over known columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from psycopg import sql

from api.marts.access import Privacy
from api.marts.columns import Column, Family, Table
from api.marts.errors import ColumnUnknownError, ColumnWithheldError, FilterInvalidError
from lakehouse.settings import PARK_TIME_ZONE

COMPARISONS = {"eq": "=", "gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}
OPERATORS = (*COMPARISONS, "in", "is_null")
MOST_FILTERS = 100
MOST_VALUES = 1000
_TRUE, _FALSE = frozenset({"true", "t", "1"}), frozenset({"false", "f", "0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,38}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
# A plus sign that was not escaped arrives as a blank: `2026-03-01T08:00:00 08:00`.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")
_LARGEST_EXPONENT = 300
_MOST_DIGITS = 400


def conditions(table: Table, parameters: Iterable[tuple[str, str]]) -> list[sql.Composed]:
    """Return one SQL condition for every filter of a query string; all of them must hold.

    Args:
        table: the table; only its columns can be named.
        parameters: name and value of every parameter that is not one of the operation's own.

    Raises:
        ColumnUnknownError: a filter names no column.
        ColumnWithheldError: it names a personal column.
        FilterInvalidError: unknown operator, value of another type, one column asked to equal two values.
    """
    found: list[sql.Composed] = []
    lists: dict[str, list[str]] = {}
    equals: set[str] = set()
    parameters = list(parameters)
    if len(parameters) > MOST_FILTERS:
        raise FilterInvalidError(
            f"筛选条件多达 {len(parameters)} 项。", remedy=f"一次最多 {MOST_FILTERS} 项，多个取值请用 字段__in=甲,乙。"
        )
    for parameter, value in parameters:
        column, operator = _resolve(table, parameter)
        if operator == "in":
            lists.setdefault(column.name, []).append(value)
            continue
        if operator == "is_null":
            negation = sql.SQL("null") if _boolean(column, parameter, value) else sql.SQL("not null")
            found.append(sql.SQL("{} is {}").format(sql.Identifier(column.name), negation))
            continue
        if operator == "eq":
            if column.name in equals:
                raise FilterInvalidError(
                    f"参数 {parameter} 出现多次，一个字段不能同时等于多个值。",
                    remedy=f"请改写为 {column.name}__in=甲,乙。",
                    parameter=parameter,
                )
            equals.add(column.name)
        comparison = sql.SQL("{} " + COMPARISONS[operator] + " {}")
        found.append(comparison.format(sql.Identifier(column.name), literal(column, parameter, value)))
    for name, texts in lists.items():
        found.append(_membership(table.by_name[name], texts))
    return found


def column_named(table: Table, name: str, *, parameter: str, may_be_masked: bool = False) -> Column:
    """Return a column that a parameter names.

    Raises:
        ColumnUnknownError: the table has none of this name.
        ColumnWithheldError: it is personal, and the use asks for clear values.
    """
    if name in table.withheld:
        raise ColumnWithheldError(table.mart, name, parameter=parameter)
    column = table.by_name.get(name)
    if column is None:
        raise ColumnUnknownError(table.mart, name, table.by_name, parameter=parameter)
    if column.privacy is Privacy.MASKED and not may_be_masked:
        raise ColumnWithheldError(table.mart, name, parameter=parameter)
    return column


def literal(column: Column, parameter: str, value: str) -> sql.Literal:
    """Return a value of a column's type.

    Raises:
        FilterInvalidError: the text is no value of this type.
    """
    parse, expected = _READERS.get(column.family, (None, ""))
    if parse is None:
        raise FilterInvalidError(
            f"参数 {parameter}：字段 {column.name} 的类型 {column.data_type} 不能按值筛选。",
            remedy=f"该字段只支持 {column.name}__is_null=true 或 false。",
            parameter=parameter,
            column=column.name,
        )
    try:
        return sql.Literal(parse(value))
    except (ValueError, InvalidOperation, OverflowError):
        shown = value if len(value) <= 60 else f"{value[:60]}…"
        raise FilterInvalidError(
            f"参数 {parameter}：“{shown}”不是有效的{expected}（字段 {column.name}，类型 {column.data_type}）。",
            remedy=f"请给出{expected}；要找缺失值请用 {column.name}__is_null=true。",
            parameter=parameter,
            column=column.name,
        ) from None


def _resolve(table: Table, parameter: str) -> tuple[Column, str]:
    """Split `column__operator`; a column's own name wins over an operator in it."""
    if parameter in table.by_name or parameter in table.withheld:
        return column_named(table, parameter, parameter=parameter), "eq"
    name, separator, operator = parameter.rpartition("__")
    if not separator:
        return column_named(table, parameter, parameter=parameter), "eq"
    column = column_named(table, name, parameter=parameter)
    if operator not in OPERATORS:
        raise FilterInvalidError(
            f"参数 {parameter}：没有运算符 {operator}。",
            remedy=f"可用的运算符：{'、'.join(OPERATORS)}。",
            parameter=parameter,
            available=list(OPERATORS),
        )
    return column, operator


def _membership(column: Column, texts: Sequence[str]) -> sql.Composed:
    """Return the condition that a column holds one of the values; a value with a comma is written in quotes."""
    parameter = f"{column.name}__in"
    values = [value for row in csv.reader(texts, strict=False) for value in row]
    if not values or len(values) > MOST_VALUES:
        raise FilterInvalidError(
            f"参数 {parameter} 给出了 {len(values)} 个值。",
            remedy=f"请给出 1 至 {MOST_VALUES} 个以逗号分隔的值。",
            parameter=parameter,
        )
    literals = sql.SQL(", ").join(literal(column, parameter, value) for value in values)
    return sql.SQL("{} in ({})").format(sql.Identifier(column.name), literals)


def _boolean(column: Column, parameter: str, value: str) -> bool:
    try:
        return _read_boolean(value)
    except ValueError:
        raise FilterInvalidError(
            f"参数 {parameter}：“{value[:60]}”不是 true 或 false。",
            remedy="请写 true（缺失）或 false（有值）。",
            parameter=parameter,
            column=column.name,
        ) from None


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _read_number(text: str) -> Decimal:
    if len(text) > _MOST_DIGITS or not _NUMBER.fullmatch(text):
        raise ValueError(text)
    number = Decimal(text)
    if number and abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(text)
    return number


def _read_boolean(text: str) -> bool:
    folded = text.strip().lower()
    if folded not in _TRUE | _FALSE:
        raise ValueError(text)
    return folded in _TRUE


def _read_instant(text: str) -> datetime:
    moment = datetime.fromisoformat(_LOST_PLUS.sub("+", text))
    # A time without a zone is the park's own clock, as everywhere on the platform.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=PARK_TIME_ZONE)


def _read_timestamp(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError(text)
    return moment


def _read_text(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    text.encode("utf-8")
    return text


_READERS: dict[Family, tuple[Callable[[str], object], str]] = {
    Family.INTEGER: (_read_integer, "整数"),
    Family.NUMBER: (_read_number, "数字"),
    Family.BOOLEAN: (_read_boolean, "布尔值（true 或 false）"),
    Family.DATE: (date.fromisoformat, "日期（如 2026-03-01）"),
    Family.INSTANT: (_read_instant, "时间（如 2026-03-01T08:00:00+08:00，不写时区按北京时间）"),
    Family.TIMESTAMP: (_read_timestamp, "不带时区的时间（如 2026-03-01T08:00:00）"),
    Family.TEXT: (_read_text, "文本"),
    Family.UUID: (UUID, "UUID"),
}
