"""Frames written here by the text of the standard, without the codec under test."""

from __future__ import annotations


def annex_a(data: bytes) -> int:
    """Compute the checksum as annex A writes it down, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ byte
        for _ in range(8):
            low = crc & 1
            crc >>= 1
            if low:
                crc ^= 0xA001
    return crc


def written(segment: str | bytes, line_end: bytes = b"\r\n") -> bytes:
    """Return the frame of a data segment."""
    data = segment.encode() if isinstance(segment, str) else segment
    return b"##%04d" % len(data) + data + b"%04X" % annex_a(data) + line_end
