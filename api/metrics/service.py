"""What can be asked of metrics: the list, and values by group and period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from psycopg import sql

from api.context import Context
from api.database import Connection
from api.marts import repository as marts
from api.marts.columns import Column, Family, Table
from api.marts.errors import SelectionInvalidError
from api.marts.filters import column_named, conditions
from api.marts.repository import Publication
from api.metrics import repository
from api.metrics.errors import MetricNotOverMartError, MetricUnknownError, PeriodInvalidError
from api.metrics.schemas import MetricDescription
from lakehouse.settings import PARK_TIME_ZONE
from semantic.catalogue import Metric
from semantic.compile import metric_list

DEFAULT_GROUPS = 1000
MOST_GROUPS = 10_000
MOST_OFFSET = 10_000_000
# The column that a period applies to, the first that a mart has.
_TIME_COLUMNS = ("business_date", "measured_at", "opened_at", "period_month", "business_month")


@dataclass(frozen=True)
class ValueRequest:
    """What a caller asks of one metric's values; `until` is a day that still counts."""

    by: str | None = None
    since: date | None = None
    until: date | None = None
    mart: str | None = None
    filters: Sequence[tuple[str, str]] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class Values:
    """One page of a metric's values."""

    metric: Metric
    publication: Publication
    by: tuple[str, ...]
    values: list[dict[str, Any]]
    has_more: bool


def list_metrics(context: Context) -> list[MetricDescription]:
    """Return every metric of the semantic layer."""
    return [MetricDescription.model_validate(each) for each in metric_list(context.catalogue)]


def describe_metric(context: Context, name: str) -> MetricDescription:
    """Return one metric.

    Raises:
        MetricUnknownError: there is none of this name.
    """
    _metric(context, name)
    return next(each for each in list_metrics(context) if each.name == name)


def read_values(context: Context, connection: Connection, name: str, request: ValueRequest) -> Values:
    """Return the values of a metric by group.

    Raises:
        MetricUnknownError: there is no such metric.
        MetricNotOverMartError: it is not defined over the mart, or its marts are not published.
        ColumnUnknownError, ColumnWithheldError, FilterInvalidError: groups or filters cannot be used.
        PeriodInvalidError: the mart has no time, or the period ends before it begins.
    """
    metric = _metric(context, name)
    publication = _mart_of(connection, metric, request)
    table = marts.table(connection, publication.mart)
    by = _groups(table, request.by)
    limit = request.limit if request.limit is not None else DEFAULT_GROUPS
    if not 1 <= limit <= MOST_GROUPS or not 0 <= request.offset <= MOST_OFFSET:
        raise SelectionInvalidError(
            f"参数 limit 应在 1 至 {MOST_GROUPS} 之间，offset 应在 0 至 {MOST_OFFSET} 之间。",
            remedy="请改正后沿 next 链接翻页。",
        )
    rows = repository.grouped_values(
        connection,
        table,
        expression=metric.expression,
        by=by,
        conditions=[*conditions(table, request.filters), *_period(table, request)],
        limit=limit + 1,
        offset=request.offset,
    )
    labels = _value_labels(context, metric)
    values: list[dict[str, Any]] = []
    for *groups, value, origin in rows[:limit]:
        entry: dict[str, Any] = {column.name: group for column, group in zip(by, groups, strict=True)}
        entry["value"] = value
        if labels is not None:
            entry["value_label"] = labels.get(value)
        entry["data_origin"] = origin
        values.append(entry)
    return Values(metric, publication, tuple(column.name for column in by), values, len(rows) > limit)


def _metric(context: Context, name: str) -> Metric:
    metric = context.catalogue.metrics.get(name)
    if metric is None:
        raise MetricUnknownError(name, context.catalogue.metrics)
    return metric


def _mart_of(connection: Connection, metric: Metric, request: ValueRequest) -> Publication:
    """Return the mart to compute over: the asked one, else the first of the metric's that fits the groups."""
    if request.mart is not None and request.mart not in metric.grain:
        raise MetricNotOverMartError(
            f"指标 {metric.name} 没有定义在数据集 {request.mart} 上。",
            remedy=f"可用的数据集：{'、'.join(metric.grain)}。",
            available=list(metric.grain),
        )
    if request.mart is not None:
        return marts.publication(connection, request.mart)
    published = {each.mart: each for each in marts.publications(connection)}
    offered = [published[mart] for mart in metric.grain if mart in published]
    if not offered:
        raise MetricNotOverMartError(
            f"指标 {metric.name} 所用的数据集（{'、'.join(metric.grain)}）尚未发布。",
            remedy="请先运行主作业，或在 Dagster 中查看发布为何暂缓。",
            available=[],
        )
    wanted = set(request.by.split(",") if request.by else ())
    for each in offered:
        table = marts.table(connection, each.mart)
        has_time = (request.since is None and request.until is None) or _time_column(table) is not None
        if wanted <= table.by_name.keys() and has_time:
            return each
    return offered[0]


def _groups(table: Table, text: str | None) -> tuple[Column, ...]:
    names = dict.fromkeys(name.strip() for name in text.split(",")) if text is not None else {}
    groups = tuple(column_named(table, name, parameter="by") for name in names)
    for column in groups:
        if column.family is Family.OTHER or column.name in ("value", "value_label", "data_origin"):
            raise SelectionInvalidError(
                f"参数 by：字段 {column.name} 不能用于分组。", remedy="请改用其他字段。", parameter="by"
            )
    return groups


def _time_column(table: Table) -> Column | None:
    times = (Family.DATE, Family.INSTANT)
    named = (table.by_name[name] for name in _TIME_COLUMNS if name in table.by_name)
    return next((column for column in named if column.family in times), None)


def _period(table: Table, request: ValueRequest) -> list[sql.Composed]:
    """Return the conditions of a period of whole days, both ends counting, by the park's clock."""
    if request.since is None and request.until is None:
        return []
    column = _time_column(table)
    if column is None:
        raise PeriodInvalidError(
            f"数据集 {table.mart} 没有时间字段，不能用 from 和 to。",
            remedy="请去掉 from 和 to，或用 mart 指定别的数据集。",
        )
    if request.since is not None and request.until is not None and request.until < request.since:
        raise PeriodInvalidError(f"from {request.since} 晚于 to {request.until}。", remedy="请交换两者。")
    found: list[sql.Composed] = []
    name = sql.Identifier(column.name)
    if request.since is not None:
        found.append(sql.SQL("{} >= {}").format(name, sql.Literal(_start(column, request.since))))
    if request.until is not None:
        if request.until == date.max:
            raise PeriodInvalidError(f"to {request.until} 超出可用的日期。", remedy="请去掉 to。")
        following = _start(column, request.until + timedelta(days=1))
        found.append(sql.SQL("{} < {}").format(name, sql.Literal(following)))
    return found


def _start(column: Column, day: date) -> date | datetime:
    return day if column.family is Family.DATE else datetime.combine(day, time(), PARK_TIME_ZONE)


def _value_labels(context: Context, metric: Metric) -> dict[Any, str] | None:
    if metric.value_labels is None:
        return None
    return {term.value: term.zh for term in context.catalogue.vocabulary.values[metric.value_labels].items}
