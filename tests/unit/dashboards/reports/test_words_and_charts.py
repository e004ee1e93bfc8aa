"""Words, figures, clauses and charts that reports are made of."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from xml.etree import ElementTree

import pytest

from dashboards.reports.charts import Band, LineChart, Series, Tick, nice_ceiling
from dashboards.reports.chinese import enumerated, hour_ranges, moment_words, ordinal, rounded, weekday_words
from dashboards.reports.report_file import ReportError
from dashboards.reports.standards_cited import clause_words, edition_in_force
from lakehouse.reference import seed_rows

STANDARD_SEEDS = ("std_ambient_limits", "std_aqi_breakpoints", "std_aqi_editions", "std_aqi_items", "std_aqi_levels",
                  "std_air_validity")  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "words"),
    [([], ""), ([3], "3时"), ([5, 3, 4, 11], "3—5时、11时"), ([22, 23, 0], "0时、22—23时"), (range(24), "全天")],
)
def test_hours_are_said_in_ranges(hours: list[int], words: str):
    assert hour_ranges(hours) == words


@pytest.mark.parametrize(
    ("value", "decimals", "printed"),
    [(2.45, 1, "2.4"), (2.55, 1, "2.6"), (0.5, 0, "0"), (1.5, 0, "2"), (60.49999999999999, 0, "60"), (0.04, 1, "0.0"),
     (1e-7, 0, "0"), (1004.6, 0, "1005")],
)  # fmt: skip
def test_a_half_goes_to_the_even_neighbour(value: float, decimals: int, printed: str):
    assert str(rounded(value, decimals)) == printed


def test_moments_are_park_time():
    assert moment_words(datetime(2026, 11, 20, 16, 30, tzinfo=UTC)) == "2026年11月21日0时30分"
    assert weekday_words(date(2026, 11, 22)) == "星期日"
    assert ordinal(3) == "三"
    assert enumerated(["甲", "乙", "丙"], at_most=2) == "甲、乙等3个"


def test_each_day_is_judged_by_its_edition():
    before, after = (edition_in_force("std_aqi_breakpoints", day) for day in (date(2026, 2, 28), date(2026, 3, 1)))
    assert before.dated_words == "HJ 633-2012（表1，有效期至2026年2月28日）"
    assert after.dated_words == "HJ 633-2026（表3，自2026年3月1日起施行）"
    limits = edition_in_force("std_ambient_limits", date(2031, 1, 1), zone_class=2, averaging_period=["24h", "8h"])
    assert limits.dated_words == "GB 3095-2026（最终限值，自2031年1月1日起施行）"


def test_a_seed_that_names_two_standards_for_a_day_is_refused():
    with pytest.raises(ReportError, match="several standards"):
        edition_in_force("std_air_validity", date(2026, 3, 1))
    with pytest.raises(ReportError, match="no row in force"):
        edition_in_force("std_air_validity", date(2026, 3, 1), statistic_code="unknown")


def test_every_clause_of_the_seeds_has_a_chinese_wording():
    clauses = {clause for seed in STANDARD_SEEDS for clause in seed_rows(seed)["clause"].unique()}
    left = {clause: clause_words(clause) for clause in clauses if re.search("[a-z]{2}", clause_words(clause))}
    assert not left


def _paths(svg: str, colour: str) -> list[str]:
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own text
    return [
        element.attrib["d"]
        for element in root.iter("{http://www.w3.org/2000/svg}path")
        if element.attrib.get("stroke") == colour and "h12" not in element.attrib["d"]
    ]


def test_a_missing_value_is_a_gap_and_not_a_zero():
    values = [1.0, 2.0, None, 3.0, 4.0, None, 5.0]
    svg = LineChart([Series("甲", values)], [Tick(0, "0时")], unit="µg/m³").svg()
    (path,) = _paths(svg, "#0072b2")
    assert path.count("M") == 3
    assert path.count("L") == 2
    assert svg.count("<circle") == 1, "a value between two gaps would be invisible as a line"


def test_a_chart_without_values_says_so():
    svg = LineChart([Series("甲", [None, None])], [], unit="AQI", bands=[Band(0, 50, "#00ff00")]).svg()
    assert "无有效数据" in svg


def test_the_limit_steps_where_it_changes():
    limit = Series("限值", [75.0, 75.0, 60.0, 60.0])
    (path,) = _paths(LineChart([Series("甲", [1.0] * 4)], [], unit="", limit=limit).svg(), "#c00000")
    assert path.count("V") == 1


def test_names_cannot_break_the_drawing():
    svg = LineChart([Series('<A & "B">', [1.0])], [], unit="<").svg()
    ElementTree.fromstring(svg)  # noqa: S314 - our own text
    assert "&lt;A &amp;" in svg


@pytest.mark.parametrize("highest", [0.0, 0.3, 1.0, 7.0, 12.0, 49.0, 51.0, 120.0, 275.0, 499.0, 1200.0])
def test_an_axis_holds_its_values_with_few_round_steps(highest: float):
    top, step = nice_ceiling(highest)
    assert top >= highest
    assert 2 <= round(top / step) <= 6
    assert f"{step:g}".lstrip("0.")[0] in "125"
