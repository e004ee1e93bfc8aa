"""Each kind of chart of a theme file, compiled into Superset's chart parameters and its query.

The parameters are what the page draws from; the query is the same request in the form the server runs by itself,
which the loader uses to check every chart after publishing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dashboards.theme_file import Bars, Lines, Number, Ranking, Records, Shade, TrendNumber
from dashboards.time_windows import GRAINS, time_range
from semantic.catalogue import Catalogue
from semantic.compile import LABEL_SUFFIX, LOCAL_TIME_SUFFIX, is_instant, value_terms

SERIES_LIMIT = 50
COLOUR_SCHEME = "parkBright"
POINT_LIMIT = 50_000
TABLE_LIMIT = 1_000
_DATE_FORMAT = "%Y-%m-%d"
_TIME_FORMAT = "%m-%d %H:%M"
_FORMATS = {"hour": _TIME_FORMAT, "day": "%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True)
class Chart:
    """A compiled chart: Superset's type, its parameters, and the queries that feed it (none for a legacy type)."""

    viz_type: str
    params: dict[str, Any]
    queries: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """What compiling a chart needs to know beside the chart itself."""

    catalogue: Catalogue
    columns: Mapping[str, str]
    today: date | None

    def shown(self, column: str) -> str:
        """Return the dataset column that people should see: park time, words instead of codes."""
        if is_instant(self.columns[column]):
            return column + LOCAL_TIME_SUFFIX
        if value_terms(self.catalogue, column) is not None:
            return column + LABEL_SUFFIX
        return column


def _filter_by_time(column: str, window: str) -> dict[str, Any]:
    return {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": column,
        "operator": "TEMPORAL_RANGE",
        "comparator": window,
    }


def _axis(column: str, grain: str) -> dict[str, Any]:
    return {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "isColumnReference": True,
        "label": column,
        "sqlExpression": column,
        "timeGrain": grain,
    }


def _time_query(
    axis: str, grain: str, *, within: str, window: str, metrics: list[str], by: list[str]
) -> dict[str, Any]:
    return {
        "columns": [_axis(axis, grain), *by],
        "metrics": metrics,
        "filters": [{"col": within, "op": "TEMPORAL_RANGE", "val": window}],
        "extras": {"time_grain_sqla": grain, "having": "", "where": ""},
        "orderby": [],
        "row_limit": POINT_LIMIT,
    }


def _rgb(colour: str) -> dict[str, Any]:
    return {"r": int(colour[1:3], 16), "g": int(colour[3:5], 16), "b": int(colour[5:7], 16), "a": 1}


def trend_number(chart: TrendNumber, context: Context) -> Chart:
    """Compile a big figure with its series."""
    axis, grain = context.shown(chart.time), GRAINS[chart.every]
    window = time_range(chart.last, every=chart.every, today=context.today)
    metric = context.catalogue.metrics[chart.metric]
    params: dict[str, Any] = {
        "x_axis": axis,
        "time_grain_sqla": grain,
        "metric": chart.metric,
        "adhoc_filters": [_filter_by_time(chart.within, window)],
        "show_trend_line": True,
        "start_y_axis_at_zero": False,
        "show_timestamp": True,
        "time_format": _FORMATS[chart.every],
        "y_axis_format": metric.format or "SMART_NUMBER",
        "header_font_size": 0.5,
        "subheader_font_size": 0.125,
        "subtitle_font_size": 0.125,
        "show_metric_name": False,
        "color_picker": _rgb(chart.colour or "#3fa7ff"),
        "aggregation": "LAST_VALUE",
    }
    if chart.compare is not None:
        params |= {"compare_lag": 1, "compare_suffix": context.catalogue.phrase(chart.compare)}
    if chart.subtitle is not None:
        params["subtitle"] = context.catalogue.phrase(chart.subtitle)
    if chart.rolling is not None:
        periods = chart.rolling.periods
        params |= {"rolling_type": chart.rolling.kind, "rolling_periods": periods, "min_periods": periods}
    query = _time_query(axis, grain, within=chart.within, window=window, metrics=[chart.metric], by=[])
    return Chart("big_number", params, [query])


