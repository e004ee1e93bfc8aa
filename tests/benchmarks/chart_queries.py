"""The SQL behind the charts of all themes, timed as the reader's role runs it, without any cache of results.

The queries come out of the compiled themes, so every chart of every theme is among them: metrics and derived columns
with the expressions of the semantic layer, time windows and steps as the page asks for them.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import yaml

from dashboards.build import SCHEMA, build_bundle
from dashboards.contracts import read_contracts
from dashboards.time_windows import GRAINS, NO_LIMIT
from lakehouse.warehouse import Role, Warehouse
from tests.benchmarks.figures import Figure, percentile

RUNS_PER_QUERY = 10
_STEPS = {code: every for every, code in GRAINS.items()}


@dataclass(frozen=True)
class Dataset:
    """A mart as charts see it: the SQL of its derived columns and of its metrics."""

    mart: str
    columns: Mapping[str, str]
    metrics: Mapping[str, str]


@dataclass(frozen=True)
class ChartQuery:
    """One query of one chart."""

    chart: str
    statement: str


def theme_queries(today: date) -> list[ChartQuery]:
    """Return every query of every chart of all themes.

    Args:
        today: the present day of the park, where the windows of the charts end.
    """
    bundle = build_bundle(read_contracts(), today=today)
    datasets = dict(_datasets(bundle))
    queries: list[ChartQuery] = []
    for path, text in bundle.items():
        if path.startswith("charts/"):
            content = yaml.safe_load(text)
            dataset = datasets[content["dataset_uuid"]]
            name = path.removeprefix("charts/").removesuffix(".yaml")
            queries += [ChartQuery(name, statement_of(query, dataset)) for query in _queries_of(content)]
    return queries


def statement_of(query: Mapping[str, Any], dataset: Dataset) -> str:
    """Return the SQL of one query object, grouped as Superset groups it: by everything that is no metric."""
    selected = [_column(column, dataset) for column in query["columns"]]
    metrics = [(name, dataset.metrics[name]) for name in query.get("metrics") or []]
    listed = ", ".join(f'{expression} as "{name}"' for name, expression in [*selected, *metrics])
    statement = f'select {listed} from {SCHEMA}."{dataset.mart}"'  # noqa: S608 - built from the project's own themes
    conditions = [condition for one in query["filters"] for condition in _conditions(one, dataset)]
    conditions += [f"{expression} is not null" for _, expression in selected if query.get("only_filled")]
    if conditions:
        statement += " where " + " and ".join(conditions)
    if metrics and selected:
        statement += " group by " + ", ".join(str(number) for number in range(1, len(selected) + 1))
    if query["orderby"]:
        names = {name for name, _ in [*selected, *metrics]}
        order = [
            (f'"{name}"' if name in names else dataset.columns[name]) + (" asc" if ascending else " desc")
            for name, ascending in query["orderby"]
        ]
        statement += " order by " + ", ".join(order)
    return f"{statement} limit {query['row_limit']}"


def measure_charts(warehouse: Warehouse, queries: list[ChartQuery]) -> list[Figure]:
    """Run every query some times as the reader and return median, 95th percentile and the slowest chart.

    Each query runs once beforehand, so PostgreSQL's own pages are warm; no result is kept anywhere.
    """
    by_chart: dict[str, list[float]] = {}
    with warehouse.connect(Role.READER) as connection:
        for query in queries:
            _timed(connection, query.statement)
            seconds = [_timed(connection, query.statement) for _ in range(RUNS_PER_QUERY)]
            by_chart.setdefault(query.chart, []).extend(seconds)
    every = [second for seconds in by_chart.values() for second in seconds]
    slowest = max(by_chart, key=lambda chart: statistics.median(by_chart[chart]))
    asked = f"{len(queries)} queries of {len(by_chart)} charts, {RUNS_PER_QUERY} runs each"
    return [
        Figure(
            "chart_query.p50", "chart query over the warehouse, p50", percentile(every, 0.5), len(every), None, asked
        ),
        Figure(
            "chart_query.p95", "chart query over the warehouse, p95", percentile(every, 0.95), len(every), None, asked
        ),
        Figure(
            "chart_query.slowest",
            "slowest chart of all themes, its median query",
            statistics.median(by_chart[slowest]),
            len(by_chart[slowest]),
            remark=f"`{slowest}`",
        ),
    ]


def _timed(connection: psycopg.Connection[Any], statement: str) -> float:
    started = time.perf_counter()
    connection.execute(statement.encode()).fetchall()
    return time.perf_counter() - started


def _datasets(bundle: Mapping[str, str]) -> Iterator[tuple[str, Dataset]]:
    for path, text in bundle.items():
        if path.startswith("datasets/"):
            content = yaml.safe_load(text)
            columns = {one["column_name"]: one["expression"] or f'"{one["column_name"]}"' for one in content["columns"]}
            metrics = {one["metric_name"]: one["expression"] for one in content["metrics"]}
            yield content["uuid"], Dataset(content["table_name"], columns, metrics)


def _queries_of(chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the query objects of a chart; a map layer has none and reads its feature column."""
    if chart["query_context"]:
        found: list[dict[str, Any]] = json.loads(chart["query_context"])["queries"]
        return found
    features = chart["params"].get("geojson")
    if features is None:  # a map of several layers: each layer is a chart of its own
        return []
    limit = chart["params"]["row_limit"]
    return [{"columns": [features], "filters": [], "orderby": [], "row_limit": limit, "only_filled": True}]


def _column(column: str | Mapping[str, Any], dataset: Dataset) -> tuple[str, str]:
    """Return name and SQL of a selected column; the axis of time is cut to its step."""
    if isinstance(column, str):
        return column, dataset.columns[column]
    expression = dataset.columns[column["sqlExpression"]]
    return column["label"], f"date_trunc('{_STEPS[column['timeGrain']]}', {expression})"


def _conditions(one: Mapping[str, Any], dataset: Dataset) -> list[str]:
    if one["val"] == NO_LIMIT:
        return []
    start, end = str(one["val"]).split(" : ")
    column = dataset.columns[one["col"]]
    return [f"{column} >= '{start}'", f"{column} < '{end}'"]
