"""Calendar pieces in Asia/Shanghai, taken from the source files."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ingestion.readers import DayRange
from ingestion.source_file import Grain, RunBy
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import TimeWindow

SINGLE_RUN = dg.BackfillPolicy.single_run()  # one policy for all: years of pieces are one run, not thousands


FORMATS = {RunBy.DAY: "%Y-%m-%d", RunBy.MONTH: "%Y-%m", RunBy.YEAR: "%Y"}
MIDNIGHTS = {RunBy.DAY: "0 0 * * *", RunBy.MONTH: "0 0 1 * *", RunBy.YEAR: "0 0 1 1 *"}


@cache
def partitions_of(run_by: RunBy, first: date) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions of a stream; the piece that is still filling is among them."""
    return dg.TimeWindowPartitionsDefinition(
        start=f"{first:{FORMATS[run_by]}}",
        fmt=FORMATS[run_by],
        cron_schedule=MIDNIGHTS[run_by],
        timezone=PARK_TIME_ZONE.key,
        end_offset=1,
    )


def partition_range(run_by: RunBy, days: DayRange) -> dict[str, str]:
    """Return the run tags that select the partitions of `days`."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: f"{days.first:{FORMATS[run_by]}}",
        ASSET_PARTITION_RANGE_END_TAG: f"{days.last:{FORMATS[run_by]}}",
    }


def days_of(context: dg.AssetExecutionContext) -> DayRange:
    """Return the business dates of the run's partitions."""
    window = context.partition_time_window
    first = window.start.astimezone(PARK_TIME_ZONE).date()
    return DayRange(first, window.end.astimezone(PARK_TIME_ZONE).date() - timedelta(days=1))


def labels_between(grain: Grain, days: DayRange) -> list[str]:
    """Return the partition labels (2026-03 or 2026-03-01) of a range of business dates."""
    count = (days.last - days.first).days + 1
    return sorted({grain.label(days.first + timedelta(days=offset)) for offset in range(count)})


def window_of(grain: Grain, label: str, column: str) -> TimeWindow:
    """Return the UTC window [start, end) of one partition label."""
    first = grain.first_day(label)
    following = first + timedelta(days=1) if grain is Grain.DAY else (first + timedelta(days=32)).replace(day=1)
    return TimeWindow(column, _midnight(first), _midnight(following))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARK_TIME_ZONE).astimezone(UTC)
