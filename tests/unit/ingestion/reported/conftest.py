"""A source of our own, small enough to read, its lake and its keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.landing import Landing, LandingResult
from ingestion.readers import DayRange
from ingestion.readers.database import DatabaseReader
from ingestion.source_file import Source
from ingestion.standing import StandingRows
from lakehouse.lake import Lake
from security.key_ring import FileKeyRing

PRESENT = datetime(2026, 3, 20, tzinfo=UTC)
EVERYTHING = DayRange(date(2024, 1, 1), date(2026, 12, 31))


def _source(**changes: object) -> Source:
    stream: dict[str, Any] = {
        "title": {"zh": "月报", "en": "Monthly report"},
        "path": "reports",
        "primary_key": ["report_id"],
        "partition": {
            "by": "month",
            "run_by": "year",
            "column": "period",
            "format": "%Y%m",
            "first": "2024-01-01",
        },
        "look_back": "40d",
        "fresh_within": "40d",
        "sensitivity": "internal",
        "delivery": "snapshot",
        "columns": {
            "report_id": {"type": "integer", "required": True},
            "period": {"type": "text", "required": True},
            "amount": "decimal",
            "submitted_at": "timestamp",
        },
        "options": {"table": "REPORT", "time_zone": "Asia/Shanghai"},
    }
    return Source.model_validate(
        {
            "source": "old_office",
            "title": {"zh": "旧统计系统", "en": "Old office"},
            "owner": "team:statistics",
            "reader": "database",
            "location": "old_office_url",
            "streams": {"reports": {**stream, **changes}},
        }
    )


@pytest.fixture
def source_with() -> Callable[..., Source]:
    """Return the source with some fields of its stream changed."""
    return _source


class Office:
    """The database of the source, as its clerks leave it, and what we make of it."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.path = folder / "office.db"
        self.source = source
        self.lake = Lake(folder / "lake")
        self.keys = FileKeyRing(folder / "ring", now=lambda: PRESENT)
        self.present = PRESENT

    def holds(self, *rows: Sequence[object], columns: str = "report_id, period, amount, submitted_at") -> None:
        """Replace everything in the table."""
        with sqlite3.connect(self.path) as connection:
            connection.execute("drop table if exists REPORT")
            connection.execute(f"create table REPORT ({columns})")
            width = len(columns.split(","))
            connection.executemany(f"insert into REPORT values ({','.join('?' * width)})", rows)  # noqa: S608

    @property
    def name(self) -> str:
        """Name of the one stream."""
        return next(iter(self.source.streams))

    @property
    def reader(self) -> DatabaseReader:
        """A reader of the database."""
        return DatabaseReader(f"sqlite:///{self.path}", self.source.location, self.present, keys=self.keys)

    @property
    def standing(self) -> StandingRows:
        """What counts of the stream."""
        return StandingRows(self.lake, self.source, self.name)

    def land(self, days: DayRange = EVERYTHING) -> LandingResult:
        """Read and land, one second after the last time."""
        self.present += timedelta(seconds=1)
        stream = self.source.streams[self.name]
        landing = Landing(self.lake, self.source, self.name, self.present, self.keys)
        return landing.land(self.reader.deliveries(self.source, stream, days), days=days)

    def counted(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return some columns of the rows that count, sorted."""
        return sorted(self.standing.rows(list(self.standing.piece_digests())).select(*columns).iter_rows())

    def refused(self) -> list[dict[str, Any]]:
        """Return what lies in quarantine."""
        return self.lake.scan("quarantine/rows").collect().to_dicts() if self.lake.exists("quarantine/rows") else []


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, _source())


@pytest.fixture
def office_of(tmp_path: Path) -> Callable[..., Office]:
    """Return an office whose stream has some fields changed."""
    return lambda **changes: Office(tmp_path, _source(**changes))
