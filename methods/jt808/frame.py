"""Frames of JT/T 808: delimiter, escapes, checksum and header of the editions 2013 and 2019."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import xor

DELIMITER = 0x7E
_ESCAPE = b"\x7d"
_FOREIGN_ESCAPE = re.compile(rb"\x7d(?![\x01\x02])")
_LENGTH_BITS = 0x03FF
_SPLIT_BIT, _VERSION_BIT = 1 << 13, 1 << 14
_HEADER_2013, _HEADER_2019, _SPLIT_BYTES = 12, 17, 4


class Reason(StrEnum):
    """Why a piece of a stream is no good frame: a closed list, in the order in which a piece is asked."""

    RUBBISH = "rubbish"
    TRUNCATED = "truncated"
    ESCAPE_WRONG = "escape_wrong"
    TOO_SHORT = "too_short"
    CHECKSUM_WRONG = "checksum_wrong"
    LENGTH_WRONG = "length_wrong"
    BODY_MALFORMED = "body_malformed"

    @property
    def text(self) -> str:
        """The reason as people read it."""
        return _TEXTS[self]


_TEXTS = {
    Reason.RUBBISH: "帧外的杂散字节",
    Reason.TRUNCATED: "报文不完整，没有结束标识",
    Reason.ESCAPE_WRONG: "转义字符之后不是 01 或 02",
    Reason.TOO_SHORT: "报文短于消息头",
    Reason.CHECKSUM_WRONG: "异或校验码不符，报文内容在传输中有改动",
    Reason.LENGTH_WRONG: "消息体的实际字节数与消息头所报长度不符",
    Reason.BODY_MALFORMED: "消息体与消息类型的格式不符",
}


@dataclass(frozen=True)
class Header:
    """The message header.

    Attributes:
        msg_id: message number.
        body_length: bytes of the body.
        encryption: bits 10 to 12 of the properties; 0: in clear.
        protocol_version: the version byte of the edition 2019, None in the edition 2013.
        phone: number of the terminal, all its digits: 12 in the edition 2013, 20 in 2019.
        serial: running number of the message.
        package_count: number of sub-packets, None of a message in one frame.
        package_number: number of this sub-packet, from 1.
    """

    msg_id: int
    body_length: int
    encryption: int
    protocol_version: int | None
    phone: str
    serial: int
    package_count: int | None = None
    package_number: int | None = None

    @property
    def is_2019(self) -> bool:
        """Whether the header is that of the edition 2019."""
        return self.protocol_version is not None


@dataclass(frozen=True)
class Frame:
    """A frame whose checksum and length are right.

    Attributes:
        offset: position of its first byte in the stream.
        raw: the bytes as received, with both delimiters.
        header: the message header.
        body: the message body, escapes undone.
    """

    offset: int
    raw: bytes
    header: Header
    body: bytes


@dataclass(frozen=True)
class BadPiece:
    """A piece of the stream that is no good frame.

    Attributes:
        offset: position of its first byte in the stream.
        raw: the bytes as received.
        reason: the first reason that fits.
        xor_ok: whether its checksum is right.
        len_ok: whether its length is right.
        header: what its header says, as far as there is one.
        body: the bytes behind the header.
    """

    offset: int
    raw: bytes
    reason: Reason
    xor_ok: bool = False
    len_ok: bool = False
    header: Header | None = None
    body: bytes = b""


def examined(offset: int, raw: bytes, inner: bytes) -> Frame | BadPiece:
    """Judge what stands between two delimiters.

    Args:
        offset: position in the stream.
        raw: the bytes as received, delimiters included as far as they belong to it.
        inner: the bytes between the delimiters, still escaped.
    """
    if _FOREIGN_ESCAPE.search(inner):
        return BadPiece(offset, raw, Reason.ESCAPE_WRONG)
    content = unescaped(inner)
    xor_ok = len(content) > 1 and checksum(content) == 0
    split = _header_and_body(content[:-1])
    if split is None:
        return BadPiece(offset, raw, Reason.TOO_SHORT, xor_ok)
    header, body = split
    len_ok = header.body_length == len(body)
    if xor_ok and len_ok:
        return Frame(offset, raw, header, body)
    reason = Reason.LENGTH_WRONG if xor_ok else Reason.CHECKSUM_WRONG
    return BadPiece(offset, raw, reason, xor_ok, len_ok, header, body)


def unescaped(inner: bytes) -> bytes:
    """Undo the escapes: 7D 02 is 7E, 7D 01 is 7D."""
    if _ESCAPE not in inner:
        return inner
    return inner.replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d")


def checksum(content: bytes) -> int:
    """Return all bytes XORed; of a header and body with their check byte it is 0."""
    return reduce(xor, content, 0)


def _header_and_body(content: bytes) -> tuple[Header, bytes] | None:
    if len(content) < _HEADER_2013:
        return None
    properties = int.from_bytes(content[2:4], "big")
    is_2019 = bool(properties & _VERSION_BIT)
    is_split = bool(properties & _SPLIT_BIT)
    length = (_HEADER_2019 if is_2019 else _HEADER_2013) + is_split * _SPLIT_BYTES
    if len(content) < length:
        return None
    phone = content[5:15] if is_2019 else content[4:10]
    serial_at = 15 if is_2019 else 10
    numbers = [int.from_bytes(content[at : at + 2], "big") for at in range(serial_at, length, 2)]
    header = Header(
        msg_id=int.from_bytes(content[:2], "big"),
        body_length=properties & _LENGTH_BITS,
        encryption=properties >> 10 & 0b111,
        protocol_version=content[4] if is_2019 else None,
        phone=phone.hex(),
        serial=numbers[0],
        package_count=numbers[1] if is_split else None,
        package_number=numbers[2] if is_split else None,
    )
    return header, content[length:]
