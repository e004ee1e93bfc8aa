"""From themes, semantic catalogue and mart columns to the files Superset imports: the same input, the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from dashboards import chart_kinds, map_layers
from dashboards.identity import asset_key, asset_uuid
from dashboards.layout import phone_page, wide_page
from dashboards.offline_check import chart_marts, check_theme, drawn_layers
from dashboards.theme_file import (
    Bars,
    Chart,
    Filter,
    Lines,
    Map,
    Number,
    Ranking,
    Records,
    Theme,
    ThemeError,
    TrendNumber,
    load_themes,
)
from dashboards.time_windows import NO_LIMIT
from semantic.catalogue import Catalogue, explain, load_catalogue, read_yaml
from semantic.compile import MartColumns, check_against_marts, dataset_columns, dataset_metrics, is_instant

LOOKS_FOLDER = Path(__file__).resolve().parent / "looks"
DATABASE = "park"
SCHEMA = "published"
VERSION = "1.0.0"
# A placeholder: address and password are put in place by the loader.
DATABASE_URI = "postgresql+psycopg2://warehouse/park"
# Files under this folder are for our loader; Superset's importer does not know them.
OWN_FOLDER = "park/"

Bundle = dict[str, str]


class Look(BaseModel):
    """A look: Superset's theme tokens and the page's CSS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: str
    token: dict[str, str]
    chart_options: dict[str, Any] = {}
    css: str
    css_wall: str = ""
    css_phone: str = ""


@dataclass(frozen=True)
class _Variant:
    suffix: str
    phrase: str | None
    is_phone: bool
    css: str


@dataclass(frozen=True)
class _Inputs:
    catalogue: Catalogue
    marts: MartColumns
    today: date | None


def _text(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False, width=120)


def _managed(key: str, content: dict[str, Any]) -> dict[str, Any]:
    """Mark an asset as ours: it cannot be edited on the page, and publishing may prune it.

    The mark is the asset's key, from which its uuid follows, and a digest, by which a plan tells what changes.
    """
    digest = hashlib.sha256(_text(content).encode()).hexdigest()[:16]
    return {**content, "is_managed_externally": True, "external_url": f"{key}#{digest}"}


def _database() -> dict[str, Any]:
    connection = {
        # Readers keep no transaction open (it would block dbt's DDL), and every date is computed in UTC.
        "isolation_level": "AUTOCOMMIT",
        "connect_args": {
            "application_name": "superset",
            "options": "-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout=60000",
        },
    }
    content = {
        "database_name": DATABASE,
        "sqlalchemy_uri": DATABASE_URI,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"engine_params": connection, "allows_virtual_table_explore": True},
        "uuid": str(asset_uuid("database", DATABASE)),
        "version": VERSION,
    }
    return _managed(asset_key("database", DATABASE), content)


def _main_time(columns: Mapping[str, str]) -> str | None:
    if "business_date" in columns:
        return "business_date"
    return next((f"{name}_local" for name, data_type in columns.items() if is_instant(data_type)), None)


def _dataset(mart: str, features: list[dict[str, Any]], inputs: _Inputs) -> dict[str, Any]:
    columns = inputs.marts[mart]
    label = inputs.catalogue.vocabulary.marts.get(mart)
    content = {
        "table_name": mart,
        "main_dttm_col": _main_time(columns),
        "description": f"{label.zh} {label.en}" if label is not None else mart,
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        "schema": SCHEMA,
        "sql": None,
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": None,
        "uuid": str(asset_uuid("dataset", mart)),
        "columns": dataset_columns(inputs.catalogue, columns) + features,
        "metrics": dataset_metrics(inputs.catalogue, mart),
        "version": VERSION,
        "database_uuid": str(asset_uuid("database", DATABASE)),
    }
    return _managed(asset_key("dataset", mart), content)


