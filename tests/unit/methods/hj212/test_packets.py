"""Split messages and repetitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from methods.hj212 import Frame, Message, PacketJoiner, RepeatedFrames, split_whole
from tests.unit.methods.hj212.conftest import written

START = datetime(2026, 11, 1, tzinfo=UTC)


def packet(number: int, count: int, body: str = "", qn: str = "20261101080000000", mn: str = "M1") -> Frame:
    fields = f"QN={qn};ST=31;CN=2051;PW=1;MN={mn};Flag=7;PNUM={count};PNO={number};CP=&&{body or f'a-Avg={number}'}&&"
    (frame,) = split_whole(written(fields))
    assert isinstance(frame, Frame)
    return frame


def numbers(message: Message) -> list[tuple[int, int] | None]:
    return [frame.content.packet for frame in message.frames]


def test_packets_in_any_order_make_one_message():
    joiner = PacketJoiner()

    assert joiner.add(packet(2, 3), START) == []
    assert joiner.add(packet(3, 3), START) == []
    (message,) = joiner.add(packet(1, 3), START + timedelta(seconds=60))

    assert numbers(message) == [(1, 3), (2, 3), (3, 3)]
    assert message.is_complete
    assert joiner.close() == []


def test_a_frame_without_packet_numbers_is_a_message_of_its_own():
    joiner = PacketJoiner()

    (message,) = joiner.add(packet(1, 1), START)

    assert (len(message.frames), message.is_complete) == (1, True)


def test_packets_of_two_devices_and_two_requests_do_not_mix():
    joiner = PacketJoiner()
    for frame in (packet(1, 2), packet(2, 2, mn="M2"), packet(2, 2, qn="20261101080100000")):
        assert joiner.add(frame, START) == []

    assert sorted(message.missing for message in joiner.close()) == [(1,), (1,), (2,)]


def test_what_is_incomplete_after_a_minute_is_handed_out_with_what_is_missing():
    joiner = PacketJoiner()
    joiner.add(packet(1, 3), START)

    assert joiner.add(packet(1, 1, mn="M1"), START + timedelta(seconds=60))[0].is_complete
    late, own = joiner.add(packet(1, 1, mn="M1"), START + timedelta(seconds=61))

    assert (numbers(late), late.missing) == ([(1, 3)], (2, 3))
    assert own.is_complete


def test_the_clock_of_one_device_makes_no_other_old():
    joiner = PacketJoiner()
    joiner.add(packet(1, 2), START)

    assert len(joiner.add(packet(1, 1, mn="M2"), START + timedelta(days=5000))) == 1
    assert len(joiner.add(packet(2, 2), START)) == 1


def test_a_packet_that_comes_twice_in_an_open_message_is_not_lost():
    joiner = PacketJoiner()
    joiner.add(packet(1, 2), START)
    joiner.add(packet(1, 2, "a-Avg=other"), START)

    (message,) = joiner.add(packet(2, 2), START)

    assert numbers(message) == [(1, 2), (1, 2), (2, 2)]


def test_same_key_and_same_data_are_a_repetition():
    seen = RepeatedFrames()
    first = packet(1, 1, "DataTime=20261101080000;a-Rtd=1")
    again = packet(1, 1, "DataTime=20261101080000;a-Rtd=1", qn="20261101080500000")

    assert not seen.has(first)
    assert seen.has(again)


@pytest.mark.parametrize(
    "other",
    [
        packet(1, 1, "DataTime=20261101080000;a-Rtd=2"),
        packet(1, 1, "DataTime=20261101080100;a-Rtd=1"),
        packet(1, 1, "DataTime=20261101080000;a-Rtd=1", mn="M2"),
        packet(2, 2, "DataTime=20261101080000;a-Rtd=1"),
    ],
)
def test_what_differs_in_key_or_data_is_none(other: Frame):
    seen = RepeatedFrames()
    seen.has(packet(1, 1, "DataTime=20261101080000;a-Rtd=1"))

    assert not seen.has(other)


def test_two_frames_with_the_same_checksum_are_two():
    # Found by trying: the checksum of both is 0x2500, the values differ.
    seen = RepeatedFrames()
    same = [frame for value in range(3000) for frame in [packet(1, 1, f"DataTime=20261101080000;a-Rtd={value:04d}")]]
    by_crc: dict[bytes, list[Frame]] = {}
    for frame in same:
        by_crc.setdefault(frame.raw[-4:], []).append(frame)
    first, second = next(frames[:2] for frames in by_crc.values() if len(frames) > 1)

    assert not seen.has(first)
    assert not seen.has(second)
