"""The sentences of the daily: what an official would write from these figures, and nothing the figures do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from dashboards.reports.air_quality_daily.station_days import Pollutant, StationDay
from dashboards.reports.chinese import day_words, enumerated, ordinal


def summary_sentences(
    day: date, stations: Sequence[StationDay], before: Mapping[str, StationDay], pollutants: Sequence[Pollutant]
) -> list[str]:
    """Return the sentences of the summary, in order.

    Args:
        day: the business date.
        stations: the day, every station.
        before: the day before by station id; stations without a row then are missing.
        pollutants: the six items.
    """
    sentences = [_coverage(day, stations)]
    judged = [station for station in stations if station.aqi is not None]
    if judged:
        sentences.append(_worst(day, judged, before, pollutants))
    sentences.append(_particles(stations, before, next(each for each in pollutants if each.code == "pm25")))
    sentences.extend(_exceedances(stations, pollutants))
    return sentences


def primary_words(codes: Sequence[str], pollutants: Sequence[Pollutant]) -> str:
    """Return the primary pollutants by full name and symbol, 无 where there is none."""
    names = {each.code: full_name(each) for each in pollutants}
    return enumerated([names.get(code, code) for code in codes]) or "无"


def full_name(pollutant: Pollutant) -> str:
    """Return 细颗粒物（PM2.5） or, for the ozone of a day, 臭氧日最大8小时（O₃-8h）."""
    name = f"{pollutant.name}日最大8小时" if pollutant.averaging_period == "8h" else pollutant.name
    return f"{name}（{pollutant.heading}）"


def _coverage(day: date, stations: Sequence[StationDay]) -> str:
    judged = [station for station in stations if station.aqi is not None]
    start = f"{day_words(day)}，全区{len(stations)}个空气站"
    if not judged:
        return f"{start}有效监测数据均不足，当日不作空气质量评价。"
    levels = _levels(judged)
    if len(judged) == len(stations):
        return f"{start}均取得有效日评价结果，{levels}。"
    left_out = enumerated([station.name for station in stations if station.aqi is None])
    return f"{start}中，{len(judged)}个取得有效日评价结果，{levels}；{left_out}有效监测数据不足，不作评价。"


def _levels(judged: Sequence[StationDay]) -> str:
    counts: dict[tuple[int, str], int] = {}
    for station in judged:
        key = (station.level or 0, station.level_name or "")
        counts[key] = counts.get(key, 0) + 1
    if len(counts) == 1:
        (_, name), number = next(iter(counts.items()))
        return f"空气质量{'均' if number > 1 else ''}为{name}"
    return "其中" + "、".join(f"{name}{number}个" for (_, name), number in sorted(counts.items()))


def _worst(
    day: date, judged: Sequence[StationDay], before: Mapping[str, StationDay], pollutants: Sequence[Pollutant]
) -> str:
    highest = max(station.aqi or 0 for station in judged)
    worst = [station for station in judged if station.aqi == highest]
    level = f"属{ordinal(worst[0].level or 0)}级（{worst[0].level_name}）"
    if len(worst) > 1:
        names = enumerated([station.name for station in worst], at_most=3)
        codes = tuple(dict.fromkeys(code for station in worst for code in station.primary))
        primary = f"首要污染物为{primary_words(codes, pollutants)}" if codes else "无首要污染物"
        return f"全区空气质量指数（AQI）最高值为{highest}，出现在{names}，{level}，{primary}。"
    station = worst[0]
    primary = f"首要污染物为{primary_words(station.primary, pollutants)}" if station.primary else "无首要污染物"
    comparison = _index_comparison(day, station, before.get(station.station_id))
    return f"全区空气质量指数（AQI）最高值出现在{station.name}，为{highest}，{level}，{primary}；{comparison}。"


def _index_comparison(day: date, station: StationDay, before: StationDay | None) -> str:
    if before is None or before.aqi is None or station.aqi is None:
        return "该站前一日无有效评价结果，不作比较"
    if before.standard_code != station.standard_code:
        return f"自{day_words(day)}起改按{station.standard_code}评价，AQI与前一日不可比"
    return f"该站AQI{_change(Decimal(station.aqi), Decimal(before.aqi))}"


def _change(now: Decimal, before: Decimal, unit: str = "") -> str:
    if now == before:
        return "与前一日持平"
    return f"较前一日{'上升' if now > before else '下降'}{abs(now - before)}{unit}"


def _particles(stations: Sequence[StationDay], before: Mapping[str, StationDay], pm25: Pollutant) -> str:
    known = [(station, value) for station in stations if (value := station.values["pm25"]) is not None]
    if not known:
        return f"各站{full_name(pm25)}有效小时数均不足，当日不统计日均浓度。"
    top, highest = max(known, key=lambda pair: pair[1])
    low = pm25.printed(min(value for _, value in known))
    high = pm25.printed(highest, is_exceeded="pm25" in top.exceeded)
    unit = pm25.unit_words
    limit = _against_limit(pm25, is_exceeded="pm25" in top.exceeded)
    comparison = _concentration_comparison(top, before.get(top.station_id), pm25)
    if len(known) == 1:
        return f"{full_name(pm25)}仅{top.name}有有效日均浓度，为{high}{unit}，{limit}；该站{comparison}。"
    if low == high:
        return f"各站{full_name(pm25)}日均浓度均为{high}{unit}，{limit}。"
    return f"各站{full_name(pm25)}日均浓度为{low}—{high}{unit}，最高值出现在{top.name}，{limit}；该站{comparison}。"


def _against_limit(pollutant: Pollutant, *, is_exceeded: bool) -> str:
    if pollutant.limit is None:
        return "当日无有效日均浓度限值"
    return f"{'超过' if is_exceeded else '未超过'}二级浓度限值（{pollutant.printed_limit}{pollutant.unit_words}）"


def _concentration_comparison(station: StationDay, before: StationDay | None, pollutant: Pollutant) -> str:
    value = station.values[pollutant.code]
    value_before = None if before is None else before.values[pollutant.code]
    if value is None or value_before is None:
        return f"前一日无有效{pollutant.symbol}日均浓度，不作比较"
    # The difference of what is printed: a reader who takes the two tables and subtracts must find the same.
    now = Decimal(pollutant.printed(value, is_exceeded=pollutant.code in station.exceeded))
    then = Decimal(pollutant.printed(value_before))
    return f"{pollutant.symbol}日均浓度{_change(now, then, pollutant.unit_words)}"


def _exceedances(stations: Sequence[StationDay], pollutants: Sequence[Pollutant]) -> list[str]:
    if all(value is None for station in stations for value in station.values.values()):
        return []
    exceeding = [station for station in stations if station.exceeded]
    if not exceeding:
        return ["已取得有效日值的监测项目均未超过二级浓度限值。"]
    by_items: dict[str, list[str]] = {}
    for station in exceeding:
        items = enumerated([each.heading for each in pollutants if each.code in station.exceeded])
        by_items.setdefault(items, []).append(station.name)
    if len(exceeding) == len(stations) > 1 and len(by_items) == 1:
        return [f"{len(stations)}个空气站均超过二级浓度限值，超标项目均为{next(iter(by_items))}。"]
    clauses = [f"{enumerated(names)}（{items}）" for items, names in by_items.items()]
    return [f"超过二级浓度限值的站点共{len(exceeding)}个：{'；'.join(clauses)}。"]
