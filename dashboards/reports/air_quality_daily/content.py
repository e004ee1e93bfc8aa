"""Content of the air-quality daily: sentences, tables and charts of one business date, from published marts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from dashboards.map.zones import zones_from_rows
from dashboards.reports.air_quality_daily.gaps import HOURS, gaps_section, missing_hours
from dashboards.reports.air_quality_daily.notes import notes_items, origin_section
from dashboards.reports.air_quality_daily.prose import summary_sentences
from dashboards.reports.air_quality_daily.station_days import (
    Pollutant,
    StationDay,
    pollutants_on,
    station_days,
)
from dashboards.reports.charts import Band, LineChart, Series, Tick
from dashboards.reports.chinese import MISSING, enumerated, month_day_words
from dashboards.reports.report_file import Content, Marts, ReportError
from dashboards.reports.standards_cited import rows_in_force
from dashboards.reports.station_map import StationMark, station_map

COURSE_DAYS = 30
_NO_LEVEL = "#c3cad4"
_DARK_INK, _LIGHT_INK = "#1f2937", "#ffffff"


def content(marts: Marts, day: date) -> Content:
    """Return what the daily of `day` says.

    Args:
        marts: rows of `fct_air_quality_daily` (30 days up to `day`), `fct_air_quality_hourly` (the day),
            `dim_monitoring_stations` and `dim_zones`.
        day: the business date (Asia/Shanghai).

    Raises:
        ReportError: the marts hold nothing of this day, or contradict each other.
        ZoneError: a zone's boundary is no area.
    """
    days, hours = marts["fct_air_quality_daily"], marts["fct_air_quality_hourly"]
    today = days.filter(pl.col("business_date") == day)
    if today.is_empty():
        message = (
            f"fct_air_quality_daily: no row of {day}, so there is nothing to report. Land and publish that day first."
        )
        raise ReportError(message)
    pollutants = pollutants_on(day, today)
    dimension = marts["dim_monitoring_stations"]
    stations = station_days(dimension, today, pollutants)
    yesterday = days.filter(pl.col("business_date") == day - timedelta(days=1))
    before = {each.station_id: each for each in station_days(dimension, yesterday, pollutants) if each.has_row}
    colours = _level_colours(day)
    missing = missing_hours(stations, hours, pollutants)
    zones = zones_from_rows(marts["dim_zones"])
    return {
        "origin": origin_section(days, hours),
        "summary": {
            "sentences": summary_sentences(day, stations, before, pollutants),
            "cards": _cards(stations, pollutants, colours),
        },
        "stations": _stations_section(stations, pollutants, colours),
        "hourly_course": {"charts": _hourly_charts(day, stations, hours, colours)},
        "monthly_course": _monthly_course(day, stations, days),
        "station_map": {
            "svg": station_map(zones, [_mark(station, colours) for station in stations]),
            "legend": _legend(day),
        },
        "gaps": gaps_section(day, stations, missing, pollutants),
        "notes": {"items": notes_items(day, today, marts)},
    }


def _level_colours(day: date) -> dict[int, str]:
    rows = rows_in_force("std_aqi_levels", day)
    return {int(row["aqi_level"]): str(row["colour_hex"]) for row in rows.iter_rows(named=True)}


def _ink(fill: str) -> str:
    """Return the ink that is readable on a colour: relative luminance as WCAG 2 weighs it, without its gamma."""
    red, green, blue = (int(fill[start : start + 2], 16) for start in (1, 3, 5))
    return _DARK_INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 120 else _LIGHT_INK


def _fill(station: StationDay, colours: Mapping[int, str]) -> str:
    return _NO_LEVEL if station.level is None else colours.get(station.level, _NO_LEVEL)


def _cards(
    stations: Sequence[StationDay], pollutants: Sequence[Pollutant], colours: Mapping[int, str]
) -> list[dict[str, str]]:
    judged = [station for station in stations if station.aqi is not None]
    pm25 = next(each for each in pollutants if each.code == "pm25")
    if judged:
        highest = max(station.aqi or 0 for station in judged)
        worst = [station for station in judged if station.aqi == highest]
        where = worst[0].name if len(worst) == 1 else f"{worst[0].name}等{len(worst)}站"
        codes = dict.fromkeys(code for station in worst for code in station.primary)
        symbols = {each.code: each.heading for each in pollutants}
        primary = enumerated([symbols.get(code, code) for code in codes]) or "无"
        fill = _fill(worst[0], colours)
        index = _card("AQI最高值", str(highest), where)
        level = _card("最差级别", worst[0].level_name or MISSING, f"首要污染物：{primary}", fill, _ink(fill))
    else:
        index, level = _card("AQI最高值", MISSING, "无有效评价"), _card("最差级别", MISSING, "不作评价")
    known = [(value, station) for station in stations if (value := station.values["pm25"]) is not None]
    top = max(known, key=lambda pair: pair[0], default=None)
    figure = MISSING if top is None else pm25.printed(top[0], is_exceeded="pm25" in top[1].exceeded)
    return [
        index,
        level,
        _card(f"{pm25.symbol}日均最高", figure, f"{pm25.unit_symbol}，限值{pm25.printed_limit}"),
        _card("有效评价站点", f"{len(judged)}个", f"共{len(stations)}个空气站"),
    ]


def _card(label: str, figure: str, note: str, fill: str = "", ink: str = "") -> dict[str, str]:
    return {"label": label, "figure": figure, "note": note, "fill": fill, "ink": ink}


def _stations_section(
    stations: Sequence[StationDay], pollutants: Sequence[Pollutant], colours: Mapping[int, str]
) -> dict[str, Any]:
    symbols = {each.code: each.heading for each in pollutants}
    rows = []
    for station in stations:
        fill = "" if station.level is None else _fill(station, colours)
        rows.append(
            {
                "name": station.name,
                "zone": station.zone_name,
                "values": [
                    {
                        "figure": each.printed(station.values[each.code], is_exceeded=each.code in station.exceeded),
                        "is_exceeded": each.code in station.exceeded,
                    }
                    for each in pollutants
                ],
                "aqi": MISSING if station.aqi is None else str(station.aqi),
                "level": station.level_name or "不评价",
                "fill": fill,
                "ink": _ink(fill) if fill else _DARK_INK,
                "primary": enumerated([symbols.get(code, code) for code in station.primary]) or MISSING,
            }
        )
    return {
        "columns": [{"heading": each.heading, "unit": each.unit_symbol} for each in pollutants],
        "limits": [each.printed_limit for each in pollutants],
        "rows": rows,
    }


def _hourly_charts(
    day: date, stations: Sequence[StationDay], hours: pl.DataFrame, colours: Mapping[int, str]
) -> list[dict[str, str]]:
    ticks = [Tick(hour, f"{hour}时") for hour in (0, 3, 6, 9, 12, 15, 18, 21, 23)]
    levels = rows_in_force("std_aqi_levels", day).sort("aqi_level")
    bands = [
        Band(0 if low <= 1 else low - 1, high, colours[level])
        for level, low, high in levels.select("aqi_level", "aqi_low", "aqi_high").iter_rows()
    ]
    index = LineChart(_by_hour(stations, hours, "aqi"), ticks, unit="AQI", bands=bands)
    pm25 = LineChart(_by_hour(stations, hours, "pm25_ug_per_m3"), ticks, unit="µg/m³")
    return [
        {
            "title": "小时空气质量指数（AQI）",
            "svg": index.svg(),
            "note": "背景色带为空气质量级别；曲线中断处为无有效小时值。",
        },
        {"title": "PM2.5小时浓度", "svg": pm25.svg(), "note": "曲线中断处为无有效小时值。"},
    ]


def _by_hour(stations: Sequence[StationDay], hours: pl.DataFrame, column: str) -> list[Series]:
    values = {(row["station_id"], row["hour_of_day"]): row[column] for row in hours.iter_rows(named=True)}
    names = _short_names(stations)
    return [Series(name, [values.get((each.station_id, hour)) for hour in HOURS]) for each, name in names]


def _short_names(stations: Sequence[StationDay]) -> list[tuple[StationDay, str]]:
    """Return stations with names for a legend: what every name ends in says nothing there."""
    kind = "空气站"
    if all(len(station.name) > len(kind) and station.name.endswith(kind) for station in stations):
        return [(station, station.name.removesuffix(kind)) for station in stations]
    return [(station, station.name) for station in stations]


def _monthly_course(day: date, stations: Sequence[StationDay], days: pl.DataFrame) -> dict[str, Any]:
    dates = [day - timedelta(days=back) for back in reversed(range(COURSE_DAYS))]
    rows = {(row["station_id"], row["business_date"]): row for row in days.iter_rows(named=True)}
    limits_by_day = {row["business_date"]: row["pm25_limit_ug_per_m3"] for row in rows.values()}
    series = [
        Series(name, [rows.get((each.station_id, date_), {}).get("pm25_ug_per_m3") for date_ in dates])
        for each, name in _short_names(stations)
    ]
    limits = [limits_by_day.get(date_) for date_ in dates]
    # Every fifth day, counted back from the last one, which is always labelled.
    ticks = [Tick(index, f"{dates[index].month}/{dates[index].day}") for index in range(COURSE_DAYS - 1, -1, -5)]
    chart = LineChart(series, ticks, unit="µg/m³", limit=Series("二级日均限值", limits))
    exceeded = sum("pm25" in (row["exceeded_pollutants"] or "").split(",") for row in rows.values())
    valid = sum(row["pm25_ug_per_m3"] is not None for row in rows.values())
    span = f"{month_day_words(dates[0])}至{month_day_words(day)}"
    withheld = len(stations) * COURSE_DAYS - valid
    above = f"其中{exceeded}个站日超过当日有效的二级浓度限值" if exceeded else "均未超过当日有效的二级浓度限值"
    missing = f"；另有{withheld}个站日无有效日均值" if withheld else ""
    return {
        "charts": [{"title": f"{span}各站PM2.5日均浓度", "svg": chart.svg(), "note": _limit_note(dates, limits)}],
        "sentences": [
            f"{span}，各站取得PM2.5有效日均值{valid}个站日，{above}{missing}。"
            if valid
            else f"{span}，各站均无PM2.5有效日均值。"
        ],
    }


def _limit_note(dates: Sequence[date], limits: Sequence[float | None]) -> str:
    """Say which limit counted from which day on."""
    steps: list[tuple[date, float]] = []
    for date_, limit in zip(dates, limits, strict=True):
        if limit is not None and (not steps or steps[-1][1] != limit):
            steps.append((date_, limit))
    if not steps:
        return "期间无有效的日均浓度限值；曲线中断处为无有效日均值。"
    words = [
        f"{limit:g} µg/m³" if index == 0 else f"自{month_day_words(since)}起{limit:g} µg/m³"
        for index, (since, limit) in enumerate(steps)
    ]
    return f"虚线为当日有效的二级日均浓度限值（{'，'.join(words)}）；曲线中断处为无有效日均值。"


def _mark(station: StationDay, colours: Mapping[int, str]) -> StationMark:
    fill = _fill(station, colours)
    figure = MISSING if station.aqi is None else str(station.aqi)
    return StationMark(station.name, station.longitude, station.latitude, figure, fill, _ink(fill))


def _legend(day: date) -> list[dict[str, str]]:
    entries = []
    for row in rows_in_force("std_aqi_levels", day).sort("aqi_level").iter_rows(named=True):
        span = f"{row['aqi_low']}—{row['aqi_high']}" if row["aqi_high"] is not None else f">{row['aqi_low'] - 1}"
        entries.append({"label": f"{row['aqi_level_name']} {span}", "fill": str(row["colour_hex"])})
    return [*entries, {"label": "不评价", "fill": _NO_LEVEL}]
