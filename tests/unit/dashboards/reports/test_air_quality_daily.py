"""What the daily says about good days, bad days and days that could not be judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from dashboards.reports.air_quality_daily.content import content
from dashboards.reports.report_file import ReportError

DAY = date(2026, 11, 20)
MakeMarts = Callable[..., dict[str, pl.DataFrame]]
BAD = {
    "pm25_ug_per_m3": 73.33, "aqi": 112, "aqi_at_least": 112, "aqi_level": 3, "aqi_level_name": "轻度污染",
    "primary_pollutants": "pm25", "exceeded_pollutants": "pm25", "is_exceeded": True,
}  # fmt: skip
UNJUDGED: dict[str, Any] = {
    "aqi": None, "aqi_at_least": None, "aqi_level": None, "aqi_level_name": None, "primary_pollutants": None,
}  # fmt: skip
NO_VALUES: dict[str, Any] = {
    "so2_ug_per_m3": None, "no2_ug_per_m3": None, "co_mg_per_m3": None, "o3_8h_max_ug_per_m3": None,
    "pm10_ug_per_m3": None, "pm25_ug_per_m3": None, "is_exceeded": None,
}  # fmt: skip


def _summary(marts: dict[str, pl.DataFrame], day: date = DAY) -> list[str]:
    sentences: list[str] = content(marts, day)["summary"]["sentences"]
    return sentences


def test_a_day_like_any_other_is_said_in_four_sentences(make_marts: MakeMarts):
    assert _summary(make_marts(today={"A01": BAD})) == [
        "2026年11月20日，全区2个空气站均取得有效日评价结果，其中良1个、轻度污染1个。",
        "全区空气质量指数（AQI）最高值出现在东空气站，为112，属三级（轻度污染），首要污染物为细颗粒物（PM2.5）；该站AQI较前一日上升45。",
        (
            "各站细颗粒物（PM2.5）日均浓度为40—73微克/立方米，最高值出现在东空气站，"
            "超过二级浓度限值（60微克/立方米）；该站PM2.5日均浓度较前一日上升33微克/立方米。"
        ),
        "超过二级浓度限值的站点共1个：东空气站（PM2.5）。",
    ]


def test_stations_that_share_the_highest_index_are_all_named(make_marts: MakeMarts):
    sentences = _summary(make_marts())
    assert sentences[1] == (
        "全区空气质量指数（AQI）最高值为67，出现在东空气站、西空气站，属二级（良），首要污染物为细颗粒物（PM2.5）。"
    )
    assert sentences[3] == "已取得有效日值的监测项目均未超过二级浓度限值。"


def test_a_station_without_an_index_is_named_and_never_taken_for_good(make_marts: MakeMarts):
    marts = make_marts(today={"A02": UNJUDGED | NO_VALUES})
    said = content(marts, DAY)
    assert said["summary"]["sentences"][0] == (
        "2026年11月20日，全区2个空气站中，1个取得有效日评价结果，空气质量为良；西空气站有效监测数据不足，不作评价。"
    )
    row = said["stations"]["rows"][1]
    assert (row["aqi"], row["level"], row["fill"]) == ("—", "不评价", "")
    assert {value["figure"] for value in row["values"]} == {"—"}
    assert "各站" not in said["summary"]["sentences"][2]
    assert said["summary"]["cards"][3]["figure"] == "1个"


def test_a_day_that_could_not_be_judged_has_no_worst_station(make_marts: MakeMarts):
    marts = make_marts(today=dict.fromkeys(("A01", "A02"), UNJUDGED | NO_VALUES))
    assert _summary(marts) == [
        "2026年11月20日，全区2个空气站有效监测数据均不足，当日不作空气质量评价。",
        "各站细颗粒物（PM2.5）有效小时数均不足，当日不统计日均浓度。",
    ]


def test_an_excellent_day_has_no_primary_pollutant(make_marts: MakeMarts):
    excellent = {"aqi": 43, "aqi_level": 1, "aqi_level_name": "优", "primary_pollutants": None}
    sentences = _summary(make_marts(today={"A01": excellent, "A02": excellent | {"aqi": 30}}))
    assert sentences[0].endswith("空气质量均为优。")
    assert "属一级（优），无首要污染物；该站AQI较前一日下降24。" in sentences[1]


def test_an_unchanged_index_is_level_with_the_day_before(make_marts: MakeMarts):
    assert _summary(make_marts(today={"A02": {"aqi": 60}}))[1].endswith("该站AQI与前一日持平。")


def test_without_a_day_before_nothing_is_compared(make_marts: MakeMarts):
    sentences = _summary(make_marts(today={"A01": BAD}, before={"A01": None, "A02": None}))
    assert "该站前一日无有效评价结果，不作比较。" in sentences[1]
    assert "该站前一日无有效PM2.5日均浓度，不作比较。" in sentences[2]


def test_indices_of_two_editions_are_not_compared(make_marts: MakeMarts):
    day = date(2026, 3, 1)
    assert (
        "自2026年3月1日起改按HJ 633-2026评价，AQI与前一日不可比"
        in _summary(make_marts(day, today={"A01": BAD}), day)[1]
    )


def test_a_value_above_the_limit_never_looks_equal_to_it(make_marts: MakeMarts):
    marts = make_marts(today={"A01": BAD | {"pm25_ug_per_m3": 60.04}})
    cell = content(marts, DAY)["stations"]["rows"][0]["values"][-1]
    assert cell == {"figure": "60.04", "is_exceeded": True}


def test_all_stations_above_the_same_limits_are_said_together(make_marts: MakeMarts):
    assert _summary(make_marts(today={"A01": BAD, "A02": BAD}))[3] == "2个空气站均超过二级浓度限值，超标项目均为PM2.5。"


def test_a_station_without_any_row_is_reported_as_silent(make_marts: MakeMarts):
    silent = {("A02", hour): None for hour in range(24)}
    said = content(make_marts(today={"A02": None}, hours=silent), DAY)
    assert [row["name"] for row in said["stations"]["rows"]] == ["东空气站", "西空气站"]
    assert said["gaps"]["rows"] == [
        {
            "station": "西空气站",
            "missing": "全部项目：全天（24小时）",
            "effect": "当日无任何记录，不统计日值，AQI不予发布",
        }
    ]
    assert (
        "应有小时值288个，实有144个，缺测144个，有效数据获取率为50.0%。西空气站日AQI不予发布。"
        in said["gaps"]["sentences"][0]
    )


def test_an_absent_hour_and_an_empty_one_are_the_same_gap(make_marts: MakeMarts):
    hours = {("A01", 3): None, ("A01", 4): {"o3_ug_per_m3": None}, ("A01", 11): {"o3_ug_per_m3": None}}
    gaps = content(make_marts(hours=hours), DAY)["gaps"]
    assert gaps["rows"] == [
        {
            "station": "东空气站",
            "missing": "SO₂、NO₂、CO、PM10、PM2.5：3时（1小时）；O₃：3—4时、11时（3小时）",
            "effect": "不影响日评价",
        }
    ]


def test_a_withheld_mean_says_how_many_hours_it_lacked(make_marts: MakeMarts):
    changes = UNJUDGED | {"o3_8h_max_ug_per_m3": None, "o3_8h_valid_windows": 12, "aqi_at_least": 67}
    gaps = content(make_marts(today={"A01": changes}), DAY)["gaps"]
    assert gaps["rows"][0]["effect"] == (
        "O₃有效8小时滑动窗口12个，不足14个，不统计日最大8小时值；AQI不予发布（按已有项目计算，不低于67）"
    )


def test_a_complete_day_says_so(make_marts: MakeMarts):
    gaps = content(make_marts(), DAY)["gaps"]
    assert gaps == {
        "sentences": ["当日2个空气站6项污染物应有小时值288个，实有288个，数据完整，无缺测时段。"], "rows": []
    }  # fmt: skip


@pytest.mark.parametrize(
    ("origins", "label"),
    [
        (("measured", "measured"), "实测数据"),
        (("replayed", "measured"), "回放数据"),
        (("simulated", "replayed"), "模拟数据"),
    ],
)
def test_the_worst_origin_is_printed(make_marts: MakeMarts, origins: tuple[str, str], label: str):
    marts = make_marts(
        today={"A01": {"data_origin": origins[0]}, "A02": {"data_origin": origins[1]}},
        before={"A01": None, "A02": None},
        hours={(station, hour): {"data_origin": "measured"} for station in ("A01", "A02") for hour in range(24)},
    )
    origin = content(marts, DAY)["origin"]
    assert origin["label"] == label
    assert origin["is_measured"] == (label == "实测数据")


def test_an_origin_nobody_knows_is_refused(make_marts: MakeMarts):
    with pytest.raises(ReportError, match="guessed is none of measured"):
        content(make_marts(today={"A01": {"data_origin": "guessed"}}), DAY)


def test_the_notes_name_the_edition_in_force_and_the_original_days(make_marts: MakeMarts):
    notes = content(make_marts(), DAY)["notes"]["items"]
    assert notes[0] == (
        "评价标准：空气质量指数及首要污染物按HJ 633-2026（表3，自2026年3月1日起施行）评价；"
        "浓度限值采用GB 3095-2026（过渡期限值，自2026年3月1日起施行，有效期至2030年12月31日）的二级浓度限值。"
    )
    assert "回放说明：当日小时值取自真实监测站2017年2月26日的监测记录，按整日平移。" in notes


def test_rows_judged_by_another_edition_than_the_one_in_force_are_refused(make_marts: MakeMarts):
    marts = make_marts(today={station: {"standard_code": "HJ 633-2012"} for station in ("A01", "A02")})
    with pytest.raises(ReportError, match="judged by HJ 633-2012, in force is HJ 633-2026"):
        content(marts, DAY)


def test_stations_judged_by_two_limits_are_refused(make_marts: MakeMarts):
    with pytest.raises(ReportError, match="pm25_limit_ug_per_m3: several limits on one day"):
        content(make_marts(today={"A01": {"pm25_limit_ug_per_m3": 75.0}}), DAY)


def test_a_day_without_rows_is_refused_with_a_remedy(make_marts: MakeMarts):
    with pytest.raises(ReportError, match=r"no row of 2026-11-20.*Land and publish that day first"):
        content(make_marts(today={"A01": None, "A02": None}), DAY)


def test_a_limit_that_changed_within_the_month_is_dated(make_marts: MakeMarts):
    day = date(2026, 3, 1)
    old = {"pm25_limit_ug_per_m3": 75.0}
    course = content(make_marts(day, before={"A01": old, "A02": old}), day)["monthly_course"]
    assert "（75 µg/m³，自3月1日起60 µg/m³）" in course["charts"][0]["note"]
    assert course["sentences"] == [
        "1月31日至3月1日，各站取得PM2.5有效日均值4个站日，均未超过当日有效的二级浓度限值；另有56个站日无有效日均值。"
    ]


def test_the_map_shows_every_station_with_its_index(make_marts: MakeMarts):
    svg = content(make_marts(today={"A01": BAD, "A02": UNJUDGED | NO_VALUES}), DAY)["station_map"]["svg"]
    assert ">112</text>" in svg
    assert ">—</text>" in svg
    assert 'fill="#FF7E00"' in svg
