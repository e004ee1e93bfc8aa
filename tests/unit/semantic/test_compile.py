"""What the surfaces get: headings, park time, words for codes, one metric list, a fresh glossary."""

from __future__ import annotations

import csv

import pytest

from dashboards.contracts import read_contracts
from lakehouse.settings import PROJECT_ROOT
from semantic.catalogue import SemanticError, load_catalogue
from semantic.compile import (
    GLOSSARY_FILE,
    check_against_marts,
    dataset_columns,
    dataset_metrics,
    glossary_page,
    metric_list,
)

CATALOGUE = load_catalogue()


def compiled(columns: dict[str, str]) -> dict[str, dict[str, object]]:
    return {column["column_name"]: column for column in dataset_columns(CATALOGUE, columns)}


def test_an_instant_is_shown_in_park_time_and_its_utc_twin_says_so():
    columns = compiled({"measured_at": "timestamp with time zone"})
    assert columns["measured_at"]["verbose_name"] == "监测时间（UTC）"
    assert columns["measured_at_local"]["verbose_name"] == "监测时间"
    assert columns["measured_at_local"]["expression"] == "measured_at AT TIME ZONE 'Asia/Shanghai'"
    assert columns["measured_at_local"]["is_dttm"] is True


def test_a_date_is_left_alone():
    assert list(compiled({"business_date": "date"})) == ["business_date"]


def test_a_code_is_shown_in_words_and_an_unknown_one_as_itself():
    label = compiled({"data_origin": "text"})["data_origin_label"]
    assert "WHEN 'simulated' THEN '模拟'" in str(label["expression"])
    assert str(label["expression"]).endswith("ELSE CAST(data_origin AS TEXT) END")


def test_a_metric_carries_heading_format_and_source():
    metrics = {metric["metric_name"]: metric for metric in dataset_metrics(CATALOGUE, "fct_air_quality_daily")}
    limit = metrics["pm25_daily_limit"]
    assert limit["verbose_name"] == "PM₂.₅ 日均限值（µg/m³）"
    assert limit["d3format"] == ",.0f"
    assert "GB 3095-2012 / GB 3095-2026" in limit["description"]
    assert "aqi_hourly" not in metrics


def test_the_weakest_origin_is_told_in_words():
    metrics = {metric["metric_name"]: metric for metric in dataset_metrics(CATALOGUE, "fct_air_quality_daily")}
    assert "WHEN 'replayed' THEN '历史实测回放'" in metrics["worst_data_origin"]["expression"]
    values = [str(term.value) for term in CATALOGUE.vocabulary.values["data_origin"].items]
    assert values == sorted(values), "MAX(data_origin) is the weakest only while the alphabet agrees with the order"


def test_the_list_of_metrics_names_each_once_with_unit_and_grain():
    listed = metric_list(CATALOGUE)
    assert [metric["name"] for metric in listed] == list(CATALOGUE.metrics)
    (mean,) = [metric for metric in listed if metric["name"] == "pm25_daily_mean"]
    assert (mean["unit_symbol"], mean["grain"]) == ("µg/m³", ["fct_air_quality_daily"])


def test_the_glossary_is_fresh():
    assert GLOSSARY_FILE.read_text("utf-8") == glossary_page(CATALOGUE), "run `python -m semantic.compile`"


def test_every_column_of_every_mart_has_a_label():
    check_against_marts(CATALOGUE, read_contracts())


def test_a_new_column_without_label_is_named_with_its_mart():
    with pytest.raises(SemanticError, match="columns: odour_index: of mart fct_odour has no label"):
        check_against_marts(CATALOGUE, {"fct_odour": {"odour_index": "integer"}})


def test_levels_and_colours_are_those_of_the_standards():
    path = PROJECT_ROOT / "dbt_project" / "seeds" / "standards" / "std_aqi_levels.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        seeded = {(row["aqi_level"], row["aqi_level_name"], row["colour_hex"]) for row in csv.DictReader(lines)}
    ours = {(str(term.value), term.zh, term.colour) for term in CATALOGUE.vocabulary.values["aqi_level"].items}
    assert ours == seeded
