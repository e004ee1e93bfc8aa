"""Time windows of charts, as expressions that Superset evaluates when it draws."""

from __future__ import annotations

from datetime import date, timedelta

from dashboards.theme_file import Every, Window

GRAINS: dict[Every, str] = {"hour": "PT1H", "day": "P1D", "month": "P1M"}
NO_LIMIT = "No filter"


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def time_range(window: Window | None, *, every: Every | None, today: date | None) -> str:
    """Return Superset's time range for a window.

    Days are days of the park. A window of daily or monthly figures ends with yesterday, the last day that is
    complete; one of hourly figures ends now. Months are calendar months, the present one included.

    Args:
        window: how far to look back; None for everything.
        every: the step of the figures; None for a table.
        today: a fixed present day (`PARK_NOW`); None lets the window slide with the clock.
    """
    if window is None:
        return NO_LIMIT
    ahead = 1 if every == "hour" else 0
    if today is not None:
        until = today + timedelta(days=ahead)
        if window.days is not None:
            return f"{until - timedelta(days=window.days)} : {until}"
        return f"{_months_before(until - timedelta(days=1), (window.months or 1) - 1)} : {until}"
    end = "DATEADD(DATETIME('today'), 1, day)" if ahead else "DATETIME('today')"
    if window.days is not None:
        return f"DATEADD(DATETIME('today'), {ahead - window.days}, day) : {end}"
    months = (window.months or 1) - 1
    return f"DATETRUNC(DATEADD(DATEADD(DATETIME('today'), -1, day), -{months}, month), month) : {end}"
