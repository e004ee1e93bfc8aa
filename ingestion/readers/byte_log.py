"""Folders of raw byte logs, one file a business day and gateway: `YYYY-MM-DD.<gateway>.<protocol>`, or that with `.gz`.

A gateway writes down every byte it receives. What a device says in the first minutes of a day, or sends again after a
fault, belongs to an earlier day, so the rows of a file may lie on other days than its name.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ingestion.readers import DayRange, Delivery, SourceUnavailableError, UnusableDeliveryError
from ingestion.source_file import Source, Stream

FILE_NAME = re.compile(r"^(?P<day>\d{4}-\d{2}-\d{2})\.(?P<gateway>[\w-]+)\.(?P<protocol>[a-z0-9]+)(?P<packed>\.gz)?$")


@dataclass(frozen=True)
class LogFile:
    """One log file.

    Attributes:
        path: where it lies.
        day: business date of its name, None when the name tells none.
        gateway: the gateway that wrote it.
    """

    path: Path
    day: date | None
    gateway: str


@dataclass(frozen=True)
class ByteLogs:
    """The log files of one folder.

    Args:
        root: folder that holds one folder per stream.
        setting: name of the setting that points to it, for messages.
        protocol: ending of the files.
    """

    root: Path
    setting: str
    protocol: str

    def deliveries(
        self,
        source: Source,
        stream: Stream,
        days: DayRange,
        rows: Callable[[bytes, str], pl.DataFrame],
        settings_of: Callable[[bytes], str] = lambda _: "",
    ) -> Iterator[Delivery]:
        """Yield the files of the stream in `days`, oldest first; before them, those whose name tells no day.

        Args:
            source: the source.
            stream: the stream.
            days: business dates asked for.
            rows: makes rows of the bytes of a log and the name of its gateway.
            settings_of: what besides the bytes decides how they are read; when it changes, a file is read anew.

        Raises:
            SourceUnavailableError: the folder does not exist.
        """
        folder = self.root / stream.path
        if not folder.is_dir():
            message = (
                f"{source.source} ({source.title.zh}), stream folder {stream.path!r}: {folder} does not exist. "
                f"Mount the logs there, or correct PARK_{self.setting.upper()}."
            )
            raise SourceUnavailableError(message)
        visible = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        for file in sorted(map(self._named, visible), key=lambda file: (file.day or date.min, file.gateway, file.path)):
            if file.day is None or file.day in days:
                yield self._delivery(file, rows, settings_of)

    def _named(self, path: Path) -> LogFile:
        match = FILE_NAME.match(path.name)
        try:
            if match is not None and match["protocol"] == self.protocol:
                return LogFile(path, date.fromisoformat(match["day"]), match["gateway"])
        except ValueError:  # 30 February
            pass
        return LogFile(path, None, "")

    def _delivery(
        self, file: LogFile, rows: Callable[[bytes, str], pl.DataFrame], settings_of: Callable[[bytes], str]
    ) -> Delivery:
        received = file.path.read_bytes()

        def read() -> pl.DataFrame:
            if file.day is None:
                raise UnusableDeliveryError("wrong_log_name", file.path.name)
            content = _unpacked(file.path.name, received)
            found = rows(content, file.gateway) if content else pl.DataFrame()
            if found.is_empty():
                raise UnusableDeliveryError("empty_delivery", file.path.name)
            return found

        digest = hashlib.sha256(received)
        digest.update(settings_of(_readable(file.path.name, received)).encode())
        uri = file.path.relative_to(self.root).as_posix()
        return Delivery(uri, digest.hexdigest(), read, filed_under=file.day)


def _unpacked(name: str, received: bytes) -> bytes:
    """Return the bytes of a log.

    Raises:
        UnusableDeliveryError: it is packed and damaged.
    """
    if not name.endswith(".gz"):
        return received
    try:
        return gzip.decompress(received)
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableDeliveryError("unreadable", f"{type(error).__name__}: {error}"[:300]) from error


def _readable(name: str, received: bytes) -> bytes:
    """Return the bytes of a log as far as they can be had; a damaged one is refused when it is read."""
    try:
        return _unpacked(name, received)
    except UnusableDeliveryError:
        return b""
