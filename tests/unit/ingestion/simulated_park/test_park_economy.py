"""The invented enterprises and their figures have the shape of the park's published totals."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from statistics import pstdev

import pytest
from shapely.geometry import Point

from ingestion.simulated_park.enterprises import Enterprise, park_enterprises
from ingestion.simulated_park.errors import PeriodTooEarlyError
from ingestion.simulated_park.park_economy import MonthlyFigures, monthly_figures
from lakehouse.settings import ParkSize

SEEDS = [20260301, 1, 99]


def all_figures(size: ParkSize, seed: int, first: date, last: date) -> dict[int, dict[date, MonthlyFigures]]:
    return {
        enterprise.number: monthly_figures(enterprise, seed=seed, first=first, last=last)
        for enterprise in park_enterprises(seed=seed, size=size)
    }


@pytest.mark.parametrize(("size", "count"), [(ParkSize.SMALL, 12), (ParkSize.PARK, 36)])
def test_enterprises_are_invented_and_stand_in_their_zones(size: ParkSize, count: int):
    enterprises = park_enterprises(seed=1, size=size)
    assert len(enterprises) == count
    assert len({enterprise.name for enterprise in enterprises}) == count
    for enterprise in enterprises:
        assert enterprise.name.startswith("示范")
        assert enterprise.unified_credit_code.startswith("91990000")
        assert enterprise.unified_credit_code[8:17] == enterprise.organisation_code
        assert enterprise.zone.boundary.contains(Point(enterprise.longitude, enterprise.latitude))
        assert enterprise.staff_count > 0
        assert len(enterprise.industry_code) == 4
    assert sum(enterprise.output_share for enterprise in enterprises) == pytest.approx(1)


def test_the_small_park_is_the_beginning_of_the_large_one():
    def identity(enterprise: Enterprise) -> tuple[object, ...]:
        return enterprise.unified_credit_code, enterprise.name, enterprise.longitude, enterprise.contact_phone

    small, park = (park_enterprises(seed=5, size=size) for size in (ParkSize.SMALL, ParkSize.PARK))
    assert [identity(one) for one in small] == [identity(one) for one in park[:12]]
    other = park_enterprises(seed=6, size=ParkSize.SMALL)
    assert [one.contact_phone for one in other] != [one.contact_phone for one in small]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", list(ParkSize))
def test_output_has_the_published_level_and_growth(size: ParkSize, seed: int):
    figures = all_figures(size, seed, date(2020, 1, 1), date(2025, 12, 1))

    def output_yi(first: date, last: date) -> float:
        return (
            sum(
                month.gross_output
                for months in figures.values()
                for day, month in months.items()
                if first <= day <= last
            )
            / 100_000
        )

    year_2020, year_2021 = (output_yi(date(year, 1, 1), date(year, 12, 1)) for year in (2020, 2021))
    assert year_2020 == pytest.approx(1015.7, rel=0.08)
    assert year_2021 == pytest.approx(1401.6, rel=0.08)
    assert output_yi(date(2024, 1, 1), date(2024, 9, 1)) == pytest.approx(918, rel=0.08)
    assert 1.25 < year_2021 / year_2020 < 1.52


@pytest.mark.parametrize("seed", SEEDS)
def test_concentration_profit_energy_and_swings_are_those_of_a_petrochemical_park(seed: int):
    figures = all_figures(ParkSize.PARK, seed, date(2021, 1, 1), date(2025, 12, 1))
    of_2024 = {
        number: [month for day, month in months.items() if day.year == 2024] for number, months in figures.items()
    }
    outputs = sorted((sum(month.gross_output for month in months) for months in of_2024.values()), reverse=True)
    total = sum(outputs)
    assert 0.14 < outputs[0] / total < 0.23
    assert 0.52 < sum(outputs[:5]) / total < 0.66
    assert 0.73 < sum(outputs[:10]) / total < 0.85
    energy = sum(month.energy_tce for months in of_2024.values() for month in months) / 12
    assert 650_000 < energy < 950_000
    electricity = sum(month.electricity_kwh for months in of_2024.values() for month in months)
    assert 6e9 < electricity < 9.5e9
    losers = [
        number
        for number, months in figures.items()
        if sum(month.profit for day, month in months.items() if day.year == 2023) < 0
    ]
    assert 0.1 < len(losers) / len(figures) < 0.45
    totals = {day: sum(months[day].gross_output for months in figures.values()) for day in figures[1]}
    growth = [100 * (totals[day] / totals[day.replace(year=day.year - 1)] - 1) for day in totals if day.year > 2021]
    assert 5 < pstdev(growth) < 18


def test_a_turnaround_shows_in_the_output_of_a_continuous_plant():
    enterprise = park_enterprises(seed=3, size=ParkSize.SMALL)[0]
    months = list(monthly_figures(enterprise, seed=3, first=date(2015, 1, 1), last=date(2025, 12, 1)).values())
    drops = [now.gross_output / before.gross_output for before, now in pairwise(months)]
    assert 2 <= sum(drop < 0.75 for drop in drops) <= 3  # every four to five years


def test_a_month_is_the_same_whatever_period_is_asked_for():
    enterprise = park_enterprises(seed=3, size=ParkSize.SMALL)[4]
    long = monthly_figures(enterprise, seed=3, first=date(2015, 1, 1), last=date(2026, 5, 1))
    short = monthly_figures(enterprise, seed=3, first=date(2020, 1, 1), last=date(2020, 3, 1))
    assert short == {day: long[day] for day in short}
    assert len(short) == 3


def test_a_period_before_the_economy_is_refused_with_the_remedy():
    enterprise = park_enterprises(seed=3, size=ParkSize.SMALL)[0]
    with pytest.raises(PeriodTooEarlyError, match="PARK_NOW"):
        monthly_figures(enterprise, seed=3, first=date(2009, 12, 1), last=date(2010, 2, 1))
