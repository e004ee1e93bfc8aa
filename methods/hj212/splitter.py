"""A byte stream becomes good frames and bad pieces, the same ones however the stream is cut into chunks.

The outermost good frame wins: what stands inside the claimed length of a frame whose checksum is right belongs to it;
what stands inside the claimed length of a broken one is looked at anew, so a good frame there is found. A decision is
taken only when the bytes it needs have come, and no later byte can change it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from methods.hj212.checksum import CRC_BYTES, Dialect, claimed_crc, crc_of
from methods.hj212.cipher import BLOCK_BYTES, decrypted, end_of_written
from methods.hj212.frame import (
    BODY_MARK,
    CLOSING,
    HEAD,
    HEAD_BYTES,
    BadPiece,
    Frame,
    Reason,
    decoded,
    diagnosed,
)

Piece = Frame | BadPiece
LONGEST_PIECE = 1 << 16  # a stream that is no HJ 212 at all is kept in pieces of this size
LONGEST_HEADER = 512  # bytes before CP= of a frame that may be encrypted; the standard allows about 120
LONGEST_WRITTEN_BYTE = 8  # characters of one encrypted byte with its comma and some blanks
_LINE_END = re.compile(rb"[\r\n]")
_BETWEEN = re.compile(rb"[\r\n]*")
_DEVICE = re.compile(rb"(?:^|;)[,\s]*MN=([^;]*)")


@dataclass(frozen=True)
class Devices:
    """What the receiver knows of single devices, by device number (MN).

    Attributes:
        dialects: how a device that does not follow the standard computes its checksum.
        decrypt_blocks: block ciphers of a device, newest key first: after a change of keys old data still come.
    """

    dialects: Mapping[str, Dialect] = field(default_factory=dict)
    decrypt_blocks: Mapping[str, Sequence[Callable[[bytes], bytes]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Broken:
    """No good frame begins here; `end` is where the broken one ends, where that is certain."""

    end: int | None = None
    reason: Reason | None = None


class FrameSplitter:
    """Takes chunks of one stream and hands out its pieces in order.

    Args:
        devices: what is known of single devices.
    """

    def __init__(self, devices: Devices | None = None) -> None:
        self._devices = devices or Devices()
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte in the stream

    def feed(self, chunk: bytes) -> list[Piece]:
        """Add a chunk and return the pieces that are complete with it."""
        self._buffer += chunk
        return self._take(at_end=False)

    def close(self) -> list[Piece]:
        """Return what is left when the stream has ended, or has been silent for so long that nothing more will come.

        The splitter can be fed again afterwards; positions go on.
        """
        return self._take(at_end=True)

    def _take(self, *, at_end: bool) -> list[Piece]:
        data = bytes(self._buffer)
        pieces: list[Piece] = []
        position = 0
        while position < len(data):
            separators = _BETWEEN.match(data, position)
            position = separators.end() if separators else position
            if position == len(data):
                break
            found: Piece | None = None
            end: int | None = None
            if data.startswith(HEAD, position):
                verdict = self._examined(data, position, at_end=at_end)
                if isinstance(verdict, Frame):
                    found, end = verdict, position + len(verdict.raw)
                elif verdict is not None:
                    end = _end_of_broken(data, position, verdict.end, at_end=at_end)
                    found = None if end is None else self._bad(data, position, end, verdict.reason)
            else:
                end = _end_of_rubbish(data, position, at_end=at_end)
                found = None if end is None else self._bad(data, position, end, None)
            if found is None or end is None:
                break
            pieces.append(found)
            position = end
        del self._buffer[:position]
        self._offset += position
        return pieces

    def _bad(self, data: bytes, start: int, end: int, reason: Reason | None) -> BadPiece:
        raw = data[start:end].rstrip(b"\r\n")
        piece = diagnosed(self._offset + start, raw)
        return piece if reason is None else BadPiece(piece.offset, raw, reason)

    def _examined(self, data: bytes, start: int, *, at_end: bool) -> Frame | _Broken | None:
        """Return the good frame that begins at `start`, why there is none, or None while that is not known."""
        digits = data[start + 2 : start + HEAD_BYTES]
        if digits and not digits.isdigit():
            return _Broken()
        if len(digits) < HEAD_BYTES - 2:
            return _Broken() if at_end else None
        begin = start + HEAD_BYTES
        closing = begin + int(digits)
        end = closing + CRC_BYTES
        if len(data) < end:
            return _Broken() if at_end else None
        claimed = claimed_crc(data[closing:end])
        if claimed is not None:
            segment = data[begin:closing]
            dialect = self._fitting(segment, claimed)
            if dialect is not None:
                return Frame(self._offset + start, data[start:end], segment, dialect)
        mark = data.find(BODY_MARK + b"{0", begin, min(closing, begin + LONGEST_HEADER))
        if mark >= 0:
            return self._decrypted(data, start, mark, int(digits), at_end=at_end)
        return _Broken(None if claimed is None else end)

    def _fitting(self, segment: bytes, claimed: int) -> Dialect | None:
        """Return the dialect that a device may use and by which the checksum fits."""
        if crc_of(segment) == claimed:
            return Dialect.STANDARD
        if self._devices.dialects:
            own = self._devices.dialects.get(_device_of(segment))
            if own is not None and crc_of(segment, own) == claimed:
                return own
        return None

    def _decrypted(self, data: bytes, start: int, mark: int, length: int, *, at_end: bool) -> Frame | _Broken | None:
        """Return the frame whose data area is encrypted; on the wire it is longer than it says."""
        brace = mark + len(BODY_MARK)
        closing = _end_of_encrypted(data, brace, brace + LONGEST_WRITTEN_BYTE * length)
        end = None if closing is None else closing + len(CLOSING) + CRC_BYTES
        if closing is None or end is None or (closing >= 0 and len(data) < end):
            return _Broken() if at_end else None
        claimed = claimed_crc(data[end - CRC_BYTES : end])
        if closing < 0 or claimed is None:
            return _Broken()
        head = data[start + HEAD_BYTES : brace]
        ciphers = self._devices.decrypt_blocks.get(_device_of(head), ())
        for decrypt_block in ciphers:
            segment = head + decrypted(data[brace:closing], decrypt_block) + CLOSING
            if len(segment) == length and (dialect := self._fitting(segment, claimed)) is not None:
                return Frame(self._offset + start, data[start:end], segment, dialect, was_encrypted=True)
        return _Broken(end, Reason.DECRYPTION_FAILED if ciphers else Reason.KEY_MISSING)


def split_whole(data: bytes, devices: Devices | None = None) -> Iterator[Piece]:
    """Yield the pieces of a stream that is all there."""
    splitter = FrameSplitter(devices)
    for start in range(0, len(data), LONGEST_PIECE):
        yield from splitter.feed(data[start : start + LONGEST_PIECE])
    yield from splitter.close()


def decode_one(data: bytes, devices: Devices | None = None) -> Piece:
    """Return the first good frame of bytes that should be one frame, else the whole as one bad piece."""
    pieces = list(split_whole(data, devices))
    for piece in pieces:
        if isinstance(piece, Frame):
            return piece
    if len(pieces) == 1 and isinstance(pieces[0], BadPiece):
        return pieces[0]
    start = max(data.find(HEAD), 0)
    return diagnosed(start, data[start:].rstrip(b"\r\n"))


def _device_of(segment: bytes) -> str:
    match = _DEVICE.search(segment)
    return decoded(match[1]).strip() if match else ""


def _end_of_encrypted(data: bytes, brace: int, longest: int) -> int | None:
    """Return where the closing marks of an encrypted data area begin, None when they may still come, else -1."""
    written_end = end_of_written(data, brace)
    if written_end is None:
        return None if len(data) <= longest else -1
    if not brace < written_end <= longest:
        return -1
    last = written_end + BLOCK_BYTES + len(CLOSING)  # less than a block is left in clear
    closing = data.find(CLOSING, written_end, last)
    return None if closing < 0 and len(data) < last else closing


def _end_of_broken(data: bytes, start: int, certain: int | None, *, at_end: bool) -> int | None:
    """Return where a broken frame ends: at the next head, its own end or its line's, None while that is open."""
    head = data.find(HEAD, start + 1)
    horizon = head if head >= 0 else len(data)
    if certain is not None and certain <= horizon:
        return certain
    line_end = _LINE_END.search(data, start + len(HEAD), min(horizon, start + LONGEST_PIECE))
    if line_end:
        return line_end.start()
    return _capped(start, head, len(data), at_end=at_end)


def _end_of_rubbish(data: bytes, start: int, *, at_end: bool) -> int | None:
    return _capped(start, data.find(HEAD, start), len(data), at_end=at_end)


def _capped(start: int, head: int, length: int, *, at_end: bool) -> int | None:
    if head >= 0:
        return min(head, start + LONGEST_PIECE)
    if length > start + LONGEST_PIECE:  # one byte more: a head might begin with the last one
        return start + LONGEST_PIECE
    return length if at_end else None
