"""What a theme names must exist: the error says theme, chart, metric, column and what to do."""

from __future__ import annotations

import copy

import pytest

from dashboards.offline_check import check_theme
from dashboards.theme_file import Theme, ThemeError
from semantic.catalogue import SemanticError, load_catalogue

CATALOGUE = load_catalogue()
Marts = dict[str, dict[str, str]]


def changed(theme: Theme, chart: int, **fields: object) -> Theme:
    """Return the theme with other fields in its first row's chart (0) or in its stacked ones (1, 2)."""
    content = copy.deepcopy(theme.model_dump(by_alias=True))
    first, column = content["rows"][0]["charts"]
    (first if chart == 0 else column["stack"][chart - 1]).update(fields)
    return Theme.model_validate(content)


def test_the_theme_of_the_tests_is_right(theme: Theme, marts: Marts):
    check_theme(theme, CATALOGUE, marts)


def test_a_column_gone_from_the_mart_is_named_with_theme_chart_and_metric(theme: Theme, marts: Marts):
    del marts["fct_air_quality_daily"]["pm25_ug_per_m3"]
    with pytest.raises(ThemeError) as refused:
        check_theme(theme, CATALOGUE, marts)
    for word in ("theme park_overview", "chart pm25_against_limit", "metric pm25_daily_mean", "'pm25_ug_per_m3'"):
        assert word in str(refused.value)
    assert "fct_air_quality_daily" in str(refused.value)


@pytest.mark.parametrize(
    ("chart", "fields", "words"),
    [
        (0, {"metrics": ["pm25_daly_mean"]}, ["'pm25_daly_mean' is not defined", "did you mean 'pm25_daily_mean'?"]),
        (0, {"limits": ["aqi_hourly"]}, ["'aqi_hourly' is a figure of fct_air_quality_hourly"]),
        (0, {"mart": "fct_air_quality_dayly"}, ["'fct_air_quality_dayly' is not published", "fct_air_quality_daily"]),
        (0, {"time": "bussiness_date"}, ["column 'bussiness_date'", "did you mean 'business_date'?"]),
        (0, {"by": "station"}, ["column 'station' is not in mart fct_air_quality_daily"]),
        (
            2,
            {"columns": ["station_name", "pm1"], "order": "station_name", "shade": []},
            ["chart station_latest", "'pm1'"],
        ),
        (2, {"order": "age"}, ["chart station_latest", "'age'"]),
        (2, {"shade": [{"cells": "aqi", "by": "level", "values": "aqi_level"}]}, ["shade", "'level'"]),
        (2, {"shade": [{"cells": "aqi", "by": "aqi_level", "values": "colours"}]}, ["shade", "'colours'"]),
    ],
)
def test_a_name_that_does_not_exist_is_refused(
    theme: Theme, marts: Marts, chart: int, fields: dict[str, object], words: list[str]
):
    with pytest.raises(ThemeError) as refused:
        check_theme(changed(theme, chart, **fields), CATALOGUE, marts)
    for word in ("theme park_overview", *words):
        assert word in str(refused.value)


def test_a_layer_whose_mart_is_missing_is_refused_unless_it_is_optional(theme: Theme, marts: Marts):
    del marts["dim_zones"]
    with pytest.raises(ThemeError, match="filter zone: mart 'dim_zones' is not published"):
        check_theme(theme, CATALOGUE, marts)
    without_filters = theme.model_copy(update={"filters": ()})
    with pytest.raises(ThemeError, match="chart park_map: layer zones: mart 'dim_zones' is not published"):
        check_theme(without_filters, CATALOGUE, marts)


def test_a_layer_that_draws_only_a_value_nobody_knows_is_refused(theme: Theme, marts: Marts):
    content = copy.deepcopy(theme.model_dump(by_alias=True))
    content["rows"][0]["charts"][1]["stack"][0]["layers"][1]["only"] = [6, 7]
    with pytest.raises(ThemeError, match="layer stations: only: aqi_level has no value 7; use some of 1, 2, 3"):
        check_theme(Theme.model_validate(content), CATALOGUE, marts)


def test_a_layer_that_draws_a_missing_column_is_refused(theme: Theme, marts: Marts):
    del marts["fct_air_quality_latest"]["longitude"]
    with pytest.raises(ThemeError, match="chart park_map: layer stations: column 'longitude'"):
        check_theme(theme, CATALOGUE, marts)


def test_a_title_must_be_in_the_vocabulary(theme: Theme, marts: Marts):
    with pytest.raises(SemanticError, match="phrases: no_such_words: is used but not written"):
        check_theme(changed(theme, 0, title="no_such_words"), CATALOGUE, marts)


def test_a_chart_of_several_metrics_needs_a_title(theme: Theme, marts: Marts):
    with pytest.raises(ThemeError, match="give it a title"):
        check_theme(changed(theme, 0, title=None), CATALOGUE, marts)
