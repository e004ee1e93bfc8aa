"""JT/T 808 (2013, 2019), messages between vehicles and a platform: bytes in, frames and positions out.

`FrameSplitter` turns a byte stream into good frames and bad pieces, `PacketJoiner` puts sub-packets together,
`decoded_body` reads a body, `positions` makes rows of it.
"""

from methods.jt808.body import MalformedBodyError, decoded_body
from methods.jt808.frame import BadPiece, Frame, Header, Reason, examined
from methods.jt808.packets import Message, PacketJoiner
from methods.jt808.positions import Position, positions
from methods.jt808.splitter import FrameSplitter, decode_one, split_whole

__all__ = [
    "BadPiece",
    "Frame",
    "FrameSplitter",
    "Header",
    "MalformedBodyError",
    "Message",
    "PacketJoiner",
    "Position",
    "Reason",
    "decode_one",
    "decoded_body",
    "examined",
    "positions",
    "split_whole",
]
