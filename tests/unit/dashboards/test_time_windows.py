"""Windows of charts: complete days, calendar months, sliding or fixed."""

from __future__ import annotations

from datetime import date

import pytest

from dashboards.theme_file import Every, Window
from dashboards.time_windows import time_range

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("window", "every", "expected"),
    [
        (Window(days=30), "day", "2026-10-23 : 2026-11-22"),  # 23 October to 21 November: thirty complete days
        (Window(days=7), "hour", "2026-11-16 : 2026-11-23"),  # today is included
        (Window(months=12), "month", "2025-12-01 : 2026-11-22"),
        (Window(months=1), "day", "2026-11-01 : 2026-11-22"),
        (Window(days=30), None, "2026-10-23 : 2026-11-22"),
        (None, "day", "No filter"),
    ],
)
def test_a_fixed_present_gives_fixed_days(window: Window | None, every: Every | None, expected: str):
    assert time_range(window, every=every, today=TODAY) == expected


def test_on_the_first_of_a_month_the_month_before_is_still_the_last_one():
    assert time_range(Window(months=1), every="day", today=date(2026, 3, 1)) == "2026-02-01 : 2026-03-01"


def test_without_a_fixed_present_the_window_slides():
    assert time_range(Window(days=30), every="day", today=None) == (
        "DATEADD(DATETIME('today'), -30, day) : DATETIME('today')"
    )
    assert time_range(Window(days=7), every="hour", today=None) == (
        "DATEADD(DATETIME('today'), -6, day) : DATEADD(DATETIME('today'), 1, day)"
    )
    months = time_range(Window(months=12), every="month", today=None)
    assert months.startswith("DATETRUNC(DATEADD(DATEADD(DATETIME('today'), -1, day), -11, month), month)")


def test_a_window_is_days_or_months():
    with pytest.raises(ValueError, match="either days or months"):
        Window(days=1, months=1)
