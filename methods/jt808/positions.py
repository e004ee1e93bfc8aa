"""Positions of vehicles as rows: degrees with their sign, UTC, names of alarms and states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from methods.jt808.body import Fields, decoded_body
from methods.jt808.packets import Message
from methods.jt808.words import IS_ENCRYPTED, IS_LOCATED, IS_SOUTH, IS_WEST

POSITION, POSITION_REPLY, POSITION_BATCH, MEDIA = 0x0200, 0x0201, 0x0704, 0x0801
_LARGEST_LATITUDE, _LARGEST_LONGITUDE, _FULL_TURN = 90.0, 180.0, 360
_DEAD_SPOT = 1


class Refusal(StrEnum):
    """Why a position of a good frame is no row."""

    TIME_UNREADABLE = "time_unreadable"
    POSITION_ENCRYPTED = "position_encrypted"
    POSITION_IMPOSSIBLE = "position_impossible"


@dataclass(frozen=True)
class Position:
    """Where a vehicle was.

    Attributes:
        phone: number of the terminal.
        measured_at: UTC.
        longitude: WGS-84 degrees, west negative.
        latitude: WGS-84 degrees, south negative.
        altitude_m: metres above the sea.
        speed_km_per_h: speed over ground.
        direction_deg: 0 to 359, north 0, clockwise.
        is_located: whether the terminal had a fix.
        alarm_word: the alarm bits.
        status_word: the status bits.
        alarms: names of the alarms that are set.
        states: names of the states that are set.
        mileage_km: reading of the odometer.
        is_resent: whether it was kept in a dead spot and sent later.
        refused: why it is no row.
    """

    phone: str
    measured_at: datetime | None
    longitude: float
    latitude: float
    altitude_m: float
    speed_km_per_h: float
    direction_deg: float
    is_located: bool
    alarm_word: int
    status_word: int
    alarms: tuple[str, ...]
    states: tuple[str, ...]
    mileage_km: float | None
    is_resent: bool
    refused: Refusal | None


def positions(message: Message) -> Iterator[Position]:
    """Yield the positions of a message; other messages have none.

    Raises:
        MalformedBodyError: the body does not have the form of its message.
    """
    if message.missing or message.header.package_count is not None:
        return
    if message.header.msg_id not in (POSITION, POSITION_REPLY, POSITION_BATCH, MEDIA):
        return
    fields = decoded_body(message.header, message.body)
    if "items" in fields:
        for item in fields["items"]:
            yield _position(message.header.phone, item, is_resent=fields["type"] == _DEAD_SPOT)
    elif "lat" in fields:
        yield _position(message.header.phone, fields, is_resent=False)


def _position(phone: str, fields: Fields, *, is_resent: bool) -> Position:
    status = fields["status"]
    time = None if fields["time"] is None else datetime.fromisoformat(fields["time"]).astimezone(UTC)
    return Position(
        phone=phone,
        measured_at=time,
        longitude=-fields["lon"] if status & IS_WEST else fields["lon"],
        latitude=-fields["lat"] if status & IS_SOUTH else fields["lat"],
        altitude_m=float(fields["alt"]),
        speed_km_per_h=fields["speed_kmh"],
        direction_deg=float(fields["dir"]),
        is_located=bool(status & IS_LOCATED),
        alarm_word=fields["alarm"],
        status_word=status,
        alarms=tuple(fields["alarm_names"]),
        states=tuple(fields["status_names"]),
        mileage_km=_mileage(fields.get("extras", [])),
        is_resent=is_resent,
        refused=_refusal(fields, time),
    )


def _refusal(fields: Fields, time: datetime | None) -> Refusal | None:
    if time is None:
        return Refusal.TIME_UNREADABLE
    if fields["status"] & IS_ENCRYPTED:
        return Refusal.POSITION_ENCRYPTED
    is_possible = fields["lat"] <= _LARGEST_LATITUDE and fields["lon"] <= _LARGEST_LONGITUDE
    if not is_possible or fields["dir"] > _FULL_TURN:
        return Refusal.POSITION_IMPOSSIBLE
    return None


def _mileage(extras: list[dict[str, Any]]) -> float | None:
    return next((extra["value"] for extra in extras if extra["name"] == "mileage_km" and "value" in extra), None)
