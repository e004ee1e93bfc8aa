"""A theme file that is not one is refused with file, chart and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.theme_file import ThemeError, load_theme, load_themes

THEME = """
theme: {theme}
title: park_overview
audience: [park_leader]
look: dark_wall
refresh_seconds: 60
rows:
  - height: 20
    charts:
      - {{chart: one, as: number, mart: fct_air_quality_latest, metric: aqi_latest, width: {width}{more}}}
      - {{chart: {second}, as: {kind}, mart: fct_air_quality_latest, metric: aqi_latest, width: 6}}
"""


def write(folder: Path, **fields: str) -> Path:
    path = folder / "small.yaml"
    content = {"theme": "small", "width": "6", "more": "", "second": "two", "kind": "number"} | fields
    path.write_text(THEME.format(**content), "utf-8")
    return path


def test_a_small_theme_loads(tmp_path: Path):
    assert [chart.chart for chart in load_theme(write(tmp_path)).charts()] == ["one", "two"]


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"width": "9"}, r"small\.yaml: rows: .*a row is 12 wide, these charts need 15"),
        ({"second": "one"}, r"chart one stands twice"),
        ({"kind": "pie"}, r"small\.yaml: rows: number 1: charts: two: .*'pie'"),
        ({"more": ", colour: red"}, r"charts: one: .*colour: .*remove the field"),
        ({"theme": "other"}, r"small\.yaml: theme: is 'other'; name it 'small' like its file"),
    ],
)
def test_a_wrong_theme_is_refused(tmp_path: Path, fields: dict[str, str], pattern: str):
    with pytest.raises(ThemeError, match=pattern):
        load_theme(write(tmp_path, **fields))


def test_a_folder_without_themes_is_an_error(tmp_path: Path):
    with pytest.raises(ThemeError, match="holds no theme"):
        load_themes(tmp_path)
