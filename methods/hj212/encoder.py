"""Writes frames, split messages and replies of HJ 212."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from methods.hj212.checksum import crc_standard
from methods.hj212.cipher import BlockCipher, encrypted
from methods.hj212.frame import BODY_MARK, CLOSING, HEAD, Flag, Frame

LONGEST_SEGMENT = 1024  # bytes, HJ 212-2017 6.3.1
LONGEST_BODY = 950  # bytes between the marks, table 3
LONGEST_NUMBER = 9999  # of four digits
LINE_END = b"\r\n"
_SYSTEM = "91"  # ST of every reply: system interaction
_READY = 1


class MessageTooLongError(ValueError):
    """A message cannot be written in frames; the message names the part that is too long."""


def frame_of(segment: bytes, sent: bytes | None = None) -> bytes:
    """Return the frame of a data segment.

    Args:
        segment: the data segment in clear; length and checksum are made of it.
        sent: what goes over the wire in its place, where it is encrypted.

    Raises:
        MessageTooLongError: its length has more than four digits.
    """
    if len(segment) > LONGEST_NUMBER:
        message = f"A data segment of {len(segment)} bytes has no length of four digits: split it into packets."
        raise MessageTooLongError(message)
    crc = b"%04X" % crc_standard(segment)
    return HEAD + b"%04d" % len(segment) + (segment if sent is None else sent) + crc + LINE_END


def message_frames(
    header: Mapping[str, str], items: Sequence[str], encrypt_block: BlockCipher | None = None
) -> list[bytes]:
    """Return the frames of a message: one, or packets when it is too long for one.

    Args:
        header: fields before `CP=` in their order, without PNUM and PNO; `Flag` gets its split bit here.
        items: items of the data area, such as `a21026-Rtd=12.3,a21026-Flag=N`; a `DataTime` that comes first stands in
            every packet.
        encrypt_block: the block cipher with the device's key, to encrypt the data area (HJ 212-2025).

    Raises:
        MessageTooLongError: a single item is longer than a packet.
    """
    packets = _packed(items, min(LONGEST_BODY, LONGEST_SEGMENT - len(_header_text(header)) - 40))
    count = len(packets)
    frames = []
    for number, body in enumerate(packets, start=1):
        own = dict(header)
        if count > 1:
            flag = Flag.read(header.get("Flag")) or Flag(0, split=True, ack=False)
            own |= {"Flag": str(Flag(flag.version, split=True, ack=flag.ack).number)}
            own |= {"PNUM": str(count), "PNO": str(number)}
        head = _header_text(own).encode() + BODY_MARK
        sent = None if encrypt_block is None else head + encrypted(body, encrypt_block) + CLOSING
        frames.append(frame_of(head + body + CLOSING, sent))
    return frames


def data_reply(frame: Frame) -> bytes | None:
    """Return the answer to uploaded data (CN 9014), None when the device wants none (bit D of its flag)."""
    flag = frame.content.flag
    return _reply(frame, "9014", "") if flag is not None and flag.ack else None


def request_reply(frame: Frame, code: int = _READY) -> bytes:
    """Return the answer to a request (CN 9011).

    Args:
        frame: the request.
        code: QnRtn: 1 ready, 2 refused, 3 to 9 an error in PW, MN, ST, Flag, QN, CN or checksum, 100 unknown.
    """
    return _reply(frame, "9011", f"QnRtn={code}")


def execution_reply(frame: Frame, code: int) -> bytes:
    """Return how a request was carried out (CN 9012).

    Args:
        frame: the request.
        code: ExeRtn: 1 done, 2 failed, 3 condition, 4 time-out, 5 busy, 6 system fault, 100 no data.
    """
    return _reply(frame, "9012", f"ExeRtn={code}")


def notice_reply(frame: Frame) -> bytes:
    """Return the answer to a notice (CN 9013)."""
    return _reply(frame, "9013", "")


def _reply(frame: Frame, command: str, body: str) -> bytes:
    content = frame.content
    flag = content.flag or Flag(0, split=False, ack=False)
    header = {
        "QN": content.field("QN") or "",
        "ST": _SYSTEM,
        "CN": command,
        "PW": content.field("PW") or "",
        "MN": content.field("MN") or "",
        "Flag": str(Flag(flag.version, split=False, ack=False).number),
    }
    return frame_of(_header_text(header).encode() + BODY_MARK + body.encode() + CLOSING)


def _header_text(header: Mapping[str, str]) -> str:
    return "".join(f"{name}={value};" for name, value in header.items())


def _packed(items: Sequence[str], room: int) -> list[bytes]:
    """Return the data areas of the packets: as many items in each as fit."""
    common = [items[0].encode()] if items and items[0].startswith("DataTime=") else []
    packets: list[list[bytes]] = [list(common)]
    for item in items[len(common) :]:
        encoded = item.encode()
        if len(b";".join([*common, encoded])) > room:
            message = f"An item of {len(encoded)} bytes ({item[:40]} …) does not fit into a packet of {room}."
            raise MessageTooLongError(message)
        if len(b";".join([*packets[-1], encoded])) > room:
            packets.append(list(common))
        packets[-1].append(encoded)
    return [b";".join(packet) for packet in packets]
