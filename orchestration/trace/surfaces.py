"""Upwards from a mart's column: the metrics, charts and reports that show it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from dashboards.offline_check import chart_columns, chart_metrics, layer_columns
from dashboards.theme_file import Chart, Map, load_themes
from lakehouse.warehouse import Role, Warehouse
from orchestration.trace.steps import Step, TraceError
from semantic.catalogue import Catalogue, load_catalogue
from semantic.expressions import columns_of


def surfaces_showing(mart: str, column: str) -> list[Step]:
    """Return one step per chart that reads the column, directly or through a metric."""
    catalogue = load_catalogue()
    steps = []
    for theme in load_themes():
        for chart in theme.charts():
            if (mart, column) in set(columns_read(chart, catalogue)):
                metrics = [
                    f"指标 {name}（{catalogue.metrics[name].label.zh}）= {catalogue.metrics[name].expression}"
                    for name in chart_metrics(chart)
                    if column in columns_of(catalogue.metrics[name].expression)
                ]
                steps.append(Step("看板", f"{theme.theme}/{chart.chart}", metrics))
    return steps


def columns_read(chart: Chart, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield (mart, column) for everything a chart reads."""
    if isinstance(chart, Map):
        for layer in chart.layers:
            yield from ((layer.mart, column) for column in layer_columns(layer))
        return
    yield from ((chart.mart, column) for column in chart_columns(chart))
    for name in chart_metrics(chart):
        yield from ((chart.mart, column) for column in columns_of(catalogue.metrics[name].expression))


def columns_of_chart(name: str) -> tuple[Step, list[tuple[str, str]]]:
    """Return the step of a chart (`theme/chart`) and the mart columns behind it.

    Raises:
        TraceError: there is no such chart.
    """
    catalogue = load_catalogue()
    charts = {f"{theme.theme}/{chart.chart}": chart for theme in load_themes() for chart in theme.charts()}
    if name not in charts:
        message = f"没有图表 {name!r}；现有：{'、'.join(charts)}。"
        raise TraceError(message)
    chart = charts[name]
    metrics = [f"指标 {metric} = {catalogue.metrics[metric].expression}" for metric in chart_metrics(chart)]
    return Step("看板", name, metrics), sorted(set(columns_read(chart, catalogue)))


def report_row(warehouse: Warehouse, name: str) -> tuple[Step, str]:
    """Return the step of an issued report (`name/YYYY-MM-DD`) and its business date.

    Raises:
        TraceError: there is no such report.
    """
    report, _, day = name.partition("/")
    rows = warehouse.read(
        Role.PUBLISHER,
        "select title, version, artifact, sm3, release, data_until, created_at from published.reports "
        "where report_name = %s and business_date = %s and is_current",
        (report, day),
    )
    if rows.is_empty():
        message = f"没有报告 {name!r}；用 park reports list 查看已签发的报告。"
        raise TraceError(message)
    return Step("报告", name, rows=rows.with_columns(pl.col(pl.Datetime).cast(pl.String)).to_dicts()), day
