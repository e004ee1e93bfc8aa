"""Split packets become messages again, and packets that come twice are recognised."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from methods.hj212.frame import Frame

TIME_OUT = timedelta(seconds=60)  # HJ 212-2017 6.4: what has not come by then is asked for again
_REMEMBERED = 100_000
_GroupKey = tuple[str, str, str, int]


@dataclass(frozen=True)
class Message:
    """One message: a frame of its own, or the packets of a split one.

    Attributes:
        frames: its frames, in the order of their packet numbers.
        missing: numbers of the packets that did not come in time.
    """

    frames: tuple[Frame, ...]
    missing: tuple[int, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all packets are there."""
        return not self.missing

    @property
    def data_time(self) -> str | None:
        """The text of `DataTime`, which the first packet may carry for all."""
        times = (frame.content.data_time for frame in self.frames)
        return next((time for time in times if time), None)


@dataclass
class _Group:
    count: int
    began_at: datetime | None
    packets: list[Frame] = field(default_factory=list)

    def message(self) -> Message:
        numbered = sorted(self.packets, key=lambda frame: (frame.content.packet or (0, 0))[0])
        arrived = {frame.content.packet[0] for frame in numbered if frame.content.packet}
        return Message(tuple(numbered), tuple(sorted(set(range(1, self.count + 1)) - arrived)))

    def is_complete(self) -> bool:
        return not self.message().missing


class PacketJoiner:
    """Joins packets by device, request number and command (MN, QN, CN).

    Args:
        time_out: how long the packets of one message may take.
    """

    def __init__(self, time_out: timedelta = TIME_OUT) -> None:
        self._time_out = time_out
        self._open: dict[_GroupKey, _Group] = {}

    def add(self, frame: Frame, at: datetime | None) -> list[Message]:
        """Take a frame and return the messages that end with it: first those of its device that are too old now.

        Args:
            frame: a good frame.
            at: its moment by the input's own clock; None where it has none, then nothing grows old.
        """
        content = frame.content
        ended = [] if at is None else self.expire(at, frame.device)
        if content.packet is None:
            return [*ended, Message((frame,))]
        _, count = content.packet
        key = (frame.device, content.field("QN") or "", content.field("CN") or "", count)
        group = self._open.setdefault(key, _Group(count, at))
        group.packets.append(frame)
        if group.is_complete():
            ended.append(self._open.pop(key).message())
        return ended

    def expire(self, at: datetime, device: str | None = None) -> list[Message]:
        """Return the messages whose packets did not all come in time, as far as they came.

        Args:
            at: the present moment by the input's clock.
            device: only of this device; each device has a clock of its own.
        """
        old = [
            key
            for key, group in self._open.items()
            if (device is None or key[0] == device)
            and group.began_at is not None
            and at - group.began_at > self._time_out
        ]
        return [self._open.pop(key).message() for key in old]

    def close(self) -> list[Message]:
        """Return what is still open, as far as it came."""
        left = [group.message() for group in self._open.values()]
        self._open.clear()
        return left


class RepeatedFrames:
    """Recognises a packet that was there before: same device, command, data time and packet number, and same data.

    Other data under the same key are a correction, not a repetition; a checksum that occurs twice says nothing.
    Without a data time the request number stands for it; a frame with neither is never called a repetition.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, ...], set[bytes]] = OrderedDict()

    def has(self, frame: Frame) -> bool:
        """Tell whether the frame repeats an earlier one, and remember it."""
        content = frame.content
        time = content.data_time or content.field("QN")
        if not time:
            return False
        number = str(content.packet[0]) if content.packet else ""
        key = (frame.device, content.field("CN") or "", time, number)
        digest = hashlib.blake2b(content.body.encode(), digest_size=16).digest()
        known = self._seen.setdefault(key, set())
        self._seen.move_to_end(key)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        if digest in known:
            return True
        known.add(digest)
        return False
