"""Reader of folders with one archive file a business day: `YYYY-MM-DD.parquet` or `YYYY-MM-DD.csv.gz`."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ingestion.readers import DayRange, Delivery, SourceUnavailableError, UnusableDeliveryError
from ingestion.source_file import Source, Stream

FILE_NAME = re.compile(r"^(?P<day>\d{4}-\d{2}-\d{2})(?P<part>[.\w-]*?)\.(?P<kind>parquet|csv\.gz)$")
PARK_OFFSET = "+08:00"
WRONG_ZONE_SHARE = 0.02  # more stray rows than this are no late rows but a shifted clock: the whole file is doubtful


@dataclass(frozen=True)
class DailyArchive:
    """One archive folder.

    Args:
        root: folder that holds one folder per stream.
        setting: name of the setting that points to it, for messages.
    """

    root: Path
    setting: str

    def deliveries(self, source: Source, stream: Stream, days: DayRange) -> Iterator[Delivery]:
        """Yield the files of the stream in `days`, oldest first.

        Raises:
            SourceUnavailableError: the folder does not exist.
        """
        folder = self.root / stream.path
        if not folder.is_dir():
            message = (
                f"{source.source} ({source.title.zh}), stream folder {stream.path!r}: {folder} does not exist. "
                f"Mount the archive there, or correct PARK_{self.setting.upper()}."
            )
            raise SourceUnavailableError(message)
        found = ((FILE_NAME.match(path.name), path) for path in folder.rglob("*") if path.is_file())
        named = sorted((match["day"], str(path), path) for match, path in found if match)
        for day_text, _, path in named:
            day = date.fromisoformat(day_text)
            if day in days:
                yield self._delivery(path, day, stream.time_column)

    def _delivery(self, path: Path, day: date, time_column: str) -> Delivery:
        content = path.read_bytes()

        def read() -> pl.DataFrame:
            return _read_file(path.name, content, day, time_column)

        uri = path.relative_to(self.root).as_posix()
        return Delivery(uri, hashlib.sha256(content).hexdigest(), read, day)


def _read_file(name: str, content: bytes, day: date, time_column: str) -> pl.DataFrame:
    """Return the rows of one archive file with their time checked against the file's business date.

    Raises:
        UnusableDeliveryError: truncated, no rows, time without zone, or shifted against the file's day.
    """
    try:
        if name.endswith(".parquet"):
            rows = pl.read_parquet(io.BytesIO(content))
        else:
            rows = pl.read_csv(gzip.decompress(content), infer_schema=False, encoding="utf8")
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UnusableDeliveryError("unreadable", f"{type(error).__name__}: {error}"[:300]) from error
    if rows.is_empty():
        raise UnusableDeliveryError("empty_delivery", name)
    if time_column not in rows.columns:
        return rows  # landing names the missing column together with the others
    return rows.with_columns(_checked_time(rows[time_column], day))


def _checked_time(column: pl.Series, day: date) -> pl.Series:
    """Return the time column in UTC; a text that is no time stays null and is refused row by row."""
    if column.dtype == pl.String:
        zoned = column.str.contains(r"(Z|[+-]\d{2}:?\d{2})$")
        if not zoned.all():
            raise UnusableDeliveryError("time_without_zone", str(column.filter(~zoned)[0]))
        foreign = ~column.str.ends_with(PARK_OFFSET)
        if foreign.any():
            raise UnusableDeliveryError("wrong_time_zone", str(column.filter(foreign)[0]))
        times = column.str.to_datetime("%+", time_unit="us", strict=False, time_zone="UTC")
    elif isinstance(column.dtype, pl.Datetime):
        if column.dtype.time_zone is None:
            raise UnusableDeliveryError("time_without_zone", str(column[0]))
        times = column.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    else:
        raise UnusableDeliveryError("wrong_time_zone", f"{column.name} is {column.dtype}")
    local_days = times.dt.convert_time_zone("Asia/Shanghai").dt.date()
    near = (local_days - pl.Series([day])).abs() <= timedelta(days=1)
    strayed = ((local_days != day) & near).sum()
    if strayed > WRONG_ZONE_SHARE * len(times):
        raise UnusableDeliveryError("wrong_time_zone", f"{strayed} / {len(times)} 行不在 {day}")
    return times.alias(column.name)
