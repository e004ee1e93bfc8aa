"""An archive folder that a test fills and spoils, and what landing makes of it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingestion import quarantine
from ingestion.landing import Landing, LandingResult
from ingestion.readers import DayRange
from ingestion.readers.daily_archive import DailyArchive
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE

PRESENT = datetime(2026, 3, 10, 4, tzinfo=UTC)  # noon of 10 March in the park
EVERY_DAY = DayRange(date(2013, 1, 1), date(2026, 3, 11))
LOCAL_TIME = "%Y-%m-%dT%H:%M:%S%:z"


@dataclass
class Park:
    """One archive, one lake, and the real promise of the stream `air_readings`."""

    folder: Path
    lake: Lake
    source = load_sources()["iot_archive"]

    @property
    def landing(self) -> Landing:
        """The landing of the stream at noon of 10 March."""
        return Landing(self.lake, self.source, "air_readings", PRESENT)

    @property
    def archive(self) -> DailyArchive:
        """The reader of the folder."""
        return DailyArchive(self.folder, "iot_archive_url")

    def readings(self, day: str = "2026-03-01", hours: Iterable[int] = range(24), value: float = 35.0) -> pl.DataFrame:
        """Return one day of PM2.5 of station A01, in the park's time."""
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), PARK_TIME_ZONE)
        times = [midnight + timedelta(hours=hour) for hour in hours]
        return pl.DataFrame(
            {
                "station_id_iot": ["A01"] * len(times),
                "factor_code": ["a34004"] * len(times),
                "measured_at": pl.Series(times, dtype=pl.Datetime("us", "Asia/Shanghai")),
                "value": pl.Series([value] * len(times), dtype=pl.Float64),
                "unit": ["ug/m3"] * len(times),
                "source_flag": ["N"] * len(times),
                "source_measured_at": pl.Series([None] * len(times), dtype=pl.Datetime("us", "Asia/Shanghai")),
                "data_origin": ["measured"] * len(times),
            }
        )

    def texts(self, day: str = "2026-03-01") -> pl.DataFrame:
        """Return the same day as the older logger writes it: everything text."""
        return self.readings(day).with_columns(pl.col("measured_at").dt.strftime(LOCAL_TIME)).cast(pl.String)

    def put(self, name: str, content: pl.DataFrame | bytes) -> Path:
        """Write one archive file; its name tells the kind."""
        path = self.folder / "air_readings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else self.encoded(content, name))
        return path

    def encoded(self, rows: pl.DataFrame, name: str) -> bytes:
        """Return the bytes of an archive file of this name."""
        if name.endswith(".csv.gz"):
            return gzip.compress(rows.write_csv().encode(), mtime=0)
        if name.endswith(".csv"):
            return rows.write_csv().encode()
        buffer = io.BytesIO()
        rows.write_parquet(buffer)
        return buffer.getvalue()

    def land(self, days: DayRange = EVERY_DAY) -> LandingResult:
        """Read and land everything there is."""
        return self.landing.land(self.archive.deliveries(self.source, self.landing.stream, days))

    def bronze(self) -> pl.DataFrame:
        """Return all landed rows."""
        table = self.landing.table
        if not self.lake.exists(table):
            return pl.DataFrame(schema={"value": pl.Float64, "_source_uri": pl.String, "_row_number": pl.Int64})
        return self.lake.scan(table).collect().sort("_source_uri", "_row_number")

    def refused(self) -> pl.DataFrame:
        """Return everything in quarantine."""
        if not self.lake.exists(quarantine.TABLE):
            return pl.DataFrame(schema=quarantine.SCHEMA)
        return self.lake.scan(quarantine.TABLE).collect().sort("_source_uri", "_row_number")

    def reasons(self) -> list[tuple[int | None, str]]:
        """Return row number and reason code of everything in quarantine."""
        return self.refused().select("_row_number", "reason_code").rows()


@pytest.fixture
def park(tmp_path: Path) -> Park:
    return Park(tmp_path / "archive", Lake(tmp_path / "lake"))
