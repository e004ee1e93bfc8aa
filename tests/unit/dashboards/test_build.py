"""The bundle: deterministic, complete, with computed identities and nothing numeric from any one database."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import yaml

from dashboards.build import build_bundle
from dashboards.contracts import read_contracts
from dashboards.identity import asset_uuid, is_ours
from dashboards.theme_file import THEMES_FOLDER, Theme

TODAY = date(2026, 11, 22)
Marts = dict[str, dict[str, str]]


@pytest.fixture
def bundle(marts: dict[str, dict[str, str]], theme: Theme) -> dict[str, str]:
    return build_bundle(marts, today=TODAY, themes=[theme])


def read(bundle: dict[str, str], path: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(bundle[path])
    return content


def test_the_same_input_gives_the_same_bytes(bundle: dict[str, str], marts: Marts, theme: Theme):
    assert build_bundle(marts, today=TODAY, themes=[theme]) == bundle
    assert list(build_bundle(marts, today=TODAY, themes=[theme])) == list(bundle)


def test_one_file_per_asset(bundle: dict[str, str]):
    assert set(bundle) == {
        "metadata.yaml",
        "databases/park.yaml",
        "datasets/park/dim_zones.yaml",
        "datasets/park/fct_air_quality_daily.yaml",
        "datasets/park/fct_air_quality_latest.yaml",
        "charts/park_overview/pm25_against_limit.yaml",
        "charts/park_overview/park_map.yaml",
        "charts/park_overview/park_map_zones.yaml",
        "charts/park_overview/park_map_stations.yaml",
        "charts/park_overview/station_latest.yaml",
        "dashboards/park_overview.yaml",
        "dashboards/park_overview_wall.yaml",
        "dashboards/park_overview_phone.yaml",
        "park/looks/dark_wall.yaml",
        "park/dashboard_looks/park_overview.yaml",
        "park/dashboard_looks/park_overview_wall.yaml",
        "park/dashboard_looks/park_overview_phone.yaml",
    }


def test_every_uuid_follows_from_the_key_the_asset_carries(bundle: dict[str, str]):
    for path, text in bundle.items():
        content = yaml.safe_load(text)
        if path.startswith(("databases/", "datasets/", "charts/", "dashboards/")):
            key, _, digest = content["external_url"].partition("#")
            assert is_ours(key, UUID(content["uuid"])), path
            assert re.fullmatch("[0-9a-f]{16}", digest), path
            assert content["is_managed_externally"] is True


def test_the_digest_moves_only_with_the_asset(bundle: dict[str, str], marts: Marts, theme: Theme):
    changed = theme.model_copy(update={"refresh_seconds": 60})
    again = build_bundle(marts, today=TODAY, themes=[changed])
    moved = {path for path in bundle if bundle[path] != again[path]}
    assert moved == {f"dashboards/park_overview{suffix}.yaml" for suffix in ("", "_wall", "_phone")}


def test_no_secret_and_no_address_is_in_the_bundle(bundle: dict[str, str]):
    assert read(bundle, "databases/park.yaml")["sqlalchemy_uri"] == "postgresql+psycopg2://warehouse/park"


def test_a_limit_is_its_own_series_that_steps_when_it_changes(bundle: dict[str, str]):
    chart = read(bundle, "charts/park_overview/pm25_against_limit.yaml")
    assert chart["slice_name"] == "PM₂.₅ 日均浓度与现行限值"
    assert chart["viz_type"] == "mixed_timeseries"
    assert chart["params"]["metrics"] == ["pm25_daily_mean"]
    assert chart["params"]["metrics_b"] == ["pm25_daily_limit"]
    assert chart["params"]["seriesTypeB"] == "end"
    colours = read(bundle, "dashboards/park_overview.yaml")["metadata"]["label_colors"]
    assert colours["PM₂.₅ 日均限值（µg/m³）"] == "#ff0000"


def test_the_query_the_server_runs_is_the_one_the_page_draws(bundle: dict[str, str]):
    chart = read(bundle, "charts/park_overview/pm25_against_limit.yaml")
    means, limits = json.loads(chart["query_context"])["queries"]
    assert means["metrics"] == ["pm25_daily_mean"]
    assert limits["metrics"] == ["pm25_daily_limit"]
    window = {"col": "business_date", "op": "TEMPORAL_RANGE", "val": "2025-12-01 : 2026-11-22"}
    assert means["filters"] == limits["filters"] == [window]
    assert chart["params"]["adhoc_filters"][0]["comparator"] == window["val"]


def test_a_table_shows_park_time_and_words_and_colours_by_the_code(bundle: dict[str, str]):
    params = read(bundle, "charts/park_overview/station_latest.yaml")["params"]
    assert params["all_columns"] == ["station_name", "measured_at_local", "aqi", "aqi_level_label", "aqi_level"]
    assert params["column_config"] == {"aqi": {"d3NumberFormat": ",d"}, "aqi_level": {"visible": False}}
    rules = {rule["targetValue"]: rule["colorScheme"] for rule in params["conditional_formatting"]}
    assert rules[1] == "#00E400"
    assert rules[6] == "#7E0023"
    assert {rule["columnFormatting"] for rule in params["conditional_formatting"]} == {"aqi"}


def with_chart(theme: Theme, chart: dict[str, Any]) -> Theme:
    """Return the theme with one more row, of one chart."""
    content = theme.model_dump(by_alias=True, exclude_unset=True)
    content["rows"] = [*content["rows"], {"height": 40, "charts": [chart | {"width": 12}]}]
    return Theme.model_validate(content)


def test_a_table_of_rows_writes_days_shares_and_fractions_as_people_read_them(marts: Marts, theme: Theme):
    marts["fct_air_quality_daily"] |= {"valid_rate": "double precision", "row_count": "bigint"}
    columns = ["station_name", "business_date", "pm25_ug_per_m3", "valid_rate", "row_count", "is_exceeded"]
    chart = {"chart": "days", "as": "records", "title": "station_latest", "mart": "fct_air_quality_daily"}
    shown = with_chart(theme, chart | {"columns": columns, "order": "business_date"})
    params = read(build_bundle(marts, today=TODAY, themes=[shown]), "charts/park_overview/days.yaml")["params"]
    assert params["column_config"] == {
        "business_date": {"d3TimeFormat": "%Y-%m-%d"},
        "pm25_ug_per_m3": {"d3NumberFormat": ",.2~f"},
        "valid_rate": {"d3NumberFormat": ".1%"},
        "row_count": {"d3NumberFormat": ",d"},
    }


@pytest.mark.parametrize("lowest_first", [True, False])
def test_a_ranking_begins_where_the_theme_says(marts: Marts, theme: Theme, lowest_first: bool):
    chart = {"chart": "worst", "as": "ranking", "title": "station_ranking", "mart": "fct_air_quality_daily"}
    ranked = with_chart(
        theme, chart | {"by": ["zone_name"], "metrics": ["pm25_daily_mean"], "lowest_first": lowest_first}
    )
    chart_file = read(build_bundle(marts, today=TODAY, themes=[ranked]), "charts/park_overview/worst.yaml")
    assert chart_file["params"]["order_desc"] is not lowest_first
    (query,) = json.loads(chart_file["query_context"])["queries"]
    assert query["orderby"] == [["pm25_daily_mean", lowest_first]]


def test_an_axis_ends_at_the_highest_value_there_can_be(marts: Marts, theme: Theme):
    chart = {"chart": "course", "as": "lines", "title": "aqi_hourly_course", "mart": "fct_air_quality_daily"}
    over_time = {"metrics": ["pm25_daily_mean"], "time": "business_date", "every": "day", "last": {"days": 7}}
    drawn = with_chart(theme, chart | over_time | {"highest": 100})
    params = read(build_bundle(marts, today=TODAY, themes=[drawn]), "charts/park_overview/course.yaml")["params"]
    assert (params["truncateYAxis"], params["y_axis_bounds"]) == (True, [None, 100])


def feature_of(bundle: dict[str, str], mart: str, column: str) -> str:
    columns = read(bundle, f"datasets/park/{mart}.yaml")["columns"]
    (feature,) = [found for found in columns if found["column_name"] == column]
    return str(feature["expression"])


def test_a_row_without_a_place_draws_nothing_instead_of_ending_the_map(bundle: dict[str, str]):
    drawn = feature_of(bundle, "fct_air_quality_latest", "feature_park_overview_stations")
    assert drawn.startswith("CASE WHEN longitude IS NOT NULL AND latitude IS NOT NULL THEN json_build_object(")
    nothing = json.loads(re.search(r"::text ELSE '(?P<nothing>\{.*\})' END$", drawn)["nothing"])  # type: ignore[index]
    assert nothing == {"type": "FeatureCollection", "features": []}


def test_a_layer_draws_only_the_values_it_names(marts: Marts, theme: Theme):
    content = theme.model_dump(by_alias=True)
    content["rows"][0]["charts"][1]["stack"][0]["layers"][1]["only"] = [5, 6]
    bundle = build_bundle(marts, today=TODAY, themes=[Theme.model_validate(content)])
    drawn = feature_of(bundle, "fct_air_quality_latest", "feature_park_overview_stations")
    assert "latitude IS NOT NULL AND aqi_level IN (5, 6) THEN" in drawn


def test_a_map_names_its_layers_by_uuid_and_waits_for_optional_ones(bundle: dict[str, str], marts: Marts, theme: Theme):
    def layers(files: dict[str, str]) -> list[str]:
        found: list[str] = read(files, "charts/park_overview/park_map.yaml")["params"]["deck_slices"]
        return found

    wanted = [str(asset_uuid("chart", "park_overview", "park_map", name)) for name in ("zones", "stations")]
    assert layers(bundle) == wanted
    marts["dim_enterprises"] = {"enterprise_name": "text", "longitude": "float8", "latitude": "float8"}
    with_enterprises = build_bundle(marts, today=TODAY, themes=[theme])
    assert layers(with_enterprises)[2:] == [str(asset_uuid("chart", "park_overview", "park_map", "enterprises"))]


def test_a_station_without_index_is_grey_and_its_row_stays(bundle: dict[str, str]):
    columns = read(bundle, "datasets/park/fct_air_quality_latest.yaml")["columns"]
    (feature,) = [column for column in columns if column["column_name"] == "feature_park_overview_stations"]
    assert "WHEN 4 THEN '#FF0000'" in feature["expression"]
    assert "ELSE '#8c96a3' END" in feature["expression"]
    assert "COALESCE(CAST(aqi AS TEXT), '—')" in feature["expression"]
    assert "Asia/Shanghai" in feature["expression"]


def test_filters_point_at_datasets_by_uuid_and_skip_charts_they_mean_nothing_to(bundle: dict[str, str]):
    zone, period = read(bundle, "dashboards/park_overview.yaml")["metadata"]["native_filter_configuration"]
    assert zone["targets"] == [
        {"datasetUuid": str(asset_uuid("dataset", "dim_zones")), "column": {"name": "zone_name"}}
    ]
    position = read(bundle, "dashboards/park_overview.yaml")["position"]
    names = {
        part["meta"]["chartId"]: part["id"]
        for part in position.values()
        if isinstance(part, dict) and part["type"] == "CHART"
    }
    assert [names[number] for number in zone["scope"]["excluded"]] == ["CHART-station_latest"]
    assert {names[number] for number in period["scope"]["excluded"]} == {"CHART-station_latest", "CHART-park_map"}


def test_a_phone_gets_one_chart_a_row_and_the_wall_no_header(bundle: dict[str, str]):
    phone = read(bundle, "dashboards/park_overview_phone.yaml")["position"]
    rows = [part for part in phone.values() if isinstance(part, dict) and part["type"] == "ROW"]
    assert [len(row["children"]) for row in rows] == [1, 1, 1]
    charts = [part for part in phone.values() if isinstance(part, dict) and part["type"] == "CHART"]
    assert {part["meta"]["width"] for part in charts} == {12}
    assert "dashboard-header-container" in read(bundle, "dashboards/park_overview_wall.yaml")["css"]
    assert "dashboard-header-container" not in read(bundle, "dashboards/park_overview.yaml")["css"]


def test_every_part_of_a_page_knows_its_place(bundle: dict[str, str]):
    position = read(bundle, "dashboards/park_overview.yaml")["position"]
    for name, part in position.items():
        if isinstance(part, dict):
            assert part["id"] == name
            for child in part.get("children", []):
                assert position[child]["parents"][-1] == name


def test_our_themes_compile_against_the_contracts_of_dbt():
    assert "dashboards/park_overview.yaml" in build_bundle(read_contracts())


def test_themes_hold_no_wording_and_no_numeric_identity():
    for path in THEMES_FOLDER.glob("*.yaml"):
        code = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
        assert not re.search(r"[\u4e00-\u9fff]", code), f"{path.name}: wording belongs into vocabulary.yaml"
        assert "chartId" not in code