def _feature_columns(themes: Iterable[Theme], inputs: _Inputs) -> dict[str, list[dict[str, Any]]]:
    """Return, by mart, the GeoJSON columns that map layers draw."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for theme in themes:
        for chart in theme.charts():
            for layer in drawn_layers(chart, inputs.marts) if isinstance(chart, Map) else ():
                context = chart_kinds.Context(inputs.catalogue, inputs.marts[layer.mart], inputs.today)
                name = map_layers.feature_column(theme.theme, layer)
                found.setdefault(layer.mart, {})[name] = {
                    "column_name": name,
                    "verbose_name": inputs.catalogue.phrase(layer.title),
                    "type": "TEXT",
                    "is_dttm": False,
                    "is_active": True,
                    "groupby": True,
                    "filterable": True,
                    "expression": map_layers.feature_sql(layer, context),
                    "description": None,
                }
    return {mart: list(columns.values()) for mart, columns in found.items()}


def _compile(chart: Chart, theme: Theme, inputs: _Inputs) -> chart_kinds.Chart:
    if isinstance(chart, Map):
        layers = drawn_layers(chart, inputs.marts)
        return map_layers.map_chart([str(_layer_uuid(theme, chart, layer.layer)) for layer in layers])
    context = chart_kinds.Context(inputs.catalogue, inputs.marts[chart.mart], inputs.today)
    match chart:
        case TrendNumber():
            compiled = chart_kinds.trend_number(chart, context)
        case Number():
            compiled = chart_kinds.number(chart, context)
        case Lines():
            compiled = chart_kinds.lines(chart, context)
        case Bars():
            compiled = chart_kinds.bars(chart, context)
        case Ranking():
            compiled = chart_kinds.ranking(chart, context)
        case Records():
            compiled = chart_kinds.records(chart, context)
    return compiled


def _layer_uuid(theme: Theme, chart: Map, layer: str) -> str:
    return str(asset_uuid("chart", theme.theme, chart.chart, layer))


def chart_title(chart: Chart, catalogue: Catalogue) -> str:
    """Return the heading of a chart: its title's phrase, else the name of its metric with the unit."""
    if chart.title is not None:
        return catalogue.phrase(chart.title)
    if isinstance(chart, TrendNumber | Number):
        return catalogue.metric_title(chart.metric)
    if isinstance(chart, Lines | Bars | Ranking):
        return catalogue.metric_title(chart.metrics[0])
    raise ThemeError(f"chart {chart.chart}: has no metric to be named after; give it a title.")


def _chart_file(compiled: chart_kinds.Chart, title: str, mart: str, key: tuple[str, ...]) -> dict[str, Any]:
    params = {"viz_type": compiled.viz_type, **compiled.params}
    context = None
    if compiled.queries:
        context = json.dumps(
            {
                "datasource": {"id": 0, "type": "table"},
                "force": False,
                "queries": compiled.queries,
                "form_data": params,
                "result_format": "json",
                "result_type": "full",
            },
            ensure_ascii=False,
        )
    content = {
        "slice_name": title,
        "description": None,
        "viz_type": compiled.viz_type,
        "params": params,
        "query_context": context,
        "cache_timeout": None,
        "uuid": str(asset_uuid("chart", *key)),
        "version": VERSION,
        "dataset_uuid": str(asset_uuid("dataset", mart)),
    }
    return _managed(asset_key("chart", *key), content)


def _chart_files(theme: Theme, inputs: _Inputs) -> Bundle:
    files: Bundle = {}
    for chart in theme.charts():
        compiled = _compile(chart, theme, inputs)
        title = chart_title(chart, inputs.catalogue)
        path = f"charts/{theme.theme}/{chart.chart}.yaml"
        files[path] = _text(_chart_file(compiled, title, chart_marts(chart)[0], (theme.theme, chart.chart)))
        for layer in drawn_layers(chart, inputs.marts) if isinstance(chart, Map) else ():
            key = (theme.theme, chart.chart, layer.layer)
            layer_file = _chart_file(
                map_layers.layer_chart(theme.theme, layer), inputs.catalogue.phrase(layer.title), layer.mart, key
            )
            files[f"charts/{theme.theme}/{chart.chart}_{layer.layer}.yaml"] = _text(layer_file)
    return files


