"""Calendar months as the date of their first day, in the park's own time."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

from lakehouse.settings import PARK_TIME_ZONE


def month_after(month: date, count: int) -> date:
    """Return the first day of the month `count` months later (earlier when negative)."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def months_from(first: date, last: date) -> list[date]:
    """Return all months from `first` to `last`, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [month_after(first, index) for index in range(count)]


def last_complete_month(present: datetime) -> date:
    """Return the last month that has ended (Asia/Shanghai) at the present moment."""
    return month_after(present.astimezone(PARK_TIME_ZONE).date().replace(day=1), -1)


def month_end(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def local_time(day: date, *, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """Return a moment of a day in the park's own time."""
    return datetime(day.year, day.month, day.day, tzinfo=PARK_TIME_ZONE) + timedelta(
        hours=hour, minutes=minute, seconds=second
    )
