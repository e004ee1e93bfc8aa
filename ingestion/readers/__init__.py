"""One reader per transport; a source file names its reader, and all readers hand over deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from ingestion.source_file import Source, Stream

REFUSED = "_refused_as"  # what a reader names a column of reason codes: rows that it knows to be unusable


class SourceUnavailableError(RuntimeError):
    """A source system cannot be reached at all; the message names source, address and remedy."""


class UnusableDeliveryError(ValueError):
    """A whole delivery cannot be used.

    Attributes:
        code: a key of `ingestion.quarantine.REASONS`.
        detail: what was found.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Delivery:
    """What a source handed over at one time: known by its content's digest.

    Attributes:
        uri: where it came from, relative to the source's address, so that it reads the same on every machine.
        digest: SHA-256 of the content, hexadecimal (HMAC-SM3 where the content is personal: readers/monthly_rows).
        read: returns the rows as received (raises `UnusableDeliveryError`). A reader may add the column `REFUSED`:
            what is wrong with a row as its transport sees it, a key of `ingestion.quarantine.REASONS`, else null.
        day: business date the delivery belongs to, where the transport says so; its rows must lie in that day.
        month: first day of the month the delivery holds, where it was cut by months.
        filed_under: business date in its name, where its rows may belong to other days as well.
    """

    uri: str
    digest: str
    read: Callable[[], pl.DataFrame]
    day: date | None = None
    month: date | None = None
    filed_under: date | None = None


@dataclass(frozen=True)
class DayRange:
    """Business dates from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class Reader(Protocol):
    """Reads one kind of transport."""

    def deliveries(self, source: Source, stream: Stream, days: DayRange) -> Iterator[Delivery]:
        """Yield the deliveries of a stream whose business dates lie in `days`, oldest first.

        Raises:
            SourceUnavailableError: the source cannot be reached.
        """
        ...
