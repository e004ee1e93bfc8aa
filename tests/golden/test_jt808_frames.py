"""Published frames of JT/T 808 with the fields they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from methods.jt808 import Frame, decode_one, decoded_body, split_whole


@pytest.fixture(scope="module")
def cases(replay_dir: Path) -> list[dict[str, Any]]:
    found = json.loads((replay_dir / "jt808" / "frames.json").read_text("utf-8"))
    assert found
    return found


def test_headers_and_fields_are_the_published_ones(cases: list[dict[str, Any]]):
    for case in cases:
        piece = decode_one(bytes.fromhex(case["hex"]))
        assert isinstance(piece, Frame) == (case["xor_ok"] and case["len_ok"]), case["case"]
        assert piece.header is not None, case["case"]
        assert piece.header.is_2019 == case["v2019"], case["case"]
        fields = {
            "msg_id": piece.header.msg_id,
            "phone": piece.header.phone,
            **decoded_body(piece.header, piece.body),
        }
        assert {name: fields.get(name) for name in case["expected"]} == case["expected"], case["case"]


def test_one_stream_of_all_of_them_comes_apart_again(cases: list[dict[str, Any]]):
    frames = [bytes.fromhex(case["hex"]) for case in cases if case["xor_ok"] and case["len_ok"]]

    assert [piece.raw for piece in split_whole(b"".join(frames))] == frames
