"""Bodies as fields, sub-packets together, positions as rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from methods.jt808 import (
    Frame,
    MalformedBodyError,
    Message,
    PacketJoiner,
    Position,
    decoded_body,
    positions,
    split_whole,
)
from methods.jt808.positions import Refusal
from tests.unit.methods.jt808.conftest import PHONE_2013, PHONE_2019, position, written

START = datetime(2026, 11, 1, tzinfo=UTC)


def frame(
    msg_id: int, body: bytes, phone: str = PHONE_2013, serial: int = 1, package: tuple[int, int] | None = None
) -> Frame:
    (piece,) = split_whole(written(msg_id, body, serial=serial, phone=phone, package=package))
    assert isinstance(piece, Frame)
    return piece


def fields(msg_id: int, body: bytes, phone: str = PHONE_2013) -> dict[str, object]:
    piece = frame(msg_id, body, phone)
    return decoded_body(piece.header, piece.body)


def rows(msg_id: int, body: bytes) -> list[Position]:
    piece = frame(msg_id, body)
    return list(positions(Message((piece,), piece.header, piece.body)))


def test_a_position_has_sign_units_and_names():
    (row,) = rows(0x0200, position(status=0b1111, alarm=1 << 29 | 1 << 1, extras=b"\x01\x04\x00\x00\x04\xd3"))

    assert (row.longitude, row.latitude) == (-121.45, -30.8)
    assert (row.altitude_m, row.speed_km_per_h, row.direction_deg) == (12, 36.5, 90)
    assert row.measured_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert row.alarms == ("超速报警", "碰撞侧翻报警")
    assert row.states == ("点火", "已定位", "南纬", "西经")
    assert row.mileage_km == 123.5
    assert (row.is_located, row.is_resent, row.refused) == (True, False, None)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (position(time="000000000000"), Refusal.TIME_UNREADABLE),
        (position(time="26110108000a"), Refusal.TIME_UNREADABLE),
        (position(status=1 << 5), Refusal.POSITION_ENCRYPTED),
        (position(latitude=90.1), Refusal.POSITION_IMPOSSIBLE),
        (position(longitude=180.1), Refusal.POSITION_IMPOSSIBLE),
        (position(direction=361), Refusal.POSITION_IMPOSSIBLE),
    ],
)
def test_a_position_that_is_none_is_refused(body: bytes, refusal: Refusal):
    (row,) = rows(0x0200, body)

    assert row.refused is refusal


def test_loads_are_named():
    assert rows(0x0200, position(status=0b11 << 8))[0].states == ("满载",)
    assert rows(0x0200, position(status=0))[0].states == ()


def test_additional_items_are_read_and_unknown_or_cut_ones_kept():
    extras = b"\x02\x02\x00\x64" + b"\x30\x01\x1f" + b"\xe1\x02\xab\xcd" + b"\x31\x05\x01"

    assert fields(0x0200, position(extras=extras))["extras"] == [
        {"id": 0x02, "name": "fuel_l", "value": 10.0},
        {"id": 0x30, "name": "signal_strength", "value": 31},
        {"id": 0xE1, "name": "other", "hex": "abcd"},
        {"name": "rest", "hex": "310501"},
    ]


def test_a_batch_of_a_dead_spot_is_marked_resent():
    one = position(time="261101080000")
    two = position(time="261101080030", extras=b"\x31\x01\x09")
    body = b"\x00\x02\x01" + b"".join(len(item).to_bytes(2, "big") + item for item in (one, two))

    found = rows(0x0704, body)

    assert [row.measured_at for row in found] == [START, START + timedelta(seconds=30)]
    assert all(row.is_resent for row in found)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01",
        b"\x00\x02\x00\x00\x1c" + position(),
        b"\x00\x01\x00\x00\x20" + position(),
        b"\x00\x01\x00\x00\x05" + position()[:5],
    ],
)
def test_a_batch_that_is_not_as_long_as_it_says_is_malformed(body: bytes):
    with pytest.raises(MalformedBodyError):
        fields(0x0704, body)


@pytest.mark.parametrize(
    ("msg_id", "phone", "body"),
    [
        (0x8003, PHONE_2013, "006f03000200030004"),
        (0x8003, PHONE_2019, "006f0003000200030004"),
        (0x0005, PHONE_2013, "006f0003000200030004"),
        (0x0005, PHONE_2019, "006f03000200030004"),
    ],
)  # fmt: skip
def test_missing_sub_packets_are_counted_in_one_or_two_bytes(msg_id: int, phone: str, body: str):
    found = fields(msg_id, bytes.fromhex(body), phone)

    assert found == {"originalMessageFlowId": 111, "packageCount": 3, "packageIdList": [2, 3, 4]}


def test_texts_are_gbk():
    assert fields(0x8300, b"\x01" + "减速慢行".encode("gbk")) == {"identifier": 1, "text": "减速慢行"}
    assert fields(0x8300, b"\x01\x02" + "减速慢行".encode("gbk"), PHONE_2019)["text"] == "减速慢行"
    answer = "到".encode("gbk")
    question = "到了?".encode("gbk")
    body = b"\x01" + bytes([len(question)]) + question + b"\x07" + len(answer).to_bytes(2, "big") + answer
    assert fields(0x8302, body) == {"identifier": 1, "question": "到了?", "answers": [{"id": 7, "text": "到"}]}


@pytest.mark.parametrize(
    ("msg_id", "body"),
    [
        (0x0200, b"\x00" * 27),
        (0x0801, b"\x00" * 30),
        (0x8300, b""),
        (0x8300, b"\x01\xff"),
        (0x8302, b"\x01\x09ab"),
        (0x8302, b"\x01\x00\x01\x00\x09a"),
        (0x8003, b"\x00\x01\x05"),
        (0x0001, b"\x00"),
    ],
)
def test_a_body_of_another_form_is_malformed(msg_id: int, body: bytes):
    with pytest.raises(MalformedBodyError):
        fields(msg_id, body)


def test_other_messages_keep_their_bytes():
    assert fields(0x0900, b"\x01\x02") == {"body_hex": "0102"}
    assert fields(0x0002, b"") == {}


def test_sub_packets_make_one_message():
    body = b"\x00\x00\x00\x01\x00\x00\x00\x02" + position() + b"JPEG"
    joiner = PacketJoiner()

    assert joiner.add(frame(0x0801, body[:20], serial=7, package=(1, 2)), START) == []
    (message,) = joiner.add(frame(0x0801, body[20:], serial=8, package=(2, 2)), START)

    assert message.missing == ()
    assert decoded_body(message.header, message.body)["media_hex"] == "4a504547"
    (row,) = positions(message)
    assert row.longitude == 121.45


def test_what_does_not_come_is_named_after_a_minute():
    joiner = PacketJoiner()
    joiner.add(frame(0x0801, b"\x00" * 20, serial=0xFFFF, package=(1, 3)), START)
    joiner.add(frame(0x0801, b"\x00" * 20, serial=0, package=(2, 3)), START)

    assert joiner.expire(START + timedelta(seconds=60)) == []
    (message,) = joiner.expire(START + timedelta(seconds=61))

    assert message.missing == (3,)
    assert len(message.frames) == 2
    assert list(positions(message)) == []
    assert decoded_body(message.header, message.body) == {"body_hex": "00" * 40}
