"""A byte stream becomes good frames and bad pieces, the same ones however the stream is cut into chunks.

Every stretch between two delimiters is judged by its own checksum and length, so one delimiter may end a frame and
begin the next, and rubbish costs no neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum, auto

from methods.jt808.frame import DELIMITER, BadPiece, Frame, Reason, examined

Piece = Frame | BadPiece
# A header of 21 bytes, 1023 of the body and the check byte, all of them escaped, are 2090.
LONGEST_STRETCH = 4096
_CHUNK_BYTES = 1 << 16
_MARK = bytes([DELIMITER])


class _Before(Enum):
    """What stands before the bytes that are looked at."""

    NOTHING = auto()
    OPENING = auto()  # a delimiter that has no other use
    SHARED = auto()  # a delimiter that has ended a good frame


class FrameSplitter:
    """Takes chunks of one stream and hands out its pieces in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte in the stream
        self._before = _Before.NOTHING

    def feed(self, chunk: bytes) -> list[Piece]:
        """Add a chunk and return the pieces that are complete with it."""
        self._buffer += chunk
        data = bytes(self._buffer)
        pieces: list[Piece] = []
        position = 0
        while True:
            mark = data.find(_MARK, position, position + LONGEST_STRETCH + 1)
            end = mark if mark >= 0 else position + LONGEST_STRETCH
            if mark < 0 and len(data) <= end:
                break
            if end > position:
                pieces.append(self._judged(data[position:end], self._offset + position, is_ended=mark >= 0))
            if mark < 0:
                self._before = _Before.NOTHING
            elif end > position and isinstance(pieces[-1], Frame):
                self._before = _Before.SHARED
            else:
                self._before = _Before.OPENING
            position = end + (mark >= 0)
        del self._buffer[:position]
        self._offset += position
        return pieces

    def close(self) -> list[Piece]:
        """Return what is left when the stream has ended, or has been silent for so long that nothing more will come."""
        left = bytes(self._buffer)
        pieces = [self._judged(left, self._offset, is_ended=False)] if left else []
        self._offset += len(left)
        self._buffer.clear()
        self._before = _Before.NOTHING
        return pieces

    def _judged(self, stretch: bytes, offset: int, *, is_ended: bool) -> Piece:
        is_own = self._before is _Before.OPENING
        raw, begin = (_MARK + stretch, offset - 1) if is_own else (stretch, offset)
        if self._before is _Before.NOTHING:
            return BadPiece(begin, raw, Reason.RUBBISH)
        if not is_ended:
            return BadPiece(begin, raw, Reason.TRUNCATED if is_own else Reason.RUBBISH)
        judged = examined(begin, raw, stretch)
        if isinstance(judged, Frame):
            return replace(judged, offset=offset - 1, raw=_MARK + stretch + _MARK)
        if judged.reason is Reason.TOO_SHORT and not is_own:
            return replace(judged, reason=Reason.RUBBISH)
        return judged


def split_whole(data: bytes) -> Iterator[Piece]:
    """Yield the pieces of a stream that is all there."""
    splitter = FrameSplitter()
    for start in range(0, len(data), _CHUNK_BYTES):
        yield from splitter.feed(data[start : start + _CHUNK_BYTES])
    yield from splitter.close()


def decode_one(data: bytes) -> Piece:
    """Return the first good frame of bytes that should be one frame, else the whole as one bad piece."""
    pieces = list(split_whole(data))
    good = next((piece for piece in pieces if isinstance(piece, Frame)), None)
    if good is not None:
        return good
    if len(pieces) == 1 and isinstance(pieces[0], BadPiece) and pieces[0].header is not None:
        return pieces[0]
    judged = examined(0, data, data.strip(_MARK))
    if isinstance(judged, BadPiece) and pieces and judged.header is None:
        return pieces[0]
    if isinstance(judged, BadPiece):
        return judged
    # Checksum and length are right, a delimiter is missing.
    reason = Reason.TRUNCATED if data.startswith(_MARK) else Reason.RUBBISH
    return BadPiece(0, data, reason, xor_ok=True, len_ok=True, header=judged.header, body=judged.body)
