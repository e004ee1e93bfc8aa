"""Daily values against the limits of three periods and two classes."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from methods.air_quality import StandardRowsError, compare_with_limits
from methods.air_quality.index import DAILY_COLUMNS
from methods.air_quality.limits import LIMIT_COLUMNS

CLEAN = dict.fromkeys(DAILY_COLUMNS, 0.0)


@pytest.fixture
def limits(seeds: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return seeds["std_ambient_limits"]


def days(*rows: tuple[date, dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"business_date": on, **{name: row.get(code) for code, name in DAILY_COLUMNS.items()}} for on, row in rows],
        schema={"business_date": pl.Date} | dict.fromkeys(DAILY_COLUMNS.values(), pl.Float64),
    )


@pytest.mark.parametrize(
    ("on", "zone_class", "standard", "expected"),
    [
        (date(2013, 3, 1), 2, "GB 3095-2012", (150, 80, 4, 160, 150, 75)),
        (date(2026, 2, 28), 1, "GB 3095-2012", (50, 80, 4, 100, 50, 35)),
        (date(2026, 3, 1), 2, "GB 3095-2026", (150, 80, 4, 160, 120, 60)),
        (date(2030, 12, 31), 1, "GB 3095-2026", (50, 80, 4, 100, 50, 35)),
        (date(2031, 1, 1), 2, "GB 3095-2026", (50, 50, 4, 160, 100, 50)),
        (date(2040, 1, 1), 1, "GB 3095-2026", (50, 50, 4, 100, 50, 25)),
    ],
)
def test_the_limits_of_the_day_stand_beside_the_value(
    limits: pl.DataFrame, on: date, zone_class: int, standard: str, expected: tuple[float, ...]
):
    result = compare_with_limits(days((on, CLEAN)), limits, zone_class=zone_class)
    assert result.select(LIMIT_COLUMNS.values()).row(0) == expected
    assert result["limit_standard_code"].to_list() == [standard]


def test_a_value_on_the_limit_does_not_exceed_it(limits: pl.DataFrame):
    on = date(2026, 6, 1)
    result = compare_with_limits(days((on, CLEAN | {"pm25": 60.0}), (on, CLEAN | {"pm25": 61.0, "o3": 161.0})), limits)
    assert result["is_exceeded"].to_list() == [False, True]
    assert result["exceeded_pollutants"].to_list() == [None, "o3,pm25"]


def test_rows_keep_their_order_across_periods(limits: pl.DataFrame):
    row = CLEAN | {"pm25": 55.0}
    result = compare_with_limits(
        days((date(2031, 1, 1), row), (date(2020, 1, 1), row), (date(2027, 1, 1), row), (date(2031, 1, 2), row)), limits
    )
    assert result["pm25_limit_ug_per_m3"].to_list() == [50, 75, 60, 50]
    assert result["is_exceeded"].to_list() == [True, False, False, True]


def test_a_day_with_a_missing_item_cannot_be_called_clean(limits: pl.DataFrame):
    on = date(2026, 6, 1)
    incomplete = CLEAN | {"pm10": None}
    result = compare_with_limits(days((on, incomplete), (on, incomplete | {"pm25": 90.0}), (on, {})), limits)
    assert result["is_exceeded"].to_list() == [None, True, None]
    assert result["exceeded_pollutants"].to_list() == [None, "pm25", None]


def test_from_2026_the_value_is_rounded_before_it_is_compared(limits: pl.DataFrame):
    row = CLEAN | {"co": 4.04, "so2": 150.4}
    result = compare_with_limits(days((date(2026, 2, 28), row), (date(2026, 3, 1), row)), limits)
    assert result["exceeded_pollutants"].to_list() == ["so2,co", None]


def test_a_limit_given_twice_is_refused(limits: pl.DataFrame):
    with pytest.raises(StandardRowsError, match=r"so2 24h, class 2: 2 rows"):
        compare_with_limits(days((date(2026, 6, 1), CLEAN)), pl.concat([limits, limits]))


def test_a_limit_in_another_unit_is_refused(limits: pl.DataFrame):
    with pytest.raises(StandardRowsError, match="unit mg/m3 does not fit"):
        compare_with_limits(days((date(2026, 6, 1), CLEAN)), limits.with_columns(unit=pl.lit("mg/m3")))
