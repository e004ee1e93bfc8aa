"""Dates, moments and figures as Chinese official texts write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from lakehouse.settings import PARK_TIME_ZONE

MISSING = "—"
_WEEKDAYS = "一二三四五六日"
_ORDINALS = ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九")
# Far finer than any analyser, far coarser than binary noise: 2.45 must be a half when it is rounded.
_FINEST = 6


def day_words(day: date) -> str:
    """Return 2026年11月21日."""
    return f"{day.year}年{day.month}月{day.day}日"


def month_day_words(day: date) -> str:
    """Return 11月21日."""
    return f"{day.month}月{day.day}日"


def weekday_words(day: date) -> str:
    """Return 星期六."""
    return f"星期{_WEEKDAYS[day.weekday()]}"


def moment_words(moment: datetime) -> str:
    """Return 2026年11月21日23时 in park time, with minutes where there are any.

    Args:
        moment: a moment with a time zone.
    """
    local = moment.astimezone(PARK_TIME_ZONE)
    minutes = f"{local.minute}分" if local.minute else ""
    return f"{day_words(local.date())}{local.hour}时{minutes}"


def ordinal(number: int) -> str:
    """Return 三 for 3; numbers of more than one digit stay Arabic."""
    return _ORDINALS[number] if 0 <= number < len(_ORDINALS) else str(number)


def rounded(value: float, decimals: int) -> Decimal:
    """Round a figure for print, a half to the even neighbour (GB/T 8170-2008, 3.2).

    Args:
        value: a finite figure in its unit.
        decimals: digits behind the point.
    """
    exact = Decimal(repr(value)).quantize(Decimal(1).scaleb(-_FINEST), rounding=ROUND_HALF_EVEN)
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)


def enumerated(words: Sequence[str], *, at_most: int | None = None) -> str:
    """Join words by 、; beyond `at_most` the rest is counted (甲、乙等5个)."""
    if at_most is not None and len(words) > at_most:
        return f"{'、'.join(words[:at_most])}等{len(words)}个"
    return "、".join(words)


def hour_ranges(hours: Sequence[int]) -> str:
    """Return hours of the day in ranges: [3, 4, 5, 11] → 3—5时、11时; all 24 → 全天."""
    ordered = sorted(set(hours))
    if len(ordered) == 24:
        return "全天"
    ranges: list[list[int]] = []
    for hour in ordered:
        if ranges and ranges[-1][1] == hour - 1:
            ranges[-1][1] = hour
        else:
            ranges.append([hour, hour])
    return "、".join(f"{first}时" if first == last else f"{first}—{last}时" for first, last in ranges)
