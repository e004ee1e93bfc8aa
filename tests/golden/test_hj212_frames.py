"""Frames of real devices, good and bad, with verdict and content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from methods.hj212 import Dialect, Frame, Reason, decode_one, split_whole

Cases = dict[str, tuple[bytes, dict[str, Any]]]


@pytest.fixture(scope="module")
def cases(replay_dir: Path) -> Cases:
    folder = replay_dir / "hj212"
    frames = [json.loads(line) for line in (folder / "frames_in.jsonl").read_text("utf-8").splitlines()]
    expected = [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]
    answers = {answer["id"]: answer for answer in expected}
    found = {frame["id"]: (frame["frame"].encode(), answers[frame["id"]]) for frame in frames}
    assert len(found) == len(answers) > 0
    return found


def test_verdict_checksum_and_content_are_the_published_ones(cases: Cases):
    got, wanted = {}, {}
    for name, (data, answer) in cases.items():
        piece = decode_one(data)
        content, flag = piece.content, piece.content.flag
        got[name] = {
            "expect": "accept" if isinstance(piece, Frame) else "reject",
            "crc_ok": piece.dialect is Dialect.STANDARD if isinstance(piece, Frame) else piece.crc_ok,
            "header": content.header,
            "cp": content.cp,
            "factors": content.factors,
            "flag": None if flag is None else {"version": flag.version, "split": flag.split, "ack": flag.ack},
        }
        wanted[name] = {"expect": answer["expect"], "crc_ok": answer["crc_ok"], **answer["parsed"]}

    assert got == wanted


def test_a_length_that_is_said_wrong_is_named(cases: Cases):
    for name, (data, answer) in cases.items():
        piece = decode_one(data)
        is_length_named = not isinstance(piece, Frame) and piece.reason in {Reason.LENGTH_WRONG, Reason.TRUNCATED}
        assert is_length_named == (not answer["len_ok"]), name


def test_all_of_them_glued_together_come_apart_again(cases: Cases):
    stream = b"".join(data.rstrip(b"\r\n") for data, _ in cases.values())

    good = [piece.raw for piece in split_whole(stream) if isinstance(piece, Frame)]

    assert good == [data.rstrip(b"\r\n") for data, answer in cases.values() if answer["expect"] == "accept"]
