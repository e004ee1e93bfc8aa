"""The IoT platform's archive of air readings: one file per business day, CSV.gz of an older logger, then Parquet."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ingestion.simulated_park.air_factors import as_readings
from ingestion.simulated_park.generated_air import generated_hours
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.replayed_air import ReplayedAir, read_replayed_air, replay_files

STREAM = "air_readings"
YEARS_GENERATED = 3
# The older logger was taken out of service at a year's end; original and shifted years each have their own.
LAST_CSV_DAY_AS_MEASURED = date(2014, 12, 31)
LAST_CSV_DAY_PRESENT = date(2023, 12, 31)

_DAYS_AT_ONCE = 92  # bounds the memory: a quarter of all stations and factors in long form
_ISO_8601 = "%Y-%m-%dT%H:%M:%S%:z"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ArchiveSummary:
    """What stands in the archive and what the call did to it."""

    folder: Path
    first_day: date
    last_day: date
    file_count: int
    written_count: int
    unchanged_count: int
    removed_count: int
    data_origin: str
    public_station_by_id: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stretch:
    """Hours of consecutive days that one generation of loggers wrote."""

    hours: pl.DataFrame
    data_origin: str
    last_csv_day: date


def write_air_archive(
    root: Path, *, last_full_day: date, seed: int, replay_dir: Path | None = None, progress: Progress | None = None
) -> ArchiveSummary:
    """Write `<root>/air_readings/<YYYY>/<YYYY-MM-DD>.csv.gz` or `.parquet` for every day there is.

    With `replay_dir` the days are real ones: as measured, and again shifted to end on `last_full_day`. Without it they
    are invented: three years that end on `last_full_day`. The same inputs give the same bytes; files that have them
    already are left alone, files of other inputs are replaced or removed.

    Args:
        root: Folder of the archive; it is made when absent.
        last_full_day: The last business date (Asia/Shanghai) that has ended.
        seed: Seed of the invented series.
        replay_dir: Folder of real series, or None.
        progress: Called after every file with the number of files done and the number of all files.

    Raises:
        ReplayFolderError: `replay_dir` has no usable air series.
        PeriodTooEarlyError: `last_full_day` is before the invented series begins.
        ForeignFilesError: The folder holds somebody else's files.
    """
    origin = "simulated" if replay_dir is None else "replayed"
    sources = {} if replay_dir is None else {path.name: _content_digest(path) for path in replay_files(replay_dir)}
    files = OwnedFiles(
        root / STREAM,
        digest=inputs_digest(last_full_day=last_full_day, seed=seed if replay_dir is None else None, sources=sources),
    )
    public_station_by_id: dict[str, str] = {}
    if files.are_current():
        public_station_by_id = files.notes.get("public_station_by_id", {})
    else:
        replayed = None if replay_dir is None else read_replayed_air(replay_dir)
        if replayed is not None:
            public_station_by_id = replayed.public_station_by_id
        _write_days(files.begin(), list(_stretches(last_full_day, seed, replayed)), progress)
        files.finish(public_station_by_id=public_station_by_id)
    days = [date.fromisoformat(Path(name).name[:10]) for name in files.names]
    return ArchiveSummary(
        folder=files.folder,
        first_day=min(days),
        last_day=max(days),
        file_count=len(days),
        written_count=files.written_count,
        unchanged_count=files.unchanged_count,
        removed_count=files.removed_count,
        data_origin=origin,
        public_station_by_id=public_station_by_id,
    )


def _stretches(last_full_day: date, seed: int, replayed: ReplayedAir | None) -> Iterator[_Stretch]:
    if replayed is None:
        first_day = _years_before(last_full_day, YEARS_GENERATED) + timedelta(days=1)
        hours = generated_hours(first_day=first_day, last_day=last_full_day, seed=seed)
        yield _Stretch(hours, "simulated", LAST_CSV_DAY_PRESENT)
    else:
        yield _Stretch(replayed.as_measured(last_full_day=last_full_day), "replayed", LAST_CSV_DAY_AS_MEASURED)
        yield _Stretch(replayed.shifted(last_full_day=last_full_day), "replayed", LAST_CSV_DAY_PRESENT)


def _write_days(files: OwnedFiles, stretches: list[_Stretch], progress: Progress | None) -> None:
    day = pl.col("measured_at").dt.date().alias("day")
    days_by_stretch = [stretch.hours.select(day).to_series().unique().sort().to_list() for stretch in stretches]
    total = sum(len(days) for days in days_by_stretch)
    done = 0
    for stretch, days in zip(stretches, days_by_stretch, strict=True):
        for start in range(0, len(days), _DAYS_AT_ONCE):
            some_days = days[start : start + _DAYS_AT_ONCE]
            hours = stretch.hours.filter(day.is_between(some_days[0], some_days[-1]))
            readings = as_readings(hours, data_origin=stretch.data_origin).with_columns(day)
            for (business_date,), rows in readings.partition_by("day", as_dict=True, include_key=False).items():
                is_csv = business_date <= stretch.last_csv_day
                name = f"{business_date:%Y/%Y-%m-%d}{'.csv.gz' if is_csv else '.parquet'}"
                files.put(name, _as_csv_gz(rows) if is_csv else _as_parquet(rows))
                done += 1
                if progress is not None:
                    progress(done, total)


def _as_csv_gz(rows: pl.DataFrame) -> bytes:
    times = pl.col("measured_at", "source_measured_at").dt.strftime(_ISO_8601)
    # A fixed time in the gzip header: the same readings give the same bytes.
    return gzip.compress(rows.with_columns(times).write_csv().encode(), compresslevel=6, mtime=0)


def _as_parquet(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February of a leap year
        return day.replace(year=day.year - years, day=28)


def _content_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
