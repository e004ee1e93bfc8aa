"""The two statistics systems of the past as SQLite databases, with the ground truth of what is wrong in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ingestion.simulated_park.calendar_months import last_complete_month, month_after, months_from
from ingestion.simulated_park.economic_information import economic_information_tables
from ingestion.simulated_park.enterprises import park_enterprises
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.park_economy import monthly_figures
from ingestion.simulated_park.planted_defects import ground_truth_json
from ingestion.simulated_park.smart_statistics import smart_statistics_tables
from ingestion.simulated_park.sqlite_image import database_image
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

FOLDER = "legacy_statistics"
ECONOMIC_INFORMATION = "economic_information.db"
SMART_STATISTICS = "smart_statistics.db"
GROUND_TRUTH = "ground_truth.json"
MONTH_COUNT = 60


@dataclass(frozen=True)
class LegacySummary:
    """What stands in the folder of a legacy system and what the call did to it."""

    folder: Path
    written_count: int
    unchanged_count: int


def write_legacy_statistics(root: Path, *, present: datetime, seed: int, size: ParkSize) -> LegacySummary:
    """Write `<root>/legacy_statistics/economic_information.db`, `smart_statistics.db` and `ground_truth.json`.

    Sixty months that end with the last complete month before `present` (January has no rows: §2.1); only what was
    submitted by `present`. The same inputs give the same bytes; unchanged files are left alone.

    Args:
        root: Folder of the simulated park's sources.
        present: The present moment, with a time zone.
        seed: Seed of the simulated park.
        size: Size of the simulated park.

    Raises:
        PeriodTooEarlyError: `present` is before the invented economy begins.
        ForeignFilesError: The folder holds somebody else's files.
    """
    # Submissions carry a time of day, so a second call later on the same day may find new ones.
    hour = present.astimezone(PARK_TIME_ZONE).replace(minute=0, second=0, microsecond=0)
    files = OwnedFiles(root / FOLDER, digest=inputs_digest(present=hour.isoformat(), seed=seed, size=size))
    if not files.are_current():
        files.begin()
        for name, content in _legacy_files(hour, seed, size).items():
            files.put(name, content)
        files.finish()
    return LegacySummary(files.folder, files.written_count, files.unchanged_count)


def _legacy_files(present: datetime, seed: int, size: ParkSize) -> dict[str, bytes]:
    last = last_complete_month(present)
    first = month_after(last, 1 - MONTH_COUNT)
    enterprises = park_enterprises(seed=seed, size=size)
    base_year = date(first.year - 1, 1, 1)
    figures = {
        enterprise.number: monthly_figures(enterprise, seed=seed, first=base_year, last=last)
        for enterprise in enterprises
    }
    period = {"first": first, "last": last}
    wide, defects = economic_information_tables(enterprises, figures, **period, present=present, seed=seed)
    long, more_defects = smart_statistics_tables(enterprises, figures, **period, present=present, seed=seed)
    totals = {
        f"{month:%Y-%m}": sum(by_month[month].gross_output for by_month in figures.values())
        for month in months_from(first, last)
    }
    truth = ground_truth_json(
        [*defects, *more_defects],
        enterprise_count=len(enterprises),
        gross_output_thousand_yuan_by_month=totals,
    )
    return {
        ECONOMIC_INFORMATION: database_image(wide),
        SMART_STATISTICS: database_image(long),
        GROUND_TRUTH: truth,
    }
