"""Rows of a database or a feed, cut into one delivery per calendar month and known by their content.

The rows of a month are written in one canonical way and in one order, so the same rows always have the same digest,
whatever order a source hands them over in; any change in a past month is a new batch of that month. A month of rows
about people has a keyed digest: nobody can test a guess against it. When the key of `field_digest` is rotated, these
digests change and the months land again, which is what a rotation asks for (security/envelope).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from ingestion.readers import DayRange, Delivery, UnusableDeliveryError
from ingestion.source_file import Source, SourceFileError, Stream
from lakehouse.settings import PARK_TIME_ZONE
from security.key_provider import KeyProvider, KeyPurpose, KeyUse

Row = Mapping[str, object]
UNDATED = "undated"


@dataclass(frozen=True)
class MonthlyRows:
    """Cuts the rows of one stream into deliveries.

    Args:
        source: the source.
        stream: the stream.
        present: the present moment; rows of later months are handed over as undated, for landing to refuse.
        keys: holder of the keys; needed where the stream has personal columns.
    """

    source: Source
    stream: Stream
    present: datetime
    keys: KeyProvider | None = None

    def deliveries(self, rows: Iterable[Row], days: DayRange) -> Iterator[Delivery]:
        """Yield the months that `days` touches, oldest first, and the rows without a readable month.

        Months before the stream's first piece go with that piece; a stream without a time is one delivery.

        Args:
            rows: rows as received: column name → value.
            days: business dates asked for.
        """
        if self.stream.partition.column is None:
            yield self._delivery(list(rows), self.stream.path, None)
            return
        months: dict[date | None, list[Row]] = {}
        for row in rows:
            months.setdefault(self._month(row), []).append(row)
        undated = months.pop(None, [])
        for month, held in sorted(months.items(), key=lambda item: item[0] or date.min):
            if month is not None and self._is_asked_for(month, days):
                yield self._delivery(held, f"{self.stream.path}/{month:%Y-%m}", month)
        if undated:
            yield self._delivery(undated, f"{self.stream.path}/{UNDATED}", None)

    def _is_asked_for(self, month: date, days: DayRange) -> bool:
        last_day = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return month <= days.last and (last_day >= days.first or days.first <= self.stream.partition.first)

    def _month(self, row: Row) -> date | None:
        """Return the first day of a row's month (Asia/Shanghai), None when it cannot be read or has not come yet."""
        value = row.get(self.stream.time_column)
        try:
            if self.stream.partition.format is not None:
                # A local date is all that a month's text says.
                moment = datetime.strptime(str(value).strip(), self.stream.partition.format).replace(
                    tzinfo=PARK_TIME_ZONE
                )
            else:
                moment = _moment(value)
        except ValueError:
            return None
        local = moment.astimezone(PARK_TIME_ZONE)
        return None if local > self.present.astimezone(PARK_TIME_ZONE) else local.date().replace(day=1)

    def _delivery(self, rows: Sequence[Row], uri: str, month: date | None) -> Delivery:
        promised = self.stream.columns
        present = {name for row in rows for name in row if name in promised}
        strangers = sorted({name for row in rows for name in row if name not in promised})
        names = [name for name in promised if name in present]
        lines = sorted(json.dumps([_text(row.get(name)) for name in names], ensure_ascii=False) for row in rows)
        content = "\n".join([json.dumps(names), *lines]).encode()

        def read() -> pl.DataFrame:
            if not rows:
                raise UnusableDeliveryError("empty_delivery", uri)
            absent = [name for name in promised if name not in present]
            if absent:
                detail = f"缺 {', '.join(absent)}" + (f"；多出 {', '.join(strangers)}" if strangers else "")
                raise UnusableDeliveryError("missing_column", detail)
            cells = [json.loads(line) for line in lines]
            return pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String()), orient="row")

        return Delivery(uri, self._digest(content), read, month=month)

    def _digest(self, content: bytes) -> str:
        if not self.stream.personal_columns:
            return hashlib.sha256(content).hexdigest()
        return self._authenticate()(content).hex()

    def _authenticate(self) -> Callable[[bytes], bytes]:
        if self.keys is None:
            message = f"{self.source.source}, stream {self.stream.path!r}: personal columns need a key provider."
            raise SourceFileError(message)
        key_id = self.keys.active(KeyPurpose.FIELD_DIGEST).key_id
        return self.keys.authenticator(key_id, KeyUse.PROTECT)


def zoned(row: Row, stream: Stream, time_zone: ZoneInfo | None) -> Row:
    """Return the row with the zone of its source written beside times that have none, and dates without a time.

    A text that is no time stays as it is; landing refuses it with its reason.

    Args:
        row: a row as received.
        stream: the stream that promises the columns.
        time_zone: the zone of the source's naive times; None where the source writes it itself.
    """
    return {name: _zoned(value, stream, name, time_zone) for name, value in row.items()}


def _zoned(value: object, stream: Stream, name: str, time_zone: ZoneInfo | None) -> object:
    promised = stream.columns[name].type if name in stream.columns else "text"
    if promised == "date" and isinstance(value, datetime) and value.time() == time():
        return value.date()  # Oracle's DATE carries a midnight
    if promised != "timestamp" or time_zone is None:
        return value
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        return value
    return moment.replace(tzinfo=time_zone) if moment.tzinfo is None else moment


def _moment(value: object) -> datetime:
    """Return a zoned moment.

    Raises:
        ValueError: it is none, or has no time zone.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), PARK_TIME_ZONE)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    if moment.tzinfo is None:
        message = f"{value!r} has no time zone"
        raise ValueError(message)
    return moment


def _text(value: object) -> str | None:
    """Write one value in one way: numbers in full digits, times with their zone, what is nested as JSON."""
    text: str | None
    match value:
        case None | str():
            text = value
        case bool():
            text = str(value).lower()
        case float():
            text = _plain(Decimal(repr(value)))
        case Decimal():
            text = _plain(value)
        case datetime():
            text = value.isoformat()
        case bytes():
            text = value.hex()
        case Mapping() | list() | tuple():
            text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        case _:
            text = str(value)
    return text


def _plain(number: Decimal) -> str:
    if not number.is_finite():
        return str(number)
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
