"""Where the figures come from and by which standards they were judged, as the report prints it."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from dashboards.reports.air_quality_daily.station_days import ZONE_CLASS
from dashboards.reports.chinese import day_words, ordinal
from dashboards.reports.report_file import Marts, ReportError
from dashboards.reports.standards_cited import Edition, edition_in_force
from lakehouse.settings import PARK_TIME_ZONE

# From the best to the worst origin; the report shows the worst that is present.
_ORIGINS = ("measured", "replayed", "simulated")
_LABELS = {"measured": "实测数据", "replayed": "回放数据", "simulated": "模拟数据"}
_STATEMENTS = {
    "measured": "本期数据为园区空气站实测数据。",
    "replayed": "本期数据为真实历史监测序列的回放，不代表园区当日实际空气质量。",
    "simulated": "本期含模拟数据，不代表园区当日实际空气质量。",
}


def origin_section(days: pl.DataFrame, hours: pl.DataFrame) -> dict[str, Any]:
    """Return the worst origin among the rows shown, and what it means.

    Raises:
        ReportError: a row has an origin the report cannot name.
    """
    present = {*days["data_origin"].to_list(), *hours["data_origin"].to_list()}
    unknown = sorted(str(origin) for origin in present if origin not in _ORIGINS)
    if unknown:
        message = f"data_origin: {', '.join(unknown)} is none of {', '.join(_ORIGINS)}; correct the source file."
        raise ReportError(message)
    worst = max(present, key=_ORIGINS.index)
    return {"label": _LABELS[worst], "statement": _STATEMENTS[worst], "is_measured": worst == "measured"}


def notes_items(day: date, today: pl.DataFrame, marts: Marts) -> list[str]:
    """Return the notes in the order of their numbers.

    Args:
        day: the business date.
        today: rows of the day of `fct_air_quality_daily`.
        marts: all marts of the report.

    Raises:
        ReportError: the standards in force by the seeds are not those that judged the rows.
    """
    index = edition_in_force("std_aqi_breakpoints", day)
    limits = edition_in_force("std_ambient_limits", day, zone_class=ZONE_CLASS, averaging_period=["24h", "8h"])
    _require_same(day, "standard_code", today, index)
    _require_same(day, "limit_standard_code", today, limits)
    means = edition_in_force("std_air_validity", day, statistic_code=["day_mean", "running_8h_mean"])
    ozone = edition_in_force("std_air_validity", day, statistic_code="daily_maximum_8h_mean")
    limit_class = f"{ordinal(ZONE_CLASS)}级浓度限值"
    return [
        f"评价标准：空气质量指数及首要污染物按{index.dated_words}评价；浓度限值采用{limits.dated_words}的{limit_class}。",
        f"数据有效性：日均值按{means.words}判定，O₃日最大8小时平均值按{ozone.words}判定；有效数据不足的不统计、不评价。",
        "统计口径：日期按北京时间自然日（0时至24时）；SO₂、NO₂、CO、PM10、PM2.5为日均浓度，O₃-8h为日最大8小时滑动平均浓度。",
        "数值修约：按GB/T 8170修约；修约后与限值相同而实际超过限值的，多列小数位以示区别。",
        "表中符号：“▲”表示超过限值，“—”表示无有效值或无首要污染物。",
        *_replay(marts["fct_air_quality_hourly"]),
        *_sketched(marts),
    ]


def _require_same(day: date, column: str, today: pl.DataFrame, edition: Edition) -> None:
    found = sorted(today[column].unique().to_list())
    if found != [edition.standard_code]:
        message = (
            f"fct_air_quality_daily, {day}, {column}: the rows were judged by {', '.join(found)}, in force is "
            f"{edition.standard_code}. Judge and build that day again, then publish."
        )
        raise ReportError(message)


def _replay(hours: pl.DataFrame) -> list[str]:
    """Return the original dates of replayed hours, where they differ from the report's day."""
    # A day without any replayed hour arrives as a column of nulls, which has no type yet.
    source = pl.col("source_measured_at").cast(pl.Datetime("us", "UTC"))
    shifted = hours.filter((pl.col("data_origin") == "replayed") & (source != pl.col("measured_at")))
    days = shifted.select(source.dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date()).to_series().to_list()
    if not days:
        return []
    first, last = min(days), max(days)
    span = day_words(first) if first == last else f"{day_words(first)}至{day_words(last)}"
    return [f"回放说明：当日小时值取自真实监测站{span}的监测记录，按整日平移。"]


def _sketched(marts: Marts) -> list[str]:
    marks = {mark for name in ("dim_zones", "dim_monitoring_stations") for mark in marts[name]["source_mark"].to_list()}
    return ["位置说明：分区边界与站点位置为示意，非测绘成果。"] if "synthetic" in marks else []
