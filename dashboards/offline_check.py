"""The check that needs no Superset: theme → chart → dataset → mart column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from dashboards.theme_file import (
    Bars,
    Chart,
    Lines,
    Map,
    MapLayer,
    Number,
    Ranking,
    Records,
    Theme,
    ThemeError,
    TrendNumber,
)
from semantic.catalogue import Catalogue
from semantic.compile import MartColumns
from semantic.expressions import columns_of


def _nearest(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, list(names), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def chart_marts(chart: Chart) -> tuple[str, ...]:
    """Return the marts a chart reads."""
    return tuple(layer.mart for layer in chart.layers) if isinstance(chart, Map) else (chart.mart,)


def drawn_layers(chart: Map, marts: MartColumns) -> list[MapLayer]:
    """Return the layers of a map whose marts exist; only optional ones may be missing."""
    return [layer for layer in chart.layers if layer.mart in marts or not layer.optional]


def chart_metrics(chart: Chart) -> tuple[str, ...]:
    """Return the metrics a chart shows."""
    if isinstance(chart, TrendNumber | Number):
        return (chart.metric,)
    if isinstance(chart, Lines):
        return chart.metrics + chart.limits
    if isinstance(chart, Bars | Ranking):
        return chart.metrics
    return ()


def chart_columns(chart: Chart) -> Iterator[str]:
    """Yield the columns a chart names itself (not those of its metrics)."""
    if isinstance(chart, TrendNumber | Lines | Bars):
        yield from (chart.time, chart.within)
    if isinstance(chart, Ranking | Records) and chart.last is not None:
        yield chart.within
    if isinstance(chart, Lines | Bars) and chart.by is not None:
        yield chart.by
    if isinstance(chart, Ranking):
        yield from chart.by
    if isinstance(chart, Records):
        yield from (*chart.columns, chart.order)


def layer_columns(layer: MapLayer) -> Iterator[str]:
    """Yield the columns a layer of a map reads."""
    yield from layer.point or (str(layer.boundary),)
    yield from (*layer.label, *layer.tooltip)
    if layer.colour_by is not None:
        yield layer.colour_by


def _need_column(place: str, mart: str, column: str, marts: MartColumns) -> None:
    if column not in marts[mart]:
        raise ThemeError(
            f"{place}: column {column!r} is not in mart {mart}{_nearest(column, marts[mart])}; "
            "correct the name, or add the column to the mart's model and contract."
        )


def _need_mart(place: str, mart: str, marts: MartColumns) -> None:
    if mart not in marts:
        raise ThemeError(
            f"{place}: mart {mart!r} is not published{_nearest(mart, marts)}; correct the name or publish the mart."
        )


def _check_metric(place: str, name: str, chart: Chart, catalogue: Catalogue, marts: MartColumns) -> None:
    (mart,) = chart_marts(chart)
    metric = catalogue.metrics.get(name)
    if metric is None:
        raise ThemeError(
            f"{place}: metric {name!r} is not defined{_nearest(name, catalogue.metrics)}; "
            "correct the name or define it in semantic/metrics/."
        )
    if mart not in metric.grain:
        raise ThemeError(
            f"{place}: metric {name!r} is a figure of {', '.join(metric.grain)}, not of {mart}; "
            "change the chart's mart, or the metric's grain."
        )
    for column in columns_of(metric.expression):
        _need_column(f"{place}: metric {name}", mart, column, marts)


def _check_shades(place: str, chart: Ranking | Records, catalogue: Catalogue) -> None:
    known = (*chart_columns(chart), *chart_metrics(chart))
    for shade in chart.shade:
        for name in (shade.cells, shade.by):
            if name not in known:
                raise ThemeError(
                    f"{place}: shade: {name!r} is not a column or metric of this table{_nearest(name, known)}; "
                    "add it to the table or correct the name."
                )
        if shade.values not in catalogue.vocabulary.values:
            raise ThemeError(
                f"{place}: shade: {shade.values!r} has no coded values; add them under values in vocabulary.yaml."
            )


def _check_layer(place: str, layer: MapLayer, catalogue: Catalogue, marts: MartColumns) -> None:
    _need_mart(place, layer.mart, marts)
    catalogue.phrase(layer.title)
    for column in layer_columns(layer):
        _need_column(place, layer.mart, column, marts)
    if layer.colour_by is not None and layer.colour_by not in catalogue.vocabulary.values:
        raise ThemeError(
            f"{place}: colour_by: {layer.colour_by!r} has no colours; add them under values in vocabulary.yaml."
        )
    coded = catalogue.vocabulary.values[layer.colour_by].items if layer.colour_by is not None else ()
    unknown = [value for value in layer.only if value not in [term.value for term in coded]]
    if unknown:
        known = ", ".join(str(term.value) for term in coded)
        raise ThemeError(f"{place}: only: {layer.colour_by} has no value {unknown[0]!r}; use some of {known}.")


def _check_filters(theme: Theme, catalogue: Catalogue, marts: MartColumns) -> None:
    names = {one.filter for one in theme.filters}
    for one in theme.filters:
        place = f"theme {theme.theme}: filter {one.filter}"
        catalogue.phrase(one.title)
        if one.mart is not None and one.column is not None:
            _need_mart(place, one.mart, marts)
            _need_column(place, one.mart, one.column, marts)
        if one.under is not None and one.under not in names:
            raise ThemeError(f"{place}: under: there is no filter {one.under!r}; name another filter of this theme.")


def _check_chart(place: str, chart: Chart, catalogue: Catalogue, marts: MartColumns) -> None:
    if chart.title is not None:
        catalogue.phrase(chart.title)
    elif len(chart_metrics(chart)) != 1:
        raise ThemeError(f"{place}: does not show exactly one metric to be named after; give it a title.")
    if isinstance(chart, Map):
        for layer in drawn_layers(chart, marts):
            _check_layer(f"{place}: layer {layer.layer}", layer, catalogue, marts)
        return
    _need_mart(place, chart.mart, marts)
    for column in chart_columns(chart):
        _need_column(place, chart.mart, column, marts)
    for name in chart_metrics(chart):
        _check_metric(place, name, chart, catalogue, marts)
    if isinstance(chart, Ranking | Records):
        _check_shades(place, chart, catalogue)


def check_theme(theme: Theme, catalogue: Catalogue, marts: MartColumns) -> None:
    """Check that everything a theme names exists, down to the columns of the marts.

    Args:
        theme: the theme.
        catalogue: the semantic catalogue.
        marts: mart → column → PostgreSQL type, from dbt's contracts.

    Raises:
        ThemeError: something does not exist; the message names theme, chart, metric, column and remedy.
        SemanticError: a phrase or label is missing.
    """
    catalogue.phrase(theme.title)
    for metric in theme.colours:
        if metric not in catalogue.metrics:
            raise ThemeError(
                f"theme {theme.theme}: colours: metric {metric!r} is not defined"
                f"{_nearest(metric, catalogue.metrics)}; correct the name."
            )
    _check_filters(theme, catalogue, marts)
    for chart in theme.charts():
        _check_chart(f"theme {theme.theme}: chart {chart.chart}", chart, catalogue, marts)
