"""Monthly figures of the invented enterprises, calibrated on the park's published totals.

Sources of the anchors: statistics reference §9 (the park's published yearly output, growth, profit and tax; years
between are interpolated there). Shares, noise and turnarounds follow its "simulation shape". Every figure of a month is
the same whatever period is asked for.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date

from ingestion.simulated_park.calendar_months import month_after, months_from
from ingestion.simulated_park.enterprises import Enterprise
from ingestion.simulated_park.errors import PeriodTooEarlyError

FIRST_MONTH = date(2010, 1, 1)

# Gross industrial output of the park in 亿元, current prices.
_OUTPUT_BY_YEAR = {2019: 1010.0, 2020: 1015.7, 2021: 1401.6, 2022: 1250.0, 2023: 1145.0, 2024: 1240.0, 2025: 1290.0}
_GROWTH_BEFORE = 1.047
_GROWTH_AFTER = 1.04
# Profit per revenue; later years go on with the last one.
_MARGIN_BY_YEAR = {2019: 0.139, 2020: 0.15, 2021: 0.185, 2022: 0.10, 2023: 0.05, 2024: 0.082, 2025: 0.085}
_SEASON = (0.985, 0.925, 1.015, 1.0, 1.015, 0.995, 0.995, 0.99, 1.0, 1.015, 1.02, 1.045)
_YUAN_PER_YI = 100_000_000
_PARK_ENERGY_TCE = 770_000.0
_PARK_ELECTRICITY_KWH = 625_000_000.0
_PARK_STEAM_T = 1_650_000.0
_TURNAROUND_EVERY_MONTHS = (50, 58)
_TURNAROUND_MONTHS = 2
_TURNAROUND_OUTPUT = 0.6
_NOISE_MEMORY = 0.75


@dataclass(frozen=True)
class MonthlyFigures:
    """What one enterprise did in one month: money in thousand yuan (the unit of the statutory forms), taxes in yuan."""

    gross_output: int
    sales_output: int
    export_delivery: int
    revenue: int
    cost: int
    profit: int
    vat_payable: int
    employees: int
    energy_tce: float
    electricity_kwh: int
    steam_t: int
    vat_paid_yuan: float
    income_tax_paid_yuan: float
    other_tax_paid_yuan: float


def park_output_yuan(month: date) -> float:
    """Return the park's calibrated gross output of a month in yuan, before the firms' own ups and downs."""
    parts = [_SEASON[index] * _yearly_level(month.year + (index + 0.5) / 12) for index in range(12)]
    return _output_of_year(month.year) * _YUAN_PER_YI * parts[month.month - 1] / sum(parts)


def monthly_figures(enterprise: Enterprise, *, seed: int, first: date, last: date) -> dict[date, MonthlyFigures]:
    """Return the figures of one enterprise for every month from `first` to `last`.

    Raises:
        PeriodTooEarlyError: `first` is before the invented economy begins.
    """
    if first < FIRST_MONTH:
        raise PeriodTooEarlyError(
            f"The invented economy begins in {FIRST_MONTH:%Y-%m}, not in {first:%Y-%m}: set PARK_NOW to a later moment."
        )
    chance = random.Random(f"{seed}/economy/{enterprise.number}")
    every = chance.randint(*_TURNAROUND_EVERY_MONTHS)
    offset = chance.randrange(every)
    margin_offset = _margin_offset(enterprise, seed)
    exports = chance.uniform(0.02, 0.18)
    output_noise = sales_noise = margin_noise = 0.0
    figures = {}
    for index, month in enumerate(months_from(FIRST_MONTH, last)):
        output_noise = _NOISE_MEMORY * output_noise + chance.gauss(0.0, 0.035)
        sales_noise = 0.3 * sales_noise + chance.gauss(0.0, 0.012)
        margin_noise = _NOISE_MEMORY * margin_noise + chance.gauss(0.0, 0.012)
        is_turnaround = enterprise.is_continuous and (index - offset) % every < _TURNAROUND_MONTHS
        activity = math.exp(output_noise) * (_TURNAROUND_OUTPUT if is_turnaround else 1.0)
        volume = activity * _SEASON[month.month - 1] * 1.006 ** (month.year - 2021)
        figure = _figures_of(
            enterprise,
            activity=activity,
            volume=volume,
            month=month,
            exports=exports,
            sales_ratio=0.988 + sales_noise,
            margin=_margin_of_year(month.year) + margin_offset + margin_noise,
        )
        if month >= first:
            figures[month] = figure
    return figures


def _figures_of(
    enterprise: Enterprise,
    *,
    activity: float,
    volume: float,
    month: date,
    exports: float,
    sales_ratio: float,
    margin: float,
) -> MonthlyFigures:
    output_yuan = park_output_yuan(month) * enterprise.output_share * activity
    gross_output = round(output_yuan / 1000)
    sales = round(gross_output * sales_ratio)
    # An enterprise without industrial output lives on services; its revenue follows its staff.
    services = 0 if enterprise.is_industrial else round(enterprise.staff_count * 110 * activity)
    revenue = round(sales * 1.045) + services
    profit = round(revenue * margin)
    employees = round(enterprise.staff_count * (1 + 0.01 * (month.year - 2021)))
    weight = (enterprise.output_share or 0.003) * enterprise.energy_weight
    return MonthlyFigures(
        gross_output=gross_output,
        sales_output=sales,
        export_delivery=round(sales * exports),
        revenue=revenue,
        cost=round(revenue * (0.93 - margin)),
        profit=profit,
        vat_payable=round(revenue * 0.024),
        employees=employees,
        energy_tce=round(_PARK_ENERGY_TCE * weight * volume, 1),
        electricity_kwh=round(_PARK_ELECTRICITY_KWH * weight * volume),
        steam_t=round(_PARK_STEAM_T * weight * volume),
        vat_paid_yuan=round(revenue * 1000 * 0.026, 2),
        income_tax_paid_yuan=round(max(profit, 0) * 1000 * 0.22, 2),
        other_tax_paid_yuan=round(revenue * 1000 * 0.017, 2),
    )


def _margin_offset(enterprise: Enterprise, seed: int) -> float:
    """Return how far the firm's margin lies from the park's, between -10 and +10 points.

    Steps of the golden ratio spread the firms evenly whatever the seed; the largest stay near the park's mean, which
    they make.
    """
    evenly = (random.Random(f"{seed}/margin").random() + enterprise.number * 0.618034) % 1.0
    return (evenly - 0.5) * 0.2 * (1 - 4 * min(enterprise.output_share, 0.22))


def _output_of_year(year: int) -> float:
    first, last = min(_OUTPUT_BY_YEAR), max(_OUTPUT_BY_YEAR)
    if year < first:
        return float(_OUTPUT_BY_YEAR[first] / _GROWTH_BEFORE ** (first - year))
    if year > last:
        return float(_OUTPUT_BY_YEAR[last] * _GROWTH_AFTER ** (year - last))
    return _OUTPUT_BY_YEAR[year]


def _yearly_level(moment: float) -> float:
    """Return the yearly rate at a moment (in years): linear between the middles of the years."""
    year = math.floor(moment - 0.5)
    part = moment - 0.5 - year
    return (1 - part) * _output_of_year(year) + part * _output_of_year(year + 1)


def _margin_of_year(year: int) -> float:
    return _MARGIN_BY_YEAR[min(max(year, min(_MARGIN_BY_YEAR)), max(_MARGIN_BY_YEAR))]


def year_to_date_months(month: date) -> list[date]:
    """Return the months of the year up to and including `month`."""
    return months_from(month.replace(month=1), month)


def same_month_last_year(month: date) -> date:
    """Return the month twelve months earlier."""
    return month_after(month, -12)
