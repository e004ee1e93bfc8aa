"""The catalogue loads, refers to nothing that does not exist, and says clearly what is wrong when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from semantic.catalogue import SEMANTIC_FOLDER, SemanticError, load_catalogue

METRIC = """
domain: test
metrics:
  - name: {name}
    label: {{zh: 指标, en: Metric}}
    unit: {unit}
    grain: [fct_air_quality_daily]
    expression: {expression}
    description: {{zh: 说明。, en: Text.}}
    {extra}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with our vocabulary and no metric."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "vocabulary.yaml").write_text((SEMANTIC_FOLDER / "vocabulary.yaml").read_text("utf-8"), "utf-8")
    return tmp_path


def write_metric(folder: Path, file: str = "one.yaml", **fields: str) -> None:
    content = {"name": "one", "unit": "ug_per_m3", "expression": "AVG(pm25_ug_per_m3)", "extra": ""} | fields
    (folder / "metrics" / file).write_text(METRIC.format(**content), "utf-8")


def test_our_catalogue_loads():
    catalogue = load_catalogue()
    assert catalogue.metric_title("pm25_daily_mean") == "PM₂.₅ 日均浓度（µg/m³）"
    assert catalogue.metric_title("exceedance_station_days") == "超标站日数"
    assert catalogue.column_title("wind_speed_m_per_s") == "风速（m/s）"


def test_one_more_file_adds_a_metric(folder: Path):
    write_metric(folder)
    assert list(load_catalogue(folder).metrics) == ["one"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"unit": "furlong"}, ["one.yaml", "metrics: one", "unit", "'furlong'", "vocabulary.yaml"]),
        ({"expression": "AVG(pm2_ug_per_m3)"}, ["one.yaml", "metrics: one", "expression", "'pm2_ug_per_m3'"]),
        ({"expression": "pm25_ug_per_m3"}, ["one.yaml", "metrics: one", "expression", "does not aggregate"]),
        ({"expression": "AVG(pm25_ug_per_m3"}, ["metrics: one", "expression", "is not SQL"]),
        ({"expression": "SUM((SELECT 1))"}, ["metrics: one", "expression", "subquery"]),
        ({"expression": "AVG(pm25_ug_per_m3) FROM other"}, ["metrics: one", "expression", "is not SQL"]),
        ({"name": "OneMetric"}, ["one.yaml", "OneMetric", "name"]),
        ({"extra": "colour: red"}, ["metrics: one", "colour", "remove the field"]),
        ({"extra": "value_labels: furlongs"}, ["metrics: one", "value_labels", "'furlongs'"]),
        ({"extra": "counts: {column: aqi_level, value: 9}"}, ["metrics: one", "counts", "9"]),
    ],
)
def test_a_wrong_metric_is_refused_with_file_metric_field(folder: Path, fields: dict[str, str], words: list[str]):
    write_metric(folder, **fields)
    with pytest.raises(SemanticError) as refused:
        load_catalogue(folder)
    for word in words:
        assert word in str(refused.value)


def test_a_missing_field_is_named(folder: Path):
    write_metric(folder)
    path = folder / "metrics" / "one.yaml"
    path.write_text(path.read_text("utf-8").replace("    unit: ug_per_m3\n", ""), "utf-8")
    with pytest.raises(SemanticError, match=r"one\.yaml: metrics: one: unit: .*add the field"):
        load_catalogue(folder)


def test_the_same_figure_cannot_be_defined_twice(folder: Path):
    write_metric(folder, "one.yaml")
    write_metric(folder, "two.yaml")
    with pytest.raises(SemanticError, match=r"two\.yaml: metrics: one: name: already defined in one\.yaml"):
        load_catalogue(folder)


def test_a_key_written_twice_is_refused(folder: Path):
    vocabulary = folder / "vocabulary.yaml"
    text = vocabulary.read_text("utf-8").replace("  aqi: {zh", "  station_id: {zh: 站, en: Station}\n  aqi: {zh", 1)
    vocabulary.write_text(text, "utf-8")
    write_metric(folder)
    with pytest.raises(SemanticError, match=r"vocabulary\.yaml.*'station_id' is written twice"):
        load_catalogue(folder)


def test_a_column_without_label_says_where_to_add_it():
    with pytest.raises(SemanticError, match=r"vocabulary\.yaml: columns: unknown_column: has no label; add"):
        load_catalogue().column_title("unknown_column")


def test_no_metric_file_is_an_error(folder: Path):
    with pytest.raises(SemanticError, match="holds no metric file"):
        load_catalogue(folder)
