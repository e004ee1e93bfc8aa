"""Calendar pieces: labels and windows in the park's time, bounds in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ingestion.readers import DayRange
from ingestion.source_file import Grain, RunBy
from orchestration.partitions import labels_between, partition_range, partitions_of, window_of


@pytest.mark.parametrize(
    ("grain", "label", "start", "end"),
    [
        (Grain.DAY, "2026-03-01", datetime(2026, 2, 28, 16, tzinfo=UTC), datetime(2026, 3, 1, 16, tzinfo=UTC)),
        (Grain.MONTH, "2026-02", datetime(2026, 1, 31, 16, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC)),
        (Grain.MONTH, "2024-02", datetime(2024, 1, 31, 16, tzinfo=UTC), datetime(2024, 2, 29, 16, tzinfo=UTC)),
        (Grain.MONTH, "2025-12", datetime(2025, 11, 30, 16, tzinfo=UTC), datetime(2025, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_piece_reaches_from_midnight_to_midnight_in_shanghai(
    grain: Grain, label: str, start: datetime, end: datetime
):
    window = window_of(grain, label, "measured_at")
    assert (window.start, window.end) == (start, end)


def test_labels_cover_a_range_without_gap_or_repetition():
    days = DayRange(date(2025, 12, 31), date(2026, 2, 1))
    assert labels_between(Grain.MONTH, days) == ["2025-12", "2026-01", "2026-02"]
    assert len(labels_between(Grain.DAY, days)) == 33


@pytest.mark.parametrize(
    ("run_by", "first", "last"), [(RunBy.YEAR, "2025", "2026"), (RunBy.MONTH, "2025-12", "2026-02")]
)
def test_the_runs_partitions_cover_the_days(run_by: RunBy, first: str, last: str):
    tags = partition_range(run_by, DayRange(date(2025, 12, 31), date(2026, 2, 1)))
    assert sorted(tags.values()) == [first, last]
    assert {first, last} <= set(partitions_of(run_by, date(2024, 5, 7)).get_partition_keys())