def number(chart: Number, context: Context) -> Chart:
    """Compile a big figure."""
    metric = context.catalogue.metrics[chart.metric]
    params: dict[str, Any] = {
        "metric": chart.metric,
        "adhoc_filters": [],
        "y_axis_format": metric.format or "SMART_NUMBER",
        "header_font_size": 0.6,
        "subtitle_font_size": 0.125,
    }
    if chart.subtitle is not None:
        params["subtitle"] = context.catalogue.phrase(chart.subtitle)
    query = {"columns": [], "metrics": [chart.metric], "filters": [], "orderby": [], "row_limit": 1}
    return Chart("big_number_total", params, [query])


def lines(chart: Lines, context: Context) -> Chart:
    """Compile series over time; limits become a second, stepped set of series."""
    axis, grain = context.shown(chart.time), GRAINS[chart.every]
    window = time_range(chart.last, every=chart.every, today=context.today)
    by = [context.shown(chart.by)] if chart.by is not None else []
    only_filter = [_filter_by_time(chart.within, window)]
    shared: dict[str, Any] = {
        "x_axis": axis,
        "time_grain_sqla": grain,
        "metrics": list(chart.metrics),
        "groupby": by,
        "adhoc_filters": only_filter,
        "row_limit": POINT_LIMIT,
        "truncate_metric": True,
        "show_empty_columns": True,
        "x_axis_time_format": _FORMATS[chart.every],
        "y_axis_format": context.catalogue.metrics[chart.metrics[0]].format or "SMART_NUMBER",
        "tooltipTimeFormat": _TIME_FORMAT if chart.every == "hour" else _DATE_FORMAT,
        "rich_tooltip": True,
        "show_legend": True,
        "legendType": "scroll",
        "legendOrientation": "top",
        "zoomable": False,
        "color_scheme": COLOUR_SCHEME,
    }
    query = _time_query(axis, grain, within=chart.within, window=window, metrics=list(chart.metrics), by=by)
    if not chart.limits:
        params = shared | {"limit": SERIES_LIMIT, "seriesType": "line", "markerEnabled": False, "only_total": True}
        if chart.highest is not None:
            params |= {"truncateYAxis": True, "y_axis_bounds": [None, chart.highest]}
        return Chart("echarts_timeseries_line", params, [query])
    params = shared | {
        "metrics_b": list(chart.limits),
        "groupby_b": [],
        "adhoc_filters_b": only_filter,
        "row_limit_b": POINT_LIMIT,
        "truncate_metric_b": True,
        "seriesType": "line",
        "area": False,
        "opacity": 0.15,
        # A limit holds until the day it changes: the line runs level and then jumps.
        "seriesTypeB": "end",
        "areaB": False,
        "yAxisIndex": 0,
        "yAxisIndexB": 0,
        "markerEnabled": False,
        "markerEnabledB": False,
        "minorSplitLine": False,
        "truncateYAxis": False,
        "y_axis_bounds": [None, None],
        "y_axis_bounds_secondary": [None, None],
    }
    limits = _time_query(axis, grain, within=chart.within, window=window, metrics=list(chart.limits), by=[])
    return Chart("mixed_timeseries", params, [query, limits])


def bars(chart: Bars, context: Context) -> Chart:
    """Compile stacked bars over time."""
    axis, grain = context.shown(chart.time), GRAINS[chart.every]
    window = time_range(chart.last, every=chart.every, today=context.today)
    by = [context.shown(chart.by)] if chart.by is not None else []
    params = {
        "x_axis": axis,
        "time_grain_sqla": grain,
        "metrics": list(chart.metrics),
        "groupby": by,
        "adhoc_filters": [_filter_by_time(chart.within, window)],
        "row_limit": POINT_LIMIT,
        "limit": SERIES_LIMIT,
        "truncate_metric": True,
        "stack": "Stack",
        # By name, numbers counted as numbers: levels follow each other instead of the larger sum coming first.
        "sort_series_type": "name",
        "sort_series_ascending": True,
        "only_total": True,
        "x_axis_time_format": _FORMATS[chart.every],
        "y_axis_format": context.catalogue.metrics[chart.metrics[0]].format or "SMART_NUMBER",
        "tooltipTimeFormat": _FORMATS[chart.every],
        "rich_tooltip": True,
        "show_legend": True,
        "legendType": "plain",
        "legendOrientation": "top",
        "color_scheme": COLOUR_SCHEME,
    }
    query = _time_query(axis, grain, within=chart.within, window=window, metrics=list(chart.metrics), by=by)
    return Chart("echarts_timeseries_bar", params, [query])


