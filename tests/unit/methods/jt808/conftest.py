"""Frames written here by the text of the standard, without the codec under test."""

from __future__ import annotations

PHONE_2013, PHONE_2019 = "012000000001", "00000000012000000001"


def written(
    msg_id: int, body: bytes = b"", *, serial: int = 1, phone: str = PHONE_2013, package: tuple[int, int] | None = None
) -> bytes:
    """Return a frame; a phone number of 20 digits makes it one of the edition 2019."""
    is_2019 = len(phone) == 20
    properties = len(body) | (package is not None) << 13 | is_2019 << 14
    head = msg_id.to_bytes(2, "big") + properties.to_bytes(2, "big") + b"\x01" * is_2019 + bytes.fromhex(phone)
    content = head + serial.to_bytes(2, "big")
    if package is not None:
        number, count = package
        content += count.to_bytes(2, "big") + number.to_bytes(2, "big")
    content += body
    check = 0
    for byte in content:
        check ^= byte
    escaped = b"".join({0x7E: b"\x7d\x02", 0x7D: b"\x7d\x01"}.get(byte, bytes([byte])) for byte in [*content, check])
    return b"\x7e" + escaped + b"\x7e"


def position(
    *,
    longitude: float = 121.45,
    latitude: float = 30.8,
    status: int = 0b11,
    alarm: int = 0,
    time: str = "261101080000",
    extras: bytes = b"",
    direction: int = 90,
) -> bytes:
    """Return the body of 0x0200: 12 m high, 36.5 km/h."""
    words = [alarm, status, round(latitude * 1e6), round(longitude * 1e6)]
    halves = [12, 365, direction]
    fixed = b"".join(word.to_bytes(4, "big") for word in words) + b"".join(half.to_bytes(2, "big") for half in halves)
    return fixed + bytes.fromhex(time) + extras
