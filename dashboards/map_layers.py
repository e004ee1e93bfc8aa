"""Map layers: a mart's row becomes one GeoJSON feature, with its colour, label and tooltip, in SQL."""

from __future__ import annotations

from typing import Any

from dashboards.chart_kinds import Chart, Context
from dashboards.theme_file import MapLayer
from semantic.catalogue import Catalogue
from semantic.compile import PARK_TIME_ZONE_NAME, is_instant, value_terms, words_for

# The colour of a station without a valid index: missing is shown as missing.
MISSING_COLOUR = "#8c96a3"
# Superset reads a feature from every row; null ends the whole map, and a layer of several cannot filter its own rows.
NOTHING_TO_DRAW = '{"type": "FeatureCollection", "features": []}'
_ROWS = 5_000


def feature_column(theme: str, layer: MapLayer) -> str:
    """Return the name of the dataset column that holds the layer's features."""
    return f"feature_{theme}_{layer.layer}"


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _code(value: bool | int | str) -> str:  # noqa: FBT001
    return str(value) if isinstance(value, int) else _text(value)


def _object(pairs: list[tuple[str, str]]) -> str:
    return "json_build_object(" + ", ".join(f"{_text(key)}, {value}" for key, value in pairs) + ")"


def _shown_value(column: str, context: Context) -> str:
    """Return SQL that gives a column's value as people read it, missing values as a dash."""
    terms = value_terms(context.catalogue, column)
    if is_instant(context.columns[column]):
        value = f"TO_CHAR({column} AT TIME ZONE '{PARK_TIME_ZONE_NAME}', 'YYYY-MM-DD HH24:MI')"
    elif terms is not None:
        value = words_for(column, terms)
    else:
        value = f"CAST({column} AS TEXT)"
    return f"COALESCE({value}, '—')"


def _fill(layer: MapLayer, catalogue: Catalogue) -> str:
    if layer.colour_by is None:
        return _text(layer.colour)
    cases = " ".join(
        f"WHEN {_code(term.value)} THEN {_text(term.colour)}"
        for term in catalogue.vocabulary.values[layer.colour_by].items
        if term.colour is not None
    )
    return f"CASE {layer.colour_by} {cases} ELSE {_text(MISSING_COLOUR)} END"


def _middle_of(boundary: str) -> str:
    """Return SQL for a point inside a convex ring: half-way between its first vertex and the opposite one."""
    ring = f"json_extract_path({boundary}::json, 'coordinates', '0')"
    opposite = f"CAST((json_array_length({ring}) - 1) / 2 AS TEXT)"
    halves = [
        f"(CAST(json_extract_path_text({ring}, '0', '{axis}') AS double precision)"
        f" + CAST(json_extract_path_text({ring}, {opposite}, '{axis}') AS double precision)) / 2"
        for axis in (0, 1)
    ]
    return _object([("type", "'Point'"), ("coordinates", f"json_build_array({halves[0]}, {halves[1]})")])


def _geometry(layer: MapLayer) -> str:
    if layer.point is not None:
        coordinates = f"json_build_array({layer.point[0]}, {layer.point[1]})"
        return _object([("type", "'Point'"), ("coordinates", coordinates)])
    return _middle_of(str(layer.boundary)) if layer.names_only else f"{layer.boundary}::json"


def feature_sql(layer: MapLayer, context: Context) -> str:
    """Return the SQL of one GeoJSON feature as text, an empty collection where the row has no place on the layer."""
    properties = [("fillColor", _fill(layer, context.catalogue)), ("strokeColor", _text(layer.colour))]
    if layer.label:
        label = " || ' ' || ".join(_shown_value(column, context) for column in layer.label)
        properties.append(("label", label))
    tooltip = [(context.catalogue.column_title(column), _shown_value(column, context)) for column in layer.tooltip]
    feature = _object(
        [
            ("type", "'Feature'"),
            ("geometry", _geometry(layer)),
            ("properties", _object(properties)),
            ("extraProps", _object(tooltip)),
        ]
    )
    needed = layer.point if layer.point is not None else (str(layer.boundary),)
    placed = " AND ".join(f"{column} IS NOT NULL" for column in needed)
    if layer.only:
        placed += f" AND {layer.colour_by} IN ({', '.join(_code(value) for value in layer.only)})"
    return f"CASE WHEN {placed} THEN {feature}::text ELSE {_text(NOTHING_TO_DRAW)} END"


def _label_options(layer: MapLayer) -> str:
    """Return the function that configures labels; only this way the page draws characters beyond ASCII."""
    lift = 0 if layer.names_only else 20  # a station's label hangs below its dot
    red, green, blue = (int(layer.colour[start : start + 2], 16) for start in (1, 3, 5))
    colour = [red, green, blue, 255] if layer.names_only else [235, 243, 252, 255]
    return (
        "() => ({ getText: f => f.properties.label, getTextColor: "
        f"{colour}, getTextSize: {layer.label_size}, textSizeUnits: 'pixels', getTextPixelOffset: [0, {lift}], "
        "getTextAnchor: 'middle', textCharacterSet: 'auto', textFontWeight: 600, textFontFamily: "
        "'Noto Sans SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif', textFontSettings: { sdf: true }, "
        "textOutlineWidth: 3, textOutlineColor: [10, 20, 36, 255] })"
    )


def layer_chart(theme: str, layer: MapLayer) -> Chart:
    """Compile one layer into Superset's GeoJSON chart."""
    transparent = {"r": 0, "g": 0, "b": 0, "a": 0}
    red, green, blue = (int(layer.colour[start : start + 2], 16) for start in (1, 3, 5))
    area = layer.boundary is not None and not layer.names_only
    params: dict[str, Any] = {
        "geojson": feature_column(theme, layer),
        "adhoc_filters": [],
        "row_limit": _ROWS,
        "filter_nulls": True,
        "mapbox_style": "",
        "autozoom": True,
        "viewport": {"longitude": 0, "latitude": 0, "zoom": 12, "bearing": 0, "pitch": 0},
        "filled": not layer.names_only,
        "stroked": layer.outline and not layer.names_only,
        "extruded": False,
        # A transparent picker leaves each feature its own colour; areas take one colour with an opacity.
        "fill_color_picker": {"r": red, "g": green, "b": blue, "a": layer.opacity} if area else transparent,
        "stroke_color_picker": {"r": 90, "g": 140, "b": 200, "a": 1}
        if area
        else {"r": 255, "g": 255, "b": 255, "a": 1},
        "line_width": 2 if area else 1.5,
        "line_width_unit": "pixels",
        "point_radius_scale": 1 if layer.names_only else layer.radius_m,
        "enable_labels": bool(layer.label),
        "enable_label_javascript_mode": bool(layer.label),
        "label_javascript_config_generator": _label_options(layer) if layer.label else "",
        "enable_icons": False,
    }
    return Chart("deck_geojson", params)


def map_chart(layer_uuids: list[str]) -> Chart:
    """Compile a map; `deck_slices` holds uuids, which the loader replaces by the numbers of its database."""
    params: dict[str, Any] = {
        "deck_slices": layer_uuids,
        "adhoc_filters": [],
        "mapbox_style": "",
        "autozoom": True,
        "viewport": {"longitude": 0, "latitude": 0, "zoom": 12, "bearing": 0, "pitch": 0},
    }
    return Chart("deck_multi", params)
