"""Reader of folders with one archive file a business day: `YYYY-MM-DD.parquet`, `.csv.gz` or `.csv`."""

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

from ingestion.readers import REFUSED, DayRange, Delivery, SourceUnavailableError, UnusableDeliveryError
from ingestion.source_file import Source, Stream
from lakehouse.settings import PARK_TIME_ZONE

FILE_NAME = re.compile(r"^(?P<day>\d{4}-\d{2}-\d{2})(?P<part>[.\w-]*?)\.(?P<kind>parquet|csv\.gz|csv)$")
BEGINS_LIKE_TIME = r"^\d{4}-?\d{2}-?\d{2}[T ]\d{2}"
ENDS_WITH_ZONE = r"(Z|z|[+-]\d{2}(:?\d{2})?)$"
ENDS_WITH_PARK_ZONE = r"\+08:?00$"
NO_DAY = date.min  # of a file whose name tells none
MOST_DOUBTFUL_SHARE = 0.02  # more doubtful rows than this are no single faults: the whole file is doubtful
# Damaged Parquet can make the reader's own code fail, which is no PolarsError; the file is what is wrong, not we.
UNREADABLE = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    OSError,
    EOFError,
    zlib.error,
    UnicodeDecodeError,
)


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
        """Yield the files of the stream in `days`, oldest first; before them, those whose name tells no day.

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
        visible = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        for day, _, path in sorted(map(_placed, visible)):
            if day == NO_DAY:
                yield self._delivery(path, None, stream.time_column)
            elif day in days:
                yield self._delivery(path, day, stream.time_column)

    def _delivery(self, path: Path, day: date | None, time_column: str) -> Delivery:
        content = path.read_bytes()

        def read() -> pl.DataFrame:
            if day is None:
                raise UnusableDeliveryError("wrong_file_name", path.name)
            return _read_file(path.name, content, day, time_column)

        uri = path.relative_to(self.root).as_posix()
        return Delivery(uri, hashlib.sha256(content).hexdigest(), read, day)


def _placed(path: Path) -> tuple[date, str, Path]:
    """Return the business date of a file and what its name adds to it, in the order in which files are read.

    The plain name comes first: a correction beside the first file is read after it and so is the newer one.
    """
    match = FILE_NAME.match(path.name)
    try:
        return (date.fromisoformat(match["day"]), match["part"], path) if match else (NO_DAY, "", path)
    except ValueError:  # 30 February
        return NO_DAY, "", path


def _read_file(name: str, content: bytes, day: date, time_column: str) -> pl.DataFrame:
    """Return the rows of one archive file, with what is wrong with the time of single rows beside them.

    Raises:
        UnusableDeliveryError: truncated, no rows, time without zone, or shifted against the file's day.
    """
    try:
        if name.endswith(".parquet"):
            rows = pl.read_parquet(io.BytesIO(content))
        else:
            text = gzip.decompress(content) if name.endswith(".gz") else content
            rows = pl.read_csv(text, infer_schema=False, encoding="utf8")
    except UNREADABLE as error:
        raise UnusableDeliveryError("unreadable", f"{type(error).__name__}: {error}"[:300]) from error
    if rows.is_empty():
        raise UnusableDeliveryError("empty_delivery", name)
    if time_column not in rows.columns:
        return rows  # landing names the missing column together with the others
    return rows.with_columns(_doubtful_rows(rows[time_column], day).alias(REFUSED))


def _doubtful_rows(column: pl.Series, day: date) -> pl.Series:
    """Return the reason code of every row whose time cannot be trusted, null for the others.

    A few such rows are faults of single records. Many are a fault of the file's clock, which moved the rest as well.

    Raises:
        UnusableDeliveryError: the whole column has no zone, another zone, or is shifted against the file's day.
    """
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return _doubtful_texts(column, day)
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None:
        raise UnusableDeliveryError("time_without_zone", f"{column.name}: {column[0]}")
    if isinstance(column.dtype, pl.Datetime):
        _require_own_day(column.dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date(), day)
    return pl.repeat(None, len(column), dtype=pl.String, eager=True)


def _doubtful_texts(column: pl.Series, day: date) -> pl.Series:
    text = column.str.strip_chars()
    times = text.str.to_datetime("%+", time_unit="us", strict=False, time_zone="UTC")
    without_zone = text.str.contains(BEGINS_LIKE_TIME) & ~text.str.contains(ENDS_WITH_ZONE)
    foreign = times.is_not_null() & ~text.str.contains(ENDS_WITH_PARK_ZONE)
    for doubtful, code in ((without_zone, "time_without_zone"), (foreign, "wrong_time_zone")):
        if _are_many(doubtful):
            raise UnusableDeliveryError(code, f"{column.name}: {text.filter(doubtful)[0]}")
    _require_own_day(times.dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date(), day)
    return pl.select(
        pl.when(without_zone).then(pl.lit("time_without_zone")).when(foreign).then(pl.lit("wrong_time_zone"))
    ).to_series()


def _require_own_day(local_days: pl.Series, day: date) -> None:
    """Refuse a file of which many rows lie on the days beside its own: that is how a shifted clock looks."""
    strayed = local_days.is_in([day - timedelta(days=1), day + timedelta(days=1)])
    if _are_many(strayed):
        raise UnusableDeliveryError("wrong_time_zone", f"{strayed.sum()} / {len(strayed)} 行不在 {day}")


def _are_many(doubtful: pl.Series) -> bool:
    count = int(doubtful.sum() or 0)
    return count == len(doubtful) or (count > 1 and count > MOST_DOUBTFUL_SHARE * len(doubtful))
