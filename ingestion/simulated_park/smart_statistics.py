"""The newer statistics system: one long table, unified credit codes, ten thousand yuan, rounded twice.

Shape after statistics reference §13. `value` is the month, `cum_value` the year to date; January is not reported and
February has the cumulative value only (§2.1). Its output of five enterprises differs from the older system's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.calendar_months import local_time, month_end, months_from
from ingestion.simulated_park.economic_information import Figures
from ingestion.simulated_park.enterprises import Enterprise
from ingestion.simulated_park.park_economy import MonthlyFigures, same_month_last_year, year_to_date_months
from ingestion.simulated_park.planted_defects import PlantedDefect
from ingestion.simulated_park.sqlite_image import Cell, ColumnType, TableImage
from lakehouse.settings import PARK_TIME_ZONE

OUTPUT_INDICATOR = 101
EXPORT_INDICATOR = 103
EXPORT_REDEFINED_ON = date(2025, 1, 1)
DEVIATING_COUNT = 5
_EXPORT_SHARE_AFTER = 0.92
_UNTIDY_CODE_OF = 3
_UNTIDY_NAME_OF = 4
_VALUE, _SUBMITTED = 4, 9  # places in a row of indicator_value
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class _Indicator:
    """An indicator; `per_unit` turns the base value into the shown unit, `has_month` tells whether months are kept."""

    indicator_id: int
    code: str
    name: str
    unit: str
    value: Callable[[MonthlyFigures], float]
    per_unit: float
    has_month: bool = True
    is_industrial: bool = False


_INDICATORS = (
    _Indicator(101, "GOV", "工业总产值（当年价格）", "万元", lambda m: m.gross_output, 10, is_industrial=True),
    _Indicator(102, "GOV_SALES", "工业销售产值", "万元", lambda m: m.sales_output, 10, is_industrial=True),
    _Indicator(103, "EXPORT_DV", "出口交货值", "万元", lambda m: m.export_delivery, 10, is_industrial=True),
    _Indicator(201, "REV", "营业收入", "万元", lambda m: m.revenue, 10, has_month=False),
    _Indicator(202, "COST", "营业成本", "万元", lambda m: m.cost, 10, has_month=False),
    _Indicator(203, "PROFIT", "利润总额", "万元", lambda m: m.profit, 10, has_month=False),
    _Indicator(204, "VAT", "应交增值税", "万元", lambda m: m.vat_payable, 10, has_month=False),
    _Indicator(301, "ENERGY", "综合能源消费量（当量值）", "吨标准煤", lambda m: m.energy_tce, 1),
    _Indicator(302, "ELEC", "用电量", "万千瓦时", lambda m: m.electricity_kwh, 10_000),
)


def smart_statistics_tables(
    enterprises: Sequence[Enterprise], figures: Figures, *, first: date, last: date, present: datetime, seed: int
) -> tuple[list[TableImage], list[PlantedDefect]]:
    """Return the tables of the newer system and what was planted in them; arguments as for the older system."""
    chance = random.Random(f"{seed}/deviating")
    industrial = [enterprise for enterprise in enterprises if enterprise.is_industrial]
    deviations = {
        enterprise.number: chance.choice((-1, 1)) * round(chance.uniform(0.005, 0.03), 4)
        for enterprise in chance.sample(industrial, DEVIATING_COUNT)
    }
    submitted_by = present.astimezone(PARK_TIME_ZONE).strftime(_TIME_FORMAT)
    rows: list[list[Cell]] = []
    defects: list[PlantedDefect] = []
    for enterprise in enterprises:
        for indicator in _INDICATORS:
            if indicator.is_industrial and not enterprise.is_industrial:
                continue
            factor = 1 + deviations.get(enterprise.number, 0.0) if indicator.indicator_id == OUTPUT_INDICATOR else 1.0
            rows += [
                _value_row(indicator, enterprise, figures, month=month, factor=factor, seed=seed)
                for month in months_from(first, last)
                if month.month > 1
            ]
    rows = [row for row in rows if str(row[_SUBMITTED]) <= submitted_by]
    defects += _restate_months(rows, industrial, seed=seed, years=range(first.year, last.year + 1))
    for number, deviation in sorted(deviations.items()):
        key = {"company_id": 1000 + number, "indicator_id": OUTPUT_INDICATOR}
        truth: dict[str, object] = {"relative_difference": deviation}
        defects.append(PlantedDefect(f"SS-deviation-{number}", planted.DEVIATING_OUTPUT, "indicator_value", key, truth))
    if first < EXPORT_REDEFINED_ON <= last:
        key = {"indicator_id": EXPORT_INDICATOR}
        truth = {"valid_from": EXPORT_REDEFINED_ON.isoformat(), "ratio_to_old_definition": _EXPORT_SHARE_AFTER}
        defects.append(PlantedDefect("SS-export", planted.REUSED_INDICATOR, "indicator", key, truth))
    companies, untidy = _company_table(enterprises)
    values = TableImage(
        "indicator_value",
        {
            "id": "integer",
            "indicator_id": "integer",
            "company_id": "integer",
            "period": "text",
            "value": "real",
            "cum_value": "real",
            "same_period_value": "real",
            "same_period_cum_value": "real",
            "unit": "text",
            "submit_time": "text",
            "data_origin": "text",
        },
        ("id",),
        rows,
    )
    return [_indicator_table(), companies, values], [*defects, *untidy]


def _value_row(
    indicator: _Indicator, enterprise: Enterprise, figures: Figures, *, month: date, factor: float, seed: int
) -> list[Cell]:
    def in_unit(value: float, moment: date) -> float:
        is_redefined = indicator.indicator_id == EXPORT_INDICATOR and moment >= EXPORT_REDEFINED_ON
        return value * factor * (_EXPORT_SHARE_AFTER if is_redefined else 1.0) / indicator.per_unit

    def month_and_total(moment: date) -> tuple[float, float]:
        by_month = figures[enterprise.number]
        values = [in_unit(indicator.value(by_month[past]), moment) for past in year_to_date_months(moment)]
        return values[-1], sum(values)

    now, base = month_and_total(month), month_and_total(same_month_last_year(month))
    is_split = indicator.has_month and month.month > 2
    chance = random.Random(f"{seed}/smart/{enterprise.number}/{month}")
    day = month_end(month) - timedelta(days=chance.randrange(2))
    submitted_at = local_time(day, hour=chance.randrange(9, 18), minute=chance.randrange(60))
    # Rounding the month and the total apart from each other is this system's habit: they need not add up to the unit.
    return [
        int(f"{month:%Y%m}{indicator.indicator_id}{enterprise.number:03d}"),
        indicator.indicator_id,
        1000 + enterprise.number,
        f"{month:%Y-%m}",
        float(round(now[0])) if is_split else None,
        float(round(now[1])),
        float(round(base[0])) if is_split else None,
        float(round(base[1])),
        indicator.unit,
        submitted_at.strftime(_TIME_FORMAT),
        "simulated",
    ]


def _restate_months(
    rows: list[list[Cell]], industrial: Sequence[Enterprise], *, seed: int, years: range
) -> list[PlantedDefect]:
    """Raise one month of output a year and leave the totals of that year as they were."""
    by_id = {row[0]: row for row in rows}
    defects = []
    for year in years:
        chance = random.Random(f"{seed}/restated/{year}")
        enterprise, month = chance.choice(industrial), chance.randrange(4, 11)
        row_id = int(f"{year}{month:02d}{OUTPUT_INDICATOR}{enterprise.number:03d}")
        row = by_id.get(row_id)
        before = None if row is None else row[_VALUE]
        if row is None or not isinstance(before, float):
            continue
        row[_VALUE] = float(round(before * 1.06))
        truth = {"value": before, "restated_value": row[_VALUE]}
        defects.append(
            PlantedDefect(f"SS-{year}-ytd", planted.CUMULATIVE_NOT_RESTATED, "indicator_value", {"id": row_id}, truth)
        )
    return defects


def _indicator_table() -> TableImage:
    rows: list[list[Cell]] = []
    for indicator in _INDICATORS:
        is_redefined = indicator.indicator_id == EXPORT_INDICATOR
        last_day = (EXPORT_REDEFINED_ON - timedelta(days=1)).isoformat() if is_redefined else None
        head: list[Cell] = [indicator.indicator_id, indicator.code, indicator.name, indicator.unit]
        rows.append(
            [
                *head,
                1,
                "自营及委托出口、交外贸部门出口的产品价值" if is_redefined else indicator.name,
                last_day,
                "simulated",
            ]
        )
        if is_redefined:
            rows.append([*head, 2, "仅含海关出口报关的产品价值", None, "simulated"])
    columns: dict[str, ColumnType] = {
        "indicator_id": "integer",
        "indicator_code": "text",
        "indicator_name": "text",
        "unit": "text",
        "definition_version": "integer",
        "definition": "text",
        "valid_to": "text",
        "data_origin": "text",
    }
    return TableImage("indicator", columns, ("indicator_id", "definition_version"), rows)


def _company_table(enterprises: Sequence[Enterprise]) -> tuple[TableImage, list[PlantedDefect]]:
    rows: list[list[Cell]] = []
    defects = []
    for enterprise in enterprises:
        company_id = 1000 + enterprise.number
        code, name = enterprise.unified_credit_code, enterprise.name
        if enterprise.number == _UNTIDY_CODE_OF:
            code = f"{code.lower()} "
            truth: dict[str, object] = {"uscc": enterprise.unified_credit_code}
            defects.append(
                PlantedDefect("SS-code", planted.UNTIDY_CREDIT_CODE, "company", {"company_id": company_id}, truth)
            )
        if enterprise.number == _UNTIDY_NAME_OF:
            name = name.replace("有限公司", " 有限公司")
            truth = {"company_name": enterprise.name}
            defects.append(PlantedDefect("SS-name", planted.UNTIDY_NAME, "company", {"company_id": company_id}, truth))
        rows.append(
            [
                company_id,
                code,
                name,
                enterprise.industry_code,
                enterprise.registration_class,
                enterprise.zone.zone_id,
                enterprise.staff_count,
                enterprise.land_area_m2,
                "正常",
                "simulated",
            ]
        )
    columns: dict[str, ColumnType] = {
        "company_id": "integer",
        "uscc": "text",
        "company_name": "text",
        "industry_code": "text",
        "registration_class": "text",
        "zone_id": "text",
        "staff_count": "integer",
        "land_area_m2": "integer",
        "status": "text",
        "data_origin": "text",
    }
    return TableImage("company", columns, ("company_id",), rows), defects
