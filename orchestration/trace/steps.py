"""What a trace is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from lakehouse.settings import PARK_TIME_ZONE


class TraceError(LookupError):
    """Something in the question does not exist; the message names it and what exists."""


@dataclass(frozen=True)
class Step:
    """One station of the way back.

    Attributes:
        layer: which layer it lies in, in Chinese.
        name: the table, file or surface.
        lines: what is known of it.
        rows: some rows, as column → value.
    """

    layer: str
    name: str
    lines: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """A mart's column with the key of its row."""

    mart: str
    column: str
    key: dict[str, str]

    def day(self) -> date | None:
        """Return the business date that the key speaks of, None when it names no time."""
        if "business_date" in self.key:
            return date.fromisoformat(self.key["business_date"])
        moment = self.moment()
        return moment.astimezone(PARK_TIME_ZONE).date() if moment else None

    def moment(self) -> datetime | None:
        """Return the moment of the key's `measured_at`; without a zone it is park time."""
        if "measured_at" not in self.key:
            return None
        moment = datetime.fromisoformat(self.key["measured_at"])
        return moment if moment.tzinfo else moment.replace(tzinfo=PARK_TIME_ZONE)

    def window(self) -> tuple[datetime, datetime] | None:
        """Return the half-open time window of the readings behind the figure: the hour itself or the whole day."""
        if (moment := self.moment()) is not None:
            return moment, moment + timedelta(hours=1)
        if (day := self.day()) is None:
            return None
        start = datetime(day.year, day.month, day.day, tzinfo=PARK_TIME_ZONE)
        return start, start + timedelta(days=1)