def _shading(shades: tuple[Shade, ...], context: Context) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    for shade in shades:
        for term in context.catalogue.vocabulary.values[shade.values].items:
            if term.colour is not None:
                rules.append(
                    {
                        "column": shade.by,
                        "operator": "=",
                        "targetValue": term.value,
                        "colorScheme": term.colour,
                        "columnFormatting": shade.cells,
                        "objectFormatting": "BACKGROUND_COLOR",
                        "useGradient": False,
                    }
                )
    return rules


def _formats(columns: Iterable[str], context: Context) -> dict[str, dict[str, str]]:
    """Return how a table of rows writes what it shows as it is: days without midnight, fractions that end."""
    formats: dict[str, dict[str, str]] = {}
    for column in columns:
        data_type, term = context.columns[column], context.catalogue.vocabulary.columns.get(column)
        if context.shown(column) != column:
            continue
        if data_type == "date":
            formats[column] = {"d3TimeFormat": _DATE_FORMAT}
        elif term is not None and term.unit == "share":
            formats[column] = {"d3NumberFormat": ".1%"}
        elif data_type in {"double precision", "real", "numeric"}:
            formats[column] = {"d3NumberFormat": ",.2~f"}
        elif data_type in {"integer", "bigint", "smallint"}:
            formats[column] = {"d3NumberFormat": ",d"}
    return formats


def _hidden(names: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Return the setting that fetches columns, whose values choose colours, without showing them."""
    return {name: {"visible": False} for name in names}


_TABLE = {
    "table_timestamp_format": _DATE_FORMAT,
    "show_cell_bars": False,
    "color_pn": False,
    "include_search": False,
    "allow_rearrange_columns": False,
    "allow_render_html": False,
    "align_pn": False,
    "row_limit": TABLE_LIMIT,
    "server_page_length": 10,
}


def ranking(chart: Ranking, context: Context) -> Chart:
    """Compile a table of groups."""
    window = time_range(chart.last, every=None, today=context.today)
    filters = [] if chart.last is None else [_filter_by_time(chart.within, window)]
    by = [context.shown(column) for column in chart.by]
    params = _TABLE | {
        "query_mode": "aggregate",
        "groupby": by,
        "metrics": list(chart.metrics),
        "adhoc_filters": filters,
        "timeseries_limit_metric": chart.metrics[0],
        "order_desc": not chart.lowest_first,
        "conditional_formatting": _shading(chart.shade, context),
        "column_config": _hidden(shade.by for shade in chart.shade),
    }
    query = {
        "columns": by,
        "metrics": list(chart.metrics),
        "filters": [{"col": item["subject"], "op": "TEMPORAL_RANGE", "val": item["comparator"]} for item in filters],
        "orderby": [[chart.metrics[0], chart.lowest_first]],
        "row_limit": TABLE_LIMIT,
    }
    return Chart("table", params, [query])


def records(chart: Records, context: Context) -> Chart:
    """Compile a table of rows; a column that only chooses colours is fetched but not shown."""
    window = time_range(chart.last, every=None, today=context.today)
    filters = [] if chart.last is None else [_filter_by_time(chart.within, window)]
    shown = [context.shown(column) for column in chart.columns]
    helpers = [shade.by for shade in chart.shade]
    columns = list(dict.fromkeys(shown + helpers))
    params = _TABLE | {
        "query_mode": "raw",
        "all_columns": columns,
        "adhoc_filters": filters,
        "order_by_cols": [json.dumps([chart.order, False])],
        "conditional_formatting": _shading(chart.shade, context),
        "column_config": _formats(chart.columns, context) | _hidden(helpers),
        "table_timestamp_format": "%Y-%m-%d %H:%M",
    }
    query = {
        "columns": columns,
        "filters": [{"col": item["subject"], "op": "TEMPORAL_RANGE", "val": item["comparator"]} for item in filters],
        "orderby": [[chart.order, False]],
        "row_limit": TABLE_LIMIT,
    }
    return Chart("table", params, [query])
