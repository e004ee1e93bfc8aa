"""Frames that we write are read again: plain, split, encrypted; and the replies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.hj212 import BadPiece, Devices, Frame, PacketJoiner, Reason, split_whole
from methods.hj212.cipher import decrypted, encrypted
from methods.hj212.encoder import (
    MessageTooLongError,
    data_reply,
    execution_reply,
    message_frames,
    notice_reply,
    request_reply,
)
from security import sm4
from tests.unit.methods.hj212.conftest import written

HEADER = {"QN": "20261101080000000", "ST": "31", "CN": "2051", "PW": "123456", "MN": "M1", "Flag": "5"}
KEY = b"0" * 16  # 16 × 0x30, the test key of HJ 212-2025
ENCRYPT, DECRYPT = sm4.block_encryptor(KEY), sm4.block_decryptor(KEY)


def only(stream: bytes, devices: Devices | None = None) -> Frame | BadPiece:
    (piece,) = split_whole(stream, devices)
    return piece


def test_a_message_that_fits_is_one_frame_of_the_standard():
    (frame,) = message_frames(HEADER, ["DataTime=20261101080000", "a-Avg=1,a-Flag=N"])

    assert frame == written(
        "QN=20261101080000000;ST=31;CN=2051;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20261101080000;a-Avg=1,a-Flag=N&&"
    )


def test_a_long_message_is_split_and_joined_again():
    items = ["DataTime=20261101080000", *(f"a{number:05d}-Avg={number},a{number:05d}-Flag=N" for number in range(90))]

    frames = message_frames(HEADER, items)

    assert len(frames) > 1
    assert all(int(frame[2:6]) <= 1024 for frame in frames)
    joiner = PacketJoiner()
    messages = [
        message
        for piece in split_whole(b"".join(frames))
        if isinstance(piece, Frame)
        for message in joiner.add(piece, piece.sent_at)
    ]
    (message,) = messages
    assert message.is_complete
    assert message.frames[0].content.flag is not None
    assert message.frames[0].content.flag.split
    assert sum(len(frame.content.factors) for frame in message.frames) == 90
    assert all(len(frame.content.body) <= 950 for frame in message.frames)


def test_an_item_that_fits_in_no_packet_is_an_error():
    with pytest.raises(MessageTooLongError):
        message_frames(HEADER, ["a-Info=" + "x" * 2000])


@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_an_encrypted_data_area_opens_again(body: bytes):
    sent = encrypted(body, ENCRYPT)

    assert sent.startswith(b"{0x") == (len(body) >= 16)
    if len(body) >= 16:
        tail = body[len(body) - len(body) % 16 :]
        assert sent.endswith(b"}" + tail)
        assert sent.count(b"0x") >= len(body) // 16 * 16
        assert decrypted(sent, DECRYPT) == body


def test_an_encrypted_frame_is_made_of_its_text_in_clear():
    items = ["DataTime=20261101080000", "a21026-Avg=12.5,a21026-Flag=N"]
    (plain,) = message_frames(HEADER, items)
    (secret,) = message_frames(HEADER, items, ENCRYPT)

    assert secret[:6] == plain[:6]
    assert secret[-6:] == plain[-6:]
    assert b"a21026-Avg" not in secret
    found = only(secret, Devices(decrypt_blocks={"M1": [sm4.block_decryptor(b"1" * 16), DECRYPT]}))
    assert isinstance(found, Frame)
    assert found.was_encrypted
    assert found.content.factors == {"a21026": {"Avg": "12.5", "Flag": "N"}}
    assert found.raw == secret.rstrip()


def test_an_encrypted_frame_without_its_key_is_kept_with_the_reason():
    (secret,) = message_frames(HEADER, ["DataTime=20261101080000"], ENCRYPT)
    wrong = Devices(decrypt_blocks={"M1": [sm4.block_decryptor(b"1" * 16)]})

    unknown, mistaken = only(secret), only(secret, wrong)

    assert isinstance(unknown, BadPiece)
    assert isinstance(mistaken, BadPiece)
    assert (unknown.reason, mistaken.reason) == (Reason.KEY_MISSING, Reason.DECRYPTION_FAILED)
    assert unknown.raw == secret.rstrip()
    assert unknown.content.field("MN") == "M1"


def test_a_frame_behind_an_encrypted_one_that_breaks_off_is_found():
    (secret,) = message_frames(HEADER, ["DataTime=20261101080000"], ENCRYPT)
    (plain,) = message_frames(HEADER, ["DataTime=20261101080000"])

    found = list(split_whole(secret[:100] + plain, Devices(decrypt_blocks={"M1": [DECRYPT]})))

    assert [type(piece) for piece in found] == [BadPiece, Frame]


@pytest.mark.parametrize(("flag", "answered"), [("5", "4"), ("7", "4"), ("9", "8"), ("11", "8")])
def test_uploaded_data_are_answered_when_the_device_asks_for_it(flag: str, answered: str):
    frame = only(message_frames({**HEADER, "Flag": flag}, ["DataTime=20261101080000"])[0])
    assert isinstance(frame, Frame)

    reply = data_reply(frame)

    assert reply == written(f"QN=20261101080000000;ST=91;CN=9014;PW=123456;MN=M1;Flag={answered};CP=&&&&")


@pytest.mark.parametrize("flag", ["4", "8", "x"])
def test_a_device_that_wants_no_answer_gets_none(flag: str):
    frame = only(message_frames({**HEADER, "Flag": flag}, ["DataTime=20261101080000"])[0])
    assert isinstance(frame, Frame)

    assert data_reply(frame) is None


def test_replies_to_requests():
    frame = only(message_frames(HEADER, ["RtdInterval=30"])[0])
    assert isinstance(frame, Frame)
    head = "QN=20261101080000000;ST=91;CN={};PW=123456;MN=M1;Flag=4;CP=&&{}&&"

    assert request_reply(frame) == written(head.format("9011", "QnRtn=1"))
    assert request_reply(frame, 3) == written(head.format("9011", "QnRtn=3"))
    assert execution_reply(frame, 100) == written(head.format("9012", "ExeRtn=100"))
    assert notice_reply(frame) == written(head.format("9013", ""))