def _answers_to(chart: Chart, one: Filter, marts: MartColumns) -> bool:
    """Tell whether a filter means something to a chart."""
    if one.period:
        return getattr(chart, "last", None) is not None
    drawn = drawn_layers(chart, marts) if isinstance(chart, Map) else []
    names = [layer.mart for layer in drawn] if isinstance(chart, Map) else chart_marts(chart)
    return any(one.column in marts[name] for name in names)


def _filter_id(theme: Theme, one: str) -> str:
    return f"NATIVE_FILTER-{asset_uuid('filter', theme.theme, one)}"


def _native_filter(theme: Theme, one: Filter, numbers: Mapping[str, int], inputs: _Inputs) -> dict[str, Any]:
    excluded = [numbers[chart.chart] for chart in theme.charts() if not _answers_to(chart, one, inputs.marts)]
    native: dict[str, Any] = {
        "id": _filter_id(theme, one.filter),
        "name": inputs.catalogue.phrase(one.title),
        "type": "NATIVE_FILTER",
        "filterType": "filter_time" if one.period else "filter_select",
        "targets": [{}],
        "controlValues": {},
        "defaultDataMask": {"extraFormData": {}, "filterState": {"value": NO_LIMIT if one.period else None}},
        "cascadeParentIds": [] if one.under is None else [_filter_id(theme, one.under)],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
        "description": "",
    }
    if not one.period:
        native["targets"] = [{"datasetUuid": str(asset_uuid("dataset", str(one.mart))), "column": {"name": one.column}}]
        native["controlValues"] = {
            "multiSelect": True,
            "enableEmptyFilter": False,
            "defaultToFirstItem": False,
            "searchAllOptions": False,
            "inverseSelection": False,
        }
    return native


def _label_colours(theme: Theme, catalogue: Catalogue) -> dict[str, str]:
    """Return the fixed colours of series: prescribed ones of coded values, and the theme's own by metric."""
    colours = {
        term.zh: term.colour
        for terms in catalogue.vocabulary.values.values()
        for term in terms.items
        if term.colour is not None
    }
    for metric in catalogue.metrics:
        colour = theme.colours.get(metric) or catalogue.metric_colour(metric)
        if colour is not None:
            # Some charts look a series up by its metric, others by the metric's heading.
            colours |= {metric: colour, catalogue.metric_title(metric): colour}
    return colours


def _dashboard(theme: Theme, variant: _Variant, inputs: _Inputs) -> dict[str, Any]:
    catalogue = inputs.catalogue
    title = catalogue.phrase(theme.title) + (catalogue.phrase(variant.phrase) if variant.phrase else "")
    charts = list(theme.charts())
    numbers = {chart.chart: number for number, chart in enumerate(charts, start=1)}
    placed = {
        chart.chart: (
            numbers[chart.chart],
            str(asset_uuid("chart", theme.theme, chart.chart)),
            chart_title(chart, catalogue),
        )
        for chart in charts
    }
    key = ("dashboard", theme.theme + variant.suffix)
    page = phone_page if variant.is_phone else wide_page
    content = {
        "dashboard_title": title,
        "description": None,
        "css": variant.css,
        "slug": (theme.theme + variant.suffix).replace("_", "-"),
        "uuid": str(asset_uuid(*key)),
        "position": page(theme, title, placed),
        "metadata": {
            "color_scheme": chart_kinds.COLOUR_SCHEME,
            "label_colors": _label_colours(theme, catalogue),
            "refresh_frequency": theme.refresh_seconds,
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
            "default_filters": "{}",
            "cross_filters_enabled": True,
            "filter_bar_orientation": "HORIZONTAL",
            "chart_configuration": {},
            "global_chart_configuration": {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}},
            "native_filter_configuration": [_native_filter(theme, one, numbers, inputs) for one in theme.filters],
        },
        "published": True,
        "version": VERSION,
    }
    return _managed(asset_key(*key), content)


