"""What the data of the day could not say: hours without a value, means and indices withheld for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from dashboards.reports.air_quality_daily.station_days import Pollutant, StationDay
from dashboards.reports.chinese import enumerated, hour_ranges, rounded
from dashboards.reports.report_file import ReportError
from dashboards.reports.standards_cited import rows_in_force

HOURS = range(24)
MissingHours = Mapping[str, Mapping[str, tuple[int, ...]]]
"""station id → pollutant code → hours of the day (0 to 23) without a value."""


def missing_hours(stations: Sequence[StationDay], hours: pl.DataFrame, pollutants: Sequence[Pollutant]) -> MissingHours:
    """Return which hours lack which item; an hour without a row lacks all of them.

    Args:
        stations: every air station.
        hours: rows of one day of `fct_air_quality_hourly`.
        pollutants: the six items.
    """
    present: dict[tuple[str, str], set[int]] = {}
    for row in hours.iter_rows(named=True):
        for pollutant in pollutants:
            if row[pollutant.hour_column] is not None:
                present.setdefault((row["station_id"], pollutant.code), set()).add(row["hour_of_day"])
    return {
        station.station_id: {
            each.code: tuple(hour for hour in HOURS if hour not in present.get((station.station_id, each.code), ()))
            for each in pollutants
        }
        for station in stations
    }


def gaps_section(
    day: date, stations: Sequence[StationDay], missing: MissingHours, pollutants: Sequence[Pollutant]
) -> dict[str, Any]:
    """Return sentences and table rows of the section."""
    minima = {"24h": _minimum("day_mean", day), "8h": _minimum("daily_maximum_8h_mean", day)}
    rows = [
        {
            "station": station.name,
            "missing": _missing_words(missing[station.station_id], pollutants),
            "effect": _effect(station, pollutants, minima),
        }
        for station in stations
        if any(missing[station.station_id].values()) or station.aqi is None
    ]
    return {"sentences": [_totals(stations, missing, pollutants)], "rows": rows}


def _totals(stations: Sequence[StationDay], missing: MissingHours, pollutants: Sequence[Pollutant]) -> str:
    expected = len(stations) * len(pollutants) * len(HOURS)
    lost = sum(len(hours) for items in missing.values() for hours in items.values())
    start = f"当日{len(stations)}个空气站{len(pollutants)}项污染物应有小时值{expected}个"
    if not lost:
        return f"{start}，实有{expected}个，数据完整，无缺测时段。"
    share = rounded(100 * (expected - lost) / expected, 1)
    withheld = [station.name for station in stations if station.aqi is None]
    if not withheld:
        end = "缺测未影响各站日AQI发布。"
    elif len(withheld) == len(stations):
        end = f"全部{len(stations)}个空气站日AQI均不予发布。"
    else:
        end = f"{enumerated(withheld)}日AQI不予发布。"
    return f"{start}，实有{expected - lost}个，缺测{lost}个，有效数据获取率为{share}%。{end}"


def _missing_words(missing: Mapping[str, tuple[int, ...]], pollutants: Sequence[Pollutant]) -> str:
    """Return items grouped by the hours they lack: SO₂、NO₂：3—5时；CO：全天."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for pollutant in pollutants:
        if missing[pollutant.code]:
            groups.setdefault(missing[pollutant.code], []).append(pollutant.symbol)
    if not groups:
        return "小时值齐全"
    words = []
    for hours, symbols in groups.items():
        items = "全部项目" if len(symbols) == len(pollutants) else enumerated(symbols)
        words.append(f"{items}：{hour_ranges(hours)}（{len(hours)}小时）")
    return "；".join(words)


def _effect(station: StationDay, pollutants: Sequence[Pollutant], minima: Mapping[str, int]) -> str:
    if not station.has_row:
        return "当日无任何记录，不统计日值，AQI不予发布"
    parts: list[str] = []
    for period, counted, withheld in (("24h", "有效小时", "日均值"), ("8h", "有效8小时滑动窗口", "日最大8小时值")):
        by_count: dict[int, list[str]] = {}
        for each in pollutants:
            if each.averaging_period == period and station.values[each.code] is None:
                by_count.setdefault(station.counts[each.code], []).append(each.symbol)
        parts.extend(
            f"{enumerated(symbols)}{counted}{count}个，不足{minima[period]}个，不统计{withheld}"
            for count, symbols in by_count.items()
        )
    if station.aqi is None:
        parts.append("AQI不予发布")
        if station.aqi_at_least is not None:
            parts[-1] += f"（按已有项目计算，不低于{station.aqi_at_least}）"
    return "；".join(parts) or "不影响日评价"


def _minimum(statistic: str, day: date) -> int:
    rows = rows_in_force("std_air_validity", day).filter(pl.col("statistic_code") == statistic)
    if rows.height != 1:
        message = f"std_air_validity, {day}, {statistic}: {rows.height} rows in force where one is needed; correct it."
        raise ReportError(message)
    return int(rows["minimum_count"].item())
