"""Message bodies of JT/T 808 as fields, named as open test frames of the protocol name them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from methods.jt808.frame import Header
from methods.jt808.words import alarm_names, status_names

Fields = dict[str, Any]
POSITION_BYTES = 28
TERMINAL_TIME_ZONE = timezone(timedelta(hours=8))  # JT/T 808 table 23: times are GMT+8
TEXT_ENCODING = "gb18030"  # the standard says GBK; every GBK text is one of GB 18030 too
_FIRST_YEAR = 2000  # a year has two digits
_DEGREE = 1_000_000

# Additional items of a position (table 27): name, number of bytes, divisor; bytes None: as they are.
_EXTRAS: dict[int, tuple[str, int | None, int]] = {
    0x01: ("mileage_km", 4, 10),
    0x02: ("fuel_l", 2, 10),
    0x03: ("recorder_speed_kmh", 2, 10),
    0x04: ("alarm_event_id", 2, 1),
    0x05: ("tyre_pressure", None, 1),
    0x06: ("carriage_temperature", None, 1),
    0x11: ("overspeed_place", None, 1),
    0x12: ("area_or_route", None, 1),
    0x13: ("route_time", None, 1),
    0x25: ("vehicle_signals", 4, 1),
    0x2A: ("io_status", 2, 1),
    0x2B: ("analogue", 4, 1),
    0x30: ("signal_strength", 1, 1),
    0x31: ("satellites", 1, 1),
}


class MalformedBodyError(ValueError):
    """A body is shorter or longer than its message says, or its text cannot be read; the message names the place."""


def decoded_body(header: Header, body: bytes) -> Fields:
    """Return the fields of a body; of messages that are not known, encrypted or a part only, the bytes.

    Args:
        header: the message header.
        body: the body of a message in one frame, or of all its sub-packets together (header without package count).

    Raises:
        MalformedBodyError: the body does not have the form of its message.
    """
    decode = _DECODERS.get(header.msg_id)
    if decode is None or header.encryption or header.package_count is not None:
        return {"body_hex": body.hex()} if body else {}
    return decode(header, body)


def position_fields(body: bytes) -> Fields:
    """Return the fields of a position (0x0200): the numbers as sent, so latitude and longitude without their sign.

    `time` is ISO 8601 with the zone; None where the digits are no time, as they are before the first fix.

    Raises:
        MalformedBodyError: it is shorter than 28 bytes.
    """
    if len(body) < POSITION_BYTES:
        raise MalformedBodyError(f"a position of {len(body)} bytes; the fixed part alone has {POSITION_BYTES}")
    alarm, status, latitude, longitude = (_number(body, at, 4) for at in range(0, 16, 4))
    time = moment_of(body[22:28])
    return {
        "alarm": alarm,
        "status": status,
        "lat": latitude / _DEGREE,
        "lon": longitude / _DEGREE,
        "alt": _number(body, 16, 2),
        "speed_kmh": _number(body, 18, 2) / 10,
        "dir": _number(body, 20, 2),
        "time": None if time is None else time.isoformat(),
        "alarm_names": alarm_names(alarm),
        "status_names": status_names(status),
        "extras": _extras(body[POSITION_BYTES:]),
    }


def moment_of(digits: bytes) -> datetime | None:
    """Return the moment of BCD YYMMDDhhmmss (GMT+8), None when it is none."""
    text = digits.hex()
    if not text.isdigit():
        return None
    year, *rest = (int(text[at : at + 2]) for at in range(0, 12, 2))
    month, day, hour, minute, second = rest
    try:
        return datetime(_FIRST_YEAR + year, month, day, hour, minute, second, tzinfo=TERMINAL_TIME_ZONE)
    except ValueError:
        return None


def _extras(items: bytes) -> list[Fields]:
    """Return the additional items; one that claims more bytes than there are is kept as it is."""
    extras: list[Fields] = []
    at = 0
    while at < len(items):
        end = at + 2 + items[at + 1] if at + 1 < len(items) else len(items) + 1
        if end > len(items):
            extras.append({"name": "rest", "hex": items[at:].hex()})
            break
        name, size, divisor = _EXTRAS.get(items[at], ("other", None, 1))
        value = items[at + 2 : end]
        extra: Fields = {"id": items[at], "name": name}
        if size == len(value):
            number = int.from_bytes(value, "big")
            extra["value"] = number if divisor == 1 else number / divisor
        else:
            extra["hex"] = value.hex()
        extras.append(extra)
        at = end
    return extras


def _position(_: Header, body: bytes) -> Fields:
    return position_fields(body)


def _position_reply(_: Header, body: bytes) -> Fields:
    return {"originalMessageFlowId": _number(body, 0, 2), **position_fields(body[2:])}


def _position_batch(_: Header, body: bytes) -> Fields:
    """0x0704: positions from memory; type 1 marks those of a dead spot (盲区补报)."""
    count, kind = _number(body, 0, 2), _number(body, 2, 1)
    items: list[Fields] = []
    at = 3
    while at < len(body):
        length = _number(body, at, 2)
        if at + 2 + length > len(body):
            raise MalformedBodyError(f"position {len(items) + 1} of {count}: {length} bytes are claimed, fewer follow")
        items.append(position_fields(body[at + 2 : at + 2 + length]))
        at += 2 + length
    if len(items) != count:
        raise MalformedBodyError(f"{count} positions are claimed, {len(items)} follow")
    return {"count": count, "type": kind, "items": items}


def _media(_: Header, body: bytes) -> Fields:
    """0x0801: a medium with the position where it was taken."""
    kinds = ("multimediaType", "multimediaFormatCode", "eventItemCode", "channelId")
    fields: Fields = {"multimediaDataID": _number(body, 0, 4)}
    fields |= {name: _number(body, at, 1) for at, name in enumerate(kinds, start=4)}
    position = position_fields(body[8 : 8 + POSITION_BYTES])
    del position["extras"]
    return {**fields, **position, "media_hex": body[8 + POSITION_BYTES :].hex()}


def _missing_packages(header: Header, body: bytes) -> Fields:
    """0x0005, 0x8003: which sub-packets are asked for again; 0x8003 of 2013 counts in one byte, the others in two."""
    first_count_bytes = 1 if header.msg_id == 0x8003 and not header.is_2019 else 2
    flow_id = _number(body, 0, 2)
    for count_bytes in (first_count_bytes, 3 - first_count_bytes):
        ids = body[2 + count_bytes :]
        if len(body) >= 2 + count_bytes and len(ids) == 2 * _number(body, 2, count_bytes):
            numbers = [_number(ids, at, 2) for at in range(0, len(ids), 2)]
            return {"originalMessageFlowId": flow_id, "packageCount": len(numbers), "packageIdList": numbers}
    raise MalformedBodyError("the list of sub-packets is not as long as its count says")


def _text_message(header: Header, body: bytes) -> Fields:
    """0x8300: a text for the driver; the edition 2019 has a kind of text behind the flags."""
    fields: Fields = {"identifier": _number(body, 0, 1)}
    if header.is_2019:
        fields["type"] = _number(body, 1, 1)
    return {**fields, "text": _text(body[1 + header.is_2019 :])}


def _question(_: Header, body: bytes) -> Fields:
    """0x8302: a question for the driver with its answers."""
    length = _number(body, 1, 1)
    if 2 + length > len(body):
        raise MalformedBodyError(f"a question of {length} bytes is claimed, {len(body) - 2} follow")
    answers: list[Fields] = []
    at = 2 + length
    while at < len(body):
        size = _number(body, at + 1, 2)
        if at + 3 + size > len(body):
            raise MalformedBodyError(f"answer {len(answers) + 1}: {size} bytes are claimed, fewer follow")
        answers.append({"id": body[at], "text": _text(body[at + 3 : at + 3 + size])})
        at += 3 + size
    return {"identifier": body[0], "question": _text(body[2 : 2 + length]), "answers": answers}


def _general_reply(_: Header, body: bytes) -> Fields:
    """0x0001, 0x8001: what became of a message."""
    return {
        "originalMessageFlowId": _number(body, 0, 2),
        "originalMessageId": _number(body, 2, 2),
        "result": _number(body, 4, 1),
    }


def _number(body: bytes, at: int, size: int) -> int:
    if at + size > len(body):
        raise MalformedBodyError(f"ends at byte {len(body)}; a number of {size} bytes is expected at {at}")
    return int.from_bytes(body[at : at + size], "big")


def _text(data: bytes) -> str:
    try:
        return data.decode(TEXT_ENCODING).rstrip("\0")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"a text is not GBK: {error}") from error


_DECODERS: dict[int, Callable[[Header, bytes], Fields]] = {
    0x0001: _general_reply,
    0x0005: _missing_packages,
    0x0200: _position,
    0x0201: _position_reply,
    0x0704: _position_batch,
    0x0801: _media,
    0x8001: _general_reply,
    0x8003: _missing_packages,
    0x8300: _text_message,
    0x8302: _question,
}
