"""One writing for one record, so that its hash survives a trip through a database.

Keys sorted by code point, no blanks, UTF-8. Numbers in plain decimal notation without exponent and trailing zeros,
because JSON columns and drivers turn 1 into 1.0 and 1.10 into 1.1; moments in UTC with microseconds, dates as ISO.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from security.errors import MalformedValueError

Record: TypeAlias = Mapping[str, object]
"""A record as rows and request bodies have it; `canonical_json` says which values it may hold."""


def canonical_json(record: Record) -> bytes:
    """Return the canonical UTF-8 bytes of a record.

    Args:
        record: text keys; values are null, booleans, numbers (`Decimal` too), text, dates, moments with a time zone,
            and lists and records of them.

    Raises:
        MalformedValueError: something in it has no single writing: NaN, infinity, a moment without a time zone, a
            key that is not text, half a surrogate pair, or another type; the message names the place in the record.
    """
    try:
        return _write(record, "$").encode()
    except UnicodeEncodeError as refusal:
        raise MalformedValueError("The record holds half a surrogate pair and cannot be written as UTF-8.") from refusal


def _write(value: object, place: str) -> str:
    match value:
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float() | Decimal():
            return _number(value, place)
        case datetime():
            if value.tzinfo is None:
                raise MalformedValueError(f"{place}: a moment without a time zone has no single writing; give it one.")
            return f'"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")}Z"'
        case date():
            return f'"{value.isoformat()}"'
        case Mapping():
            return _object(value, place)
        case list() | tuple():
            return "[" + ",".join(_write(each, f"{place}[{index}]") for index, each in enumerate(value)) + "]"
    raise MalformedValueError(f"{place}: a {type(value).__name__} has no canonical writing; convert it first.")


def _object(value: Mapping[object, object], place: str) -> str:
    members: dict[str, object] = {}
    for key, member in value.items():
        if not isinstance(key, str):
            raise MalformedValueError(f"{place}: the key {key!r} is not text.")
        members[key] = member
    written = (
        f"{json.dumps(key, ensure_ascii=False)}:{_write(members[key], f'{place}.{key}')}" for key in sorted(members)
    )
    return "{" + ",".join(written) + "}"


def _number(value: float | Decimal, place: str) -> str:
    if not math.isfinite(value):
        raise MalformedValueError(f"{place}: {value} is not a number of JSON; leave the member out or make it null.")
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    text = format(exact, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
