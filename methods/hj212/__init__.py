"""HJ 212 (2005, 2017, 2025): bytes in, frames out; nothing here reads a file, a clock or a key.

`FrameSplitter` turns a byte stream, however it is cut, into good frames and bad pieces; `PacketJoiner` makes messages
of split packets; `message_readings` makes rows of a message; `encoder` writes frames and replies.
"""

from methods.hj212.checksum import Dialect, crc_of
from methods.hj212.frame import BadPiece, Content, Flag, Frame, Reason, decoded, parse_content
from methods.hj212.packets import Message, PacketJoiner, RepeatedFrames
from methods.hj212.readings import Reading, message_readings
from methods.hj212.splitter import Devices, FrameSplitter, decode_one, split_whole

__all__ = [
    "BadPiece",
    "Content",
    "Devices",
    "Dialect",
    "Flag",
    "Frame",
    "FrameSplitter",
    "Message",
    "PacketJoiner",
    "Reading",
    "Reason",
    "RepeatedFrames",
    "crc_of",
    "decode_one",
    "decoded",
    "message_readings",
    "parse_content",
    "split_whole",
]
