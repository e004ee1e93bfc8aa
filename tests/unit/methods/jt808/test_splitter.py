"""No good frame is lost, no byte is lost, and chunks do not matter."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.jt808 import BadPiece, Frame, FrameSplitter, Reason, decode_one, decoded_body, split_whole
from methods.jt808.body import MalformedBodyError
from methods.jt808.splitter import LONGEST_STRETCH
from tests.unit.methods.jt808.conftest import PHONE_2013, PHONE_2019, written

good_frames = st.builds(
    written,
    st.integers(0, 0xFFFF),
    st.binary(max_size=60),
    serial=st.integers(0, 0xFFFF),
    phone=st.sampled_from([PHONE_2013, PHONE_2019]),
    package=st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
rubbish = st.binary(max_size=40) | good_frames.flatmap(
    lambda good: st.integers(1, len(good) - 1).map(lambda end: good[:end])
)


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(good_frames | rubbish, max_size=8), data=st.data())
def test_any_chunking_gives_the_same_pieces(parts: list[bytes], data: st.DataObject):
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    splitter = FrameSplitter()

    chunked = [
        piece
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for piece in splitter.feed(stream[start:end])
    ]

    assert [*chunked, *splitter.close()] == list(split_whole(stream))


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(st.tuples(rubbish, good_frames), max_size=6), end=rubbish)
def test_good_frames_survive_any_rubbish_between_them(parts: list[tuple[bytes, bytes]], end: bytes):
    stream = b"".join(before + good for before, good in parts) + end

    found = [piece.raw for piece in split_whole(stream) if isinstance(piece, Frame)]

    remaining = iter(found)
    assert all(good in remaining for _, good in parts), "in their order"


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(good_frames | rubbish, max_size=8))
def test_every_byte_but_delimiters_is_in_a_piece(parts: list[bytes]):
    stream = b"".join(parts)
    left = bytearray(stream)

    for piece in split_whole(stream):
        end = piece.offset + len(piece.raw)
        assert stream[piece.offset : end] == piece.raw
        left[piece.offset : end] = b"\x7e" * len(piece.raw)

    assert not bytes(left).strip(b"\x7e")


@settings(deadline=None)
@given(stream=st.binary(max_size=300) | st.binary(max_size=100).map(lambda body: written(0x0704, body)))
def test_random_bytes_never_raise(stream: bytes):
    for piece in [*split_whole(stream), decode_one(stream)]:
        if isinstance(piece, Frame):
            with suppress(MalformedBodyError):
                decoded_body(piece.header, piece.body)


def test_one_delimiter_may_end_a_frame_and_begin_the_next():
    first, second = written(0x0002, serial=1), written(0x0002, serial=2)

    found = list(split_whole(first[:-1] + second))

    assert [piece.raw for piece in found] == [first, second]


def test_escapes_are_undone():
    (frame,) = split_whole(written(0x0900, bytes([0x7E, 0x7D, 0x02, 0x7D, 0x01])))

    assert isinstance(frame, Frame)
    assert frame.body == bytes([0x7E, 0x7D, 0x02, 0x7D, 0x01])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"abc", Reason.RUBBISH),
        (b"\x7e" + b"\x00" * 20 + b"\x01\x7e", Reason.CHECKSUM_WRONG),
        (b"\x7e\x00\x02\x00\x05" + b"\x00" * 8 + b"\x07\x7e", Reason.LENGTH_WRONG),
        (b"\x7e\x00\x02\x7d\x05\x7e", Reason.ESCAPE_WRONG),
        (b"\x7e\x00\x02\x7e", Reason.TOO_SHORT),
    ],
)
def test_a_broken_piece_keeps_place_bytes_and_reason(broken: bytes, reason: Reason):
    before, after = written(0x0002), written(0x0002, serial=2)

    first, bad, last = split_whole(before + broken + after)

    assert (first.raw, last.raw) == (before, after)
    assert isinstance(bad, BadPiece)
    assert (bad.reason, bad.offset) == (reason, len(before))
    assert bad.raw == broken.removesuffix(b"\x7e")
    assert bad.reason.text


def test_a_frame_that_does_not_end_is_truncated():
    (bad,) = split_whole(written(0x0002)[:-1])

    assert isinstance(bad, BadPiece)
    assert (bad.reason, bad.offset, bad.raw) == (Reason.TRUNCATED, 0, written(0x0002)[:-1])


def test_a_stream_without_delimiters_is_kept_in_bounded_pieces():
    found = list(split_whole(b"\x00" * (2 * LONGEST_STRETCH + 5) + written(0x0002)))

    assert [len(piece.raw) for piece in found[:-1]] == [LONGEST_STRETCH, LONGEST_STRETCH, 5]
    assert isinstance(found[-1], Frame)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(written(0x0002)[1:], Reason.RUBBISH), (written(0x0002)[:-1], Reason.TRUNCATED)],
)
def test_a_single_frame_without_its_delimiter_is_refused_with_its_header(data: bytes, reason: Reason):
    bad = decode_one(data)

    assert isinstance(bad, BadPiece)
    assert (bad.reason, bad.xor_ok, bad.len_ok) == (reason, True, True)
    assert bad.header is not None
    assert bad.header.phone == PHONE_2013
