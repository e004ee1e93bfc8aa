"""The checksum of HJ 212 (annex A of the editions 2017 and 2025) and the other ones that devices write in its place."""

from __future__ import annotations

from enum import StrEnum

_POLYNOMIAL = 0xA001
_START = 0xFFFF
CRC_BYTES = 4
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Dialect(StrEnum):
    """How a device computes the four hexadecimal digits behind its data segment."""

    STANDARD = "standard"
    SWAPPED = "swapped"
    MODBUS = "modbus"
    MODBUS_SWAPPED = "modbus_swapped"


def _shifted(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_shifted, range(256)))


def crc_standard(data: bytes) -> int:
    """Return the checksum of HJ 212 annex A: each byte is XORed into the register shifted right by eight.

    Only the upper byte of the register goes on, so it is no CRC-16 of the usual kind.
    """
    register = _START
    table = _TABLE
    for byte in data:
        register = table[register >> 8 ^ byte]
    return register


def crc_modbus(data: bytes) -> int:
    """Return CRC-16/MODBUS, which some devices send instead."""
    register = _START
    table = _TABLE
    for byte in data:
        register = register >> 8 ^ table[(register ^ byte) & 0xFF]
    return register


def crc_of(data: bytes, dialect: Dialect = Dialect.STANDARD) -> int:
    """Return the checksum of a data segment as a device of this dialect would write it."""
    is_modbus = dialect in (Dialect.MODBUS, Dialect.MODBUS_SWAPPED)
    value = crc_modbus(data) if is_modbus else crc_standard(data)
    is_swapped = dialect in (Dialect.SWAPPED, Dialect.MODBUS_SWAPPED)
    return (value & 0xFF) << 8 | value >> 8 if is_swapped else value


def claimed_crc(field: bytes) -> int | None:
    """Return the number of a checksum field of four hexadecimal digits in either case, None when it is none."""
    if len(field) != CRC_BYTES or not _HEX.issuperset(field):
        return None
    return int(field, 16)


def matching_dialect(data: bytes, claimed: int) -> Dialect | None:
    """Return the first dialect under which `claimed` is the checksum of `data`, None when no known one fits."""
    return next((dialect for dialect in Dialect if crc_of(data, dialect) == claimed), None)
