"""What a byte stream of HJ 212 is made of: good frames, bad pieces, and what is written in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import cached_property, lru_cache

from methods.hj212.checksum import CRC_BYTES, Dialect, claimed_crc, crc_standard, matching_dialect

HEAD = b"##"
HEAD_BYTES = 6  # ## and four digits
BODY_MARK = b"CP=&&"
CLOSING = b"&&"
CIPHER_MARK = "{0x"
DEVICE_TIME_ZONE = timezone(timedelta(hours=8))  # HJ 212 6.3.4: devices send Beijing time
_FIRST_YEAR = 1990  # before the first edition of any such device; an unset clock says 1970 or 0
_STRAY_HEAD = re.compile(r"^#*\d{0,4}")
_QUOTED_ITEM = re.compile(r"([^;,=]*)(?:=(//.*?//(?=[;,]|$)|[^;,]*))?(?:[;,]|$)")
_BODY_BEGIN = re.compile(rb"CP=&{0,2}")
_BODY = re.compile(r"(?:^|;)[,;\s]*CP=(&{0,2})")


class Reason(StrEnum):
    """Why a piece of a stream is no good frame: a closed list, in the order in which a piece is asked."""

    RUBBISH = "rubbish"
    LENGTH_NOT_DIGITS = "length_not_digits"
    TRUNCATED = "truncated"
    LENGTH_WRONG = "length_wrong"
    CRC_NOT_HEX = "crc_not_hex"
    CRC_SWAPPED = "crc_swapped"
    CRC_MODBUS = "crc_modbus"
    CRC_MODBUS_SWAPPED = "crc_modbus_swapped"
    CRC_WRONG = "crc_wrong"
    KEY_MISSING = "key_missing"
    DECRYPTION_FAILED = "decryption_failed"

    @property
    def text(self) -> str:
        """The reason as people read it."""
        return _TEXTS[self]


_TEXTS = {
    Reason.RUBBISH: "帧外的杂散字节",
    Reason.LENGTH_NOT_DIGITS: "包头之后不是四位十进制长度",
    Reason.TRUNCATED: "报文不完整，后半部分缺失",
    Reason.LENGTH_WRONG: "数据段的实际字节数与所报长度不符",
    Reason.CRC_NOT_HEX: "校验码不是四位十六进制数",
    Reason.CRC_SWAPPED: "校验码高低字节颠倒，须在设备设置中登记后方可接收",
    Reason.CRC_MODBUS: "校验码按 MODBUS 算法计算，须在设备设置中登记后方可接收",
    Reason.CRC_MODBUS_SWAPPED: "校验码按 MODBUS 算法计算且高低字节颠倒，须在设备设置中登记后方可接收",
    Reason.CRC_WRONG: "校验码不符，报文内容在传输中有改动",
    Reason.KEY_MISSING: "数据区已加密，但该设备没有登记密钥，无法校验",
    Reason.DECRYPTION_FAILED: "解密后的长度或校验码不符：内容在传输中有改动，或密钥已更换",
}
_REASON_OF_DIALECT: dict[Dialect | None, Reason] = {
    Dialect.SWAPPED: Reason.CRC_SWAPPED,
    Dialect.MODBUS: Reason.CRC_MODBUS,
    Dialect.MODBUS_SWAPPED: Reason.CRC_MODBUS_SWAPPED,
}


@dataclass(frozen=True)
class Flag:
    """The flag byte: bits 7 to 2 are the edition (0: 2005, 1: 2017, 2: 2025), bit 1 split, bit 0 answer wanted."""

    version: int
    split: bool
    ack: bool

    @classmethod
    def read(cls, text: str | None) -> Flag | None:
        """Return the flag of a decimal text, None when there is none or it is no byte."""
        digits = (text or "").strip()
        if not digits.isascii() or not digits.isdigit() or len(digits) > 3 or (value := int(digits)) > 0xFF:
            return None
        return cls(value >> 2, bool(value & 2), bool(value & 1))

    @property
    def number(self) -> int:
        """The byte itself."""
        return self.version << 2 | self.split << 1 | self.ack


@dataclass(frozen=True)
class Content:
    """What a data segment says, every value as the text it is written with.

    Attributes:
        header: the fields before `CP=`, by name as written; a misplaced comma stays part of the name.
        cp: the fields of the data area that belong to no factor.
        factors: factor code → suffix (Rtd, Avg, ZsMin, Flag …) → text. A code has no hyphen (HJ 212-2017 annex B), so
            the first hyphen of a name ends it.
        strays: what stands in header or data area and is no field.
        body: the text between the `&&` marks.
    """

    header: dict[str, str]
    cp: dict[str, str]
    factors: dict[str, dict[str, str]]
    strays: tuple[str, ...] = ()
    body: str = ""

    @cached_property
    def _by_plain_name(self) -> dict[str, str]:
        return {name.strip(" ,;\t").upper(): value.strip() for name, value in reversed(self.header.items())}

    def field(self, name: str) -> str | None:
        """Return a header field whatever the case of its name and whatever comma precedes it; None when absent."""
        exact = self.header.get(name)
        return exact.strip() if exact is not None else self._by_plain_name.get(name.upper())

    @cached_property
    def flag(self) -> Flag | None:
        """The flag byte; None without one, as in the edition of 2005."""
        return Flag.read(self.header.get("Flag"))

    @property
    def data_time(self) -> str | None:
        """The text of `DataTime`, which may carry milliseconds."""
        return self.cp.get("DataTime")

    @cached_property
    def packet(self) -> tuple[int, int] | None:
        """Number of this packet and of all packets of its message; None for a message of one frame."""
        count, number = _whole(self.field("PNUM")), _whole(self.field("PNO"))
        return (number, count) if count > 1 and 1 <= number <= count else None

    @property
    def is_resent(self) -> bool:
        """Whether the device marks the data as sent again (补传, RF=1)."""
        return self.field("RF") == "1"


@dataclass(frozen=True)
class Frame:
    """A frame whose length and checksum are right.

    Attributes:
        offset: position of its first byte in the stream.
        raw: the bytes as received, from `##` to the checksum.
        segment: the data segment in clear.
        dialect: how its checksum is computed; another than the standard's only where the device's setting names it.
        was_encrypted: whether the data area came as SM4 blocks.
    """

    offset: int
    raw: bytes
    segment: bytes
    dialect: Dialect = Dialect.STANDARD
    was_encrypted: bool = False

    @cached_property
    def content(self) -> Content:
        """What the data segment says."""
        return parse_content(decoded(self.segment))

    @property
    def device(self) -> str:
        """The device number MN; empty when there is none."""
        return self.content.field("MN") or ""

    @property
    def sent_at(self) -> datetime | None:
        """The moment of QN."""
        return moment_of(self.content.field("QN"))


@dataclass(frozen=True)
class BadPiece:
    """A piece of the stream that is no good frame; nothing of it is lost.

    Attributes:
        offset: position of its first byte in the stream.
        raw: the bytes as received.
        reason: the first reason that fits.
        crc_ok: whether the checksum fits the data segment as it stands, whatever length was claimed.
    """

    offset: int
    raw: bytes
    reason: Reason
    crc_ok: bool = field(default=False)

    @cached_property
    def content(self) -> Content:
        """What can still be read in it."""
        closing = _closing(self.raw)
        kept = self.raw if closing is None else self.raw[:closing]
        return parse_content(_STRAY_HEAD.sub("", decoded(kept), count=1))


def diagnosed(offset: int, raw: bytes) -> BadPiece:
    """Return a piece that the splitter found bad with the first reason that fits.

    Args:
        offset: position in the stream.
        raw: the piece, without line end.
    """
    if not raw.startswith(HEAD):
        return BadPiece(offset, raw, Reason.RUBBISH)
    if not raw[2:HEAD_BYTES].isdigit() or len(raw) < HEAD_BYTES:
        # A head cut off in the middle of its digits is a truncated frame.
        rest = raw[2:]
        is_cut = len(raw) < HEAD_BYTES and (not rest or rest.isdigit())
        return BadPiece(offset, raw, Reason.TRUNCATED if is_cut else Reason.LENGTH_NOT_DIGITS)
    claimed_end = HEAD_BYTES + int(raw[2:HEAD_BYTES])
    closing = _closing(raw)
    if claimed_end + CRC_BYTES == len(raw) and claimed_crc(raw[claimed_end:]) is not None:
        closing = claimed_end
    if closing is None:
        return BadPiece(offset, raw, Reason.TRUNCATED)
    claimed = claimed_crc(raw[closing : closing + CRC_BYTES])
    segment = raw[HEAD_BYTES:closing]
    crc_ok = claimed is not None and crc_standard(segment) == claimed
    if closing != claimed_end:
        reason = Reason.LENGTH_WRONG
    elif len(raw) - closing < CRC_BYTES and _is_hex_begun(raw[closing:]):
        reason = Reason.TRUNCATED
    elif claimed is None:
        reason = Reason.CRC_NOT_HEX
    else:
        reason = _REASON_OF_DIALECT.get(matching_dialect(segment, claimed), Reason.CRC_WRONG)
    return BadPiece(offset, raw, reason, crc_ok)


def decoded(data: bytes) -> str:
    """Return bytes as text: UTF-8, else GB 18030, which older devices use, else byte for byte."""
    if data.isascii():
        return data.decode("ascii")
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def parse_content(segment: str) -> Content:
    """Read a data segment; whatever it holds, this does not fail.

    Args:
        segment: text from behind the length to the closing `&&` (both marks included, or missing in a broken one).
    """
    head, body = _head_and_body(segment)
    strays: list[str] = []
    header: dict[str, str] = {}
    for item in head.split(";"):
        name, equals, value = item.partition("=")
        if equals:
            header[name.strip()] = value
        elif item.strip(", \t\r\n"):
            strays.append(item)
    cp: dict[str, str] = {}
    factors: dict[str, dict[str, str]] = {}
    for name, value in _fields(body, strays):
        code, hyphen, suffix = name.partition("-")
        if hyphen and code and suffix:
            factors.setdefault(code, {})[suffix] = value
        else:
            cp[name] = value
    return Content(header, cp, factors, tuple(strays), body)


@lru_cache(maxsize=4096)
def moment_of(text: str | None) -> datetime | None:
    """Return the UTC moment of `YYYYMMDDhhmmss` with or without milliseconds (Beijing time), None when it is none."""
    digits = (text or "").strip()
    if not digits.isascii() or not digits.isdigit() or not 14 <= len(digits) <= 17:
        return None
    year, month, day, hour, minute, second = int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2))
    microsecond = int(digits[14:].ljust(3, "0")) * 1000
    try:
        moment = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=DEVICE_TIME_ZONE)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.year >= _FIRST_YEAR else None


def _head_and_body(segment: str) -> tuple[str, str]:
    head, mark, body = segment.partition("CP=&&")
    if not mark:
        match = _BODY.search(segment)
        if match is None:
            return segment, ""
        head, body = segment[: match.start()], segment[match.end() :]
    before, closing, behind = body.rpartition("&&")
    if not closing:
        return head, body.rstrip("&")
    return (f"{head};{behind}" if behind.strip() else head), before


def _fields(body: str, strays: list[str]) -> list[tuple[str, str]]:
    if body.startswith(CIPHER_MARK):
        return []
    if "=//" in body:  # a log text stands between //…// and may hold separators (HJ 212-2017 table 9)
        items = [(match[1], match[2]) for match in _QUOTED_ITEM.finditer(body)]
    else:
        items = [
            (name, value if equals else None)
            for name, equals, value in (item.partition("=") for item in body.replace(";", ",").split(","))
        ]
    strays.extend(name for name, value in items if value is None and name.strip())
    return [(name.strip(), value) for name, value in items if value is not None]


def _closing(raw: bytes) -> int | None:
    """Return where the data segment of a frame ends by its closing `&&`, None when it has none."""
    mark = _BODY_BEGIN.search(raw)
    closing = raw.rfind(CLOSING)
    return closing + len(CLOSING) if mark is not None and closing >= mark.end() else None


def _is_hex_begun(field: bytes) -> bool:
    return claimed_crc(field.ljust(CRC_BYTES, b"0")) is not None


def _whole(text: str | None) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else 0
