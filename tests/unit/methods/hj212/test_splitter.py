"""No good frame is lost, no bad byte is lost, and chunks do not matter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.hj212 import BadPiece, Devices, Dialect, Frame, FrameSplitter, Reason, crc_of, decode_one, split_whole
from tests.unit.methods.hj212.conftest import written

SEGMENT = "QN=20261101000000123;ST=31;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20261101000000;a21026-Rtd={}&&"


def frame(value: object = "1.5") -> bytes:
    return written(SEGMENT.format(value))


def bare(data: bytes) -> bytes:
    return data.rstrip(b"\r\n")


def pieces(stream: bytes, devices: Devices | None = None) -> list[tuple[str, int, bytes]]:
    return [
        (piece.reason.value if isinstance(piece, BadPiece) else "frame", piece.offset, piece.raw)
        for piece in split_whole(stream, devices)
    ]


segments = st.integers(0, 99999).map(SEGMENT.format) | st.text("ab=;,&#01中\r\n-", max_size=80)
good_frames = st.tuples(segments, st.sampled_from([b"\r\n", b"\n", b""])).map(lambda pair: written(*pair))
broken_frames = good_frames.flatmap(
    lambda good: st.one_of(
        st.integers(1, max(1, len(good) - 3)).map(lambda end: good[:end]),
        st.tuples(st.integers(0, len(good) - 1), st.integers(1, 255)).map(
            lambda hit: good[: hit[0]] + bytes([good[hit[0]] ^ hit[1]]) + good[hit[0] + 1 :]
        ),
    )
)
rubbish = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 9999).map(lambda length: b"##%04d" % length),
    st.sampled_from([b"#", b"##", b"##01", b"##0101QN=", b"##01x1", b"\r\n\r\n", b"{0x", b"CP=&&{0x01,"]),
    broken_frames,
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
    chunked += splitter.close()

    assert chunked == list(split_whole(stream))


@settings(deadline=None, max_examples=100)
@given(parts=st.lists(good_frames | rubbish, max_size=5))
def test_byte_by_byte_gives_the_same_pieces(parts: list[bytes]):
    stream = b"".join(parts)
    splitter = FrameSplitter()

    single = [piece for position in range(len(stream)) for piece in splitter.feed(stream[position : position + 1])]

    assert [*single, *splitter.close()] == list(split_whole(stream))


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(good_frames | rubbish, max_size=8))
def test_every_byte_but_line_ends_is_in_one_piece(parts: list[bytes]):
    stream = b"".join(parts)
    left = bytearray(stream)

    end = 0
    for piece in split_whole(stream):
        assert piece.offset >= end
        end = piece.offset + len(piece.raw)
        assert stream[piece.offset : end] == piece.raw
        left[piece.offset : end] = b"\n" * len(piece.raw)

    assert not bytes(left).strip(b"\r\n")


@settings(deadline=None, max_examples=300)
@given(parts=st.lists(st.tuples(st.booleans(), rubbish), max_size=6))
def test_good_frames_survive_any_rubbish_before_them(parts: list[tuple[bool, bytes]]):
    """Numbered frames, each behind rubbish that holds no whole frame of its own number."""
    stream = b""
    expected = []
    for number, (has_frame, before) in enumerate(parts):
        stream += before
        if has_frame:
            expected.append(bare(frame(1_000_000 + number)))
            stream += expected[-1]

    found = [piece.raw for piece in split_whole(stream) if isinstance(piece, Frame)]

    assert [raw for raw in found if raw in expected] == expected


@settings(deadline=None)
@given(stream=st.binary(max_size=600))
def test_random_bytes_never_raise(stream: bytes):
    for piece in split_whole(stream):
        assert piece.content is not None
    assert decode_one(stream).content is not None


def test_glued_frames_bare_line_feeds_and_a_missing_line_end():
    stream = bare(frame(1)) + bare(frame(2)) + b"\n" + bare(frame(3))

    assert [piece.raw for piece in split_whole(stream)] == [bare(frame(number)) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"\x00garbage", "rubbish"),
        (b"##01x5" + bare(frame())[6:], "length_not_digits"),
        (b"##0099" + bare(frame())[6:], "length_wrong"),
        (b"##0500" + bare(frame())[6:], "length_wrong"),
        (bare(frame())[:60], "truncated"),
        (bare(frame())[:-2], "truncated"),
        (bare(frame())[:-4] + b"zz9!", "crc_not_hex"),
        (bare(frame()).replace(b"=1.5", b"=1.6"), "crc_wrong"),
    ],
)
def test_a_broken_piece_keeps_place_bytes_and_reason(broken: bytes, reason: str):
    first, last = frame("first"), frame("last")

    found = pieces(first + broken + b"\r\n" + last)

    assert found == [
        ("frame", 0, bare(first)),
        (reason, len(first), broken),
        ("frame", len(first + broken) + 2, bare(last)),
    ]


def test_a_good_frame_inside_the_claimed_length_of_a_broken_one_is_found():
    inside = frame("inside")

    found = pieces(b"##0900QN=20261101;ST=31" + inside)

    assert found == [("truncated", 0, b"##0900QN=20261101;ST=31"), ("frame", 23, bare(inside))]


def test_what_a_good_frame_quotes_belongs_to_it():
    outer = written(f"ST=32;CN=3020;MN=M1;CP=&&i11001-Info=//{bare(frame()).decode()}//&&")

    assert pieces(outer) == [("frame", 0, bare(outer))]


def test_a_silent_line_is_closed_and_the_stream_goes_on():
    splitter = FrameSplitter()
    assert splitter.feed(b"##0900QN=2026") == []

    (cut,) = splitter.close()
    (after,) = splitter.feed(frame())

    assert (cut.offset, after.offset) == (0, 13)
    assert isinstance(after, Frame)


def test_a_stream_of_another_protocol_is_kept_in_bounded_pieces():
    stream = b"\x00" * 200_000 + frame()

    found = list(split_whole(stream))

    assert [len(piece.raw) for piece in found[:-1]] == [65_536, 65_536, 65_536, 200_000 - 3 * 65_536]
    assert found[-1].raw == bare(frame())


def test_length_is_counted_in_bytes():
    segment = "ST=32;CN=3020;MN=M1;CP=&&i11001-Info=//清洗管路//&&"
    by_characters = b"##%04d" % len(segment) + written(segment)[6:]

    assert pieces(written(segment))[0][0] == "frame"
    assert pieces(by_characters)[0][0] == "length_wrong"
    assert pieces(written(segment.encode("gbk")))[0][0] == "frame"


@pytest.mark.parametrize("dialect", [Dialect.MODBUS, Dialect.SWAPPED, Dialect.MODBUS_SWAPPED])
def test_a_dialect_is_accepted_only_of_the_device_that_has_it(dialect: Dialect):
    data = SEGMENT.format(7).encode()
    stream = b"##%04d" % len(data) + data + b"%04x" % crc_of(data, dialect) + b"\r\n"

    assert pieces(stream)[0][0] == f"crc_{dialect.value}"
    assert pieces(stream, Devices(dialects={"M2": dialect}))[0][0] == f"crc_{dialect.value}"
    (accepted,) = split_whole(stream, Devices(dialects={"M1": dialect}))
    assert isinstance(accepted, Frame)
    assert accepted.dialect is dialect
    assert pieces(frame(7), Devices(dialects={"M1": dialect}))[0][0] == "frame", "the standard's own stays right"


def test_a_data_segment_above_the_standards_size_is_still_a_frame():
    long = written("ST=31;CN=2011;MN=M1;CP=&&" + ";".join(f"a{n:05d}-Rtd={n}" for n in range(200)) + "&&")

    assert len(long) > 1024
    assert pieces(long)[0][0] == "frame"


def test_every_reason_has_a_text_of_its_own():
    texts = {reason.text for reason in Reason}

    assert len(texts) == len(Reason)


@pytest.mark.parametrize("make", [FrameSplitter, lambda: FrameSplitter(Devices())])
def test_an_empty_stream_has_no_pieces(make: Callable[[], FrameSplitter]):
    splitter = make()

    assert splitter.feed(b"") == splitter.close() == []
