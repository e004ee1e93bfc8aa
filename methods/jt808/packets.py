"""Sub-packets of one message are put together again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from methods.jt808.frame import Frame, Header

TIME_OUT = timedelta(seconds=60)
_GroupKey = tuple[str, int, int, int]


@dataclass(frozen=True)
class Message:
    """One message: a frame of its own, or the sub-packets of a split one.

    Attributes:
        frames: its frames, in the order of their numbers.
        header: the header of the whole: of the first frame, without package numbers when all are there.
        body: the body, of all sub-packets together.
        missing: numbers of the sub-packets that did not come in time.
    """

    frames: tuple[Frame, ...]
    header: Header
    body: bytes
    missing: tuple[int, ...] = ()


@dataclass
class _Group:
    began_at: datetime | None
    count: int
    packets: dict[int, Frame] = field(default_factory=dict)

    def message(self) -> Message:
        frames = tuple(self.packets[number] for number in sorted(self.packets))
        missing = tuple(number for number in range(1, self.count + 1) if number not in self.packets)
        body = b"".join(frame.body for frame in frames)
        header = frames[0].header
        if not missing:
            header = replace(header, package_count=None, package_number=None, body_length=len(body))
        return Message(frames, header, body, missing)


class PacketJoiner:
    """Joins sub-packets of one terminal and message; their serial numbers run on, so the first one's tells the group.

    Args:
        time_out: how long the sub-packets of one message may take.
    """

    def __init__(self, time_out: timedelta = TIME_OUT) -> None:
        self._time_out = time_out
        self._open: dict[_GroupKey, _Group] = {}

    def add(self, frame: Frame, at: datetime | None) -> list[Message]:
        """Take a frame and return the messages that end with it: first those that are too old now.

        Args:
            frame: a good frame.
            at: the moment by the input's own clock; None where it has none, then nothing grows old.
        """
        ended = [] if at is None else self.expire(at)
        header = frame.header
        count, number = header.package_count, header.package_number
        if count is None or number is None or not 1 <= number <= count:
            return [*ended, Message((frame,), header, frame.body)]
        key = (header.phone, header.msg_id, count, (header.serial - number) % 0x10000)
        group = self._open.setdefault(key, _Group(at, count))
        repeated = group.packets.get(number)
        if repeated is not None:  # asked for again and come twice; it is handed on by itself, as all that arrives is
            return [*ended, Message((frame,), header, frame.body)]
        group.packets[number] = frame
        if len(group.packets) == count:
            ended.append(self._open.pop(key).message())
        return ended

    def expire(self, at: datetime) -> list[Message]:
        """Return the messages whose sub-packets did not all come in time, as far as they came."""
        old = [
            key
            for key, group in self._open.items()
            if group.began_at is not None and at - group.began_at > self._time_out
        ]
        return [self._open.pop(key).message() for key in old]

    def close(self) -> list[Message]:
        """Return what is still open, as far as it came."""
        left = [group.message() for group in self._open.values()]
        self._open.clear()
        return left
