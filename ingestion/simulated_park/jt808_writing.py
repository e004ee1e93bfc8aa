"""How the invented vehicles write JT/T 808: frames, positions and batches of positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

POSITION, BATCH, HEARTBEAT = 0x0200, 0x0704, 0x0002
_FLAG, _ESCAPE = 0x7E, 0x7D


@dataclass(frozen=True)
class Fix:
    """Where a vehicle is at one moment.

    Attributes:
        at: Asia/Shanghai.
        longitude: degrees east.
        latitude: degrees north.
        speed_kmh: km/h.
        direction: degrees, north 0, clockwise.
        mileage_km: reading of the odometer.
        alarm: alarm word.
        is_located: whether the receiver has a fix.
        is_loaded: whether the tank is full.
    """

    at: datetime
    longitude: float
    latitude: float
    speed_kmh: float
    direction: float
    mileage_km: float
    alarm: int = 0
    is_located: bool = True
    is_loaded: bool = False

    def body(self) -> bytes:
        """Return the body of a position message."""
        status = 1 | (2 if self.is_located else 0) | (0b11 << 8 if self.is_loaded else 0) | 1 << 19
        latitude, longitude = (self.latitude, self.longitude) if self.is_located else (0.0, 0.0)
        words = (self.alarm, status, round(latitude * 1e6), round(longitude * 1e6))
        halves = (4, round(self.speed_kmh * 10), round(self.direction) % 360)
        digits = f"{self.at:%y%m%d%H%M%S}" if self.is_located else "0" * 12
        fixed = b"".join(word.to_bytes(4, "big") for word in words)
        fixed += b"".join(half.to_bytes(2, "big") for half in halves) + bytes.fromhex(digits)
        mileage = round(self.mileage_km * 10).to_bytes(4, "big")
        return fixed + b"\x01\x04" + mileage + b"\x30\x01\x1c" + b"\x31\x01\x0e"


def batch_body(fixes: Sequence[Fix]) -> bytes:
    """Return the body of positions that were kept while there was no network."""
    items = [fix.body() for fix in fixes]
    return len(items).to_bytes(2, "big") + b"\x01" + b"".join(len(item).to_bytes(2, "big") + item for item in items)


def frame(message: int, body: bytes, *, phone: str, serial: int) -> bytes:
    """Return a frame: of the edition 2019 for a terminal number of 20 digits, of 2013 for one of 12."""
    is_2019 = len(phone) == 20
    properties = len(body) + (0x4000 if is_2019 else 0)
    content = message.to_bytes(2, "big") + properties.to_bytes(2, "big") + (b"\x01" if is_2019 else b"")
    content += bytes.fromhex(phone) + serial.to_bytes(2, "big") + body
    check = 0
    for byte in content:
        check ^= byte
    escaped = bytearray([_FLAG])
    for byte in [*content, check]:
        if byte in (_FLAG, _ESCAPE):
            escaped += bytes([_ESCAPE, 2 if byte == _FLAG else 1])
        else:
            escaped.append(byte)
    escaped.append(_FLAG)
    return bytes(escaped)