def load_looks(folder: Path = LOOKS_FOLDER) -> dict[str, Look]:
    """Read every look of the folder, by name.

    Raises:
        ThemeError: a file is not a look.
    """
    looks: dict[str, Look] = {}
    for path in sorted(folder.glob("*.yaml")):
        content = read_yaml(path)
        try:
            looks[path.stem] = Look.model_validate(content)
        except ValidationError as error:
            raise ThemeError(explain(path, content, error)) from error
    return looks


def _theme_files(theme: Theme, looks: Mapping[str, Look], inputs: _Inputs) -> Bundle:
    if theme.look not in looks:
        raise ThemeError(
            f"theme {theme.theme}: look: {theme.look!r} does not exist; use one of {', '.join(looks)} "
            "or add a file to dashboards/looks/."
        )
    look = looks[theme.look]
    files = _chart_files(theme, inputs)
    variants = (
        _Variant("", None, is_phone=False, css=look.css),
        _Variant("_wall", "wall_suffix", is_phone=False, css=look.css + look.css_wall),
        _Variant("_phone", "phone_suffix", is_phone=True, css=look.css + look.css_phone),
    )
    for variant in variants:
        name = theme.theme + variant.suffix
        files[f"dashboards/{name}.yaml"] = _text(_dashboard(theme, variant, inputs))
        files[f"{OWN_FOLDER}dashboard_looks/{name}.yaml"] = _text(
            {"dashboard": str(asset_uuid("dashboard", name)), "look": str(asset_uuid("look", theme.look))}
        )
    return files


def build_bundle(
    marts: MartColumns,
    *,
    today: date | None = None,
    themes: list[Theme] | None = None,
    catalogue: Catalogue | None = None,
    looks: Mapping[str, Look] | None = None,
) -> Bundle:
    """Compile every theme into the files that Superset imports.

    Args:
        marts: mart → column → PostgreSQL type, from dbt's contracts; every mart becomes a dataset.
        today: a fixed present day (`PARK_NOW`) for the windows of charts; None lets them slide with the clock.
        themes: the themes; default: those of `dashboards/themes/`.
        catalogue: the semantic catalogue; default: `semantic/`.
        looks: the looks by name; default: those of `dashboards/looks/`.

    Returns:
        Path → YAML text, in a fixed order; the same input gives the same bytes.

    Raises:
        ThemeError: a theme names something that does not exist.
        SemanticError: a label is missing.
    """
    inputs = _Inputs(catalogue or load_catalogue(), marts, today)
    used_themes = load_themes() if themes is None else themes
    used_looks = load_looks() if looks is None else looks
    check_against_marts(inputs.catalogue, marts)
    for theme in used_themes:
        check_theme(theme, inputs.catalogue, marts)
    features = _feature_columns(used_themes, inputs)
    files: Bundle = {
        "metadata.yaml": _text({"version": VERSION, "type": "assets"}),
        f"databases/{DATABASE}.yaml": _text(_database()),
    }
    for mart in sorted(marts):
        files[f"datasets/{DATABASE}/{mart}.yaml"] = _text(_dataset(mart, features.get(mart, []), inputs))
    for name, look in used_looks.items():
        files[f"{OWN_FOLDER}looks/{name}.yaml"] = _text(
            {
                "uuid": str(asset_uuid("look", name)),
                "key": asset_key("look", name),
                "json_data": {
                    "algorithm": look.algorithm,
                    "token": look.token,
                    "echartsOptionsOverrides": look.chart_options,
                },
            }
        )
    for theme in used_themes:
        files |= _theme_files(theme, used_looks, inputs)
    return files
