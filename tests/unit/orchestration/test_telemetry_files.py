"""`park hj212 FILE` and `park jt808 FILE`: one JSON line per frame, whatever the file is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from methods.hj212 import Dialect, crc_of
from methods.hj212.encoder import message_frames
from orchestration.command_line import telemetry_files
from security import sm4
from tests.unit.methods.hj212.conftest import written
from tests.unit.methods.jt808 import conftest as vehicles

FRAME = written("QN=20261101080000000;ST=31;CN=2011;PW=1;MN=M1;Flag=5;CP=&&DataTime=20261101080000;a-Rtd=1&&")
KEYS = ["id", "verdict", "reason", "crc_ok", "header", "cp", "factors"]


@pytest.fixture
def park() -> typer.Typer:
    application = typer.Typer()
    application.command("hj212")(telemetry_files.hj212)
    application.command("jt808")(telemetry_files.jt808)
    return application


def run(park: typer.Typer, *arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(park, [str(argument) for argument in arguments], input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout_bytes.decode("utf-8").splitlines()]


def test_one_line_per_line_in_order_with_the_promised_keys(park: typer.Typer, tmp_path: Path):
    records = [{"id": "a", "frame": FRAME.decode()}, {"id": "b", "frame": "##0005x"}, {"id": 3, "frame": "不是报文"}]
    file = tmp_path / "frames.jsonl"
    file.write_text("\n".join(json.dumps(record) for record in records) + "\n", "utf-8")

    found = lines(run(park, "hj212", file))

    assert [(line["id"], line["verdict"], line["reason"]) for line in found] == [
        ("a", "accept", None),
        ("b", "reject", "truncated"),
        (3, "reject", "rubbish"),
    ]
    assert all(list(line) == KEYS for line in found)
    assert found[0]["factors"] == {"a": {"Rtd": "1"}}
    assert found[0]["cp"] == {"DataTime": "20261101080000"}


def test_broken_lines_are_rejected_lines(park: typer.Typer):
    good = json.dumps({"id": "good", "frame": FRAME.decode()})
    text = (
        f'{good}\n{{"id": "cut", "frame": "##01\n\n[1]\n{{"id": "none"}}\n{{"id": "null", "frame": null}}\n{good}\n\n'
    )

    found = lines(run(park, "hj212", "-", stdin=text.encode()))

    assert [(line["id"], line["reason"]) for line in found] == [
        ("good", None),
        ("cut", "broken_line"),
        (None, "broken_line"),
        (None, "broken_line"),
        ("none", "broken_line"),
        ("null", "broken_line"),
        ("good", None),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_the_bytes_of_a_text_are_those_that_fit(park: typer.Typer, encoding: str):
    frame = written("ST=32;CN=3020;MN=M1;CP=&&i11001-Info=//清洗//&&".encode(encoding))
    as_text = json.dumps({"id": 1, "frame": frame.decode(encoding)})
    byte_for_byte = json.dumps({"id": 2, "frame": frame.decode("latin-1")})

    found = lines(run(park, "hj212", "-", stdin=f"{as_text}\n{byte_for_byte}\n".encode()))

    assert [line["verdict"] for line in found] == ["accept", "accept"]
    assert found[0]["factors"] == {"i11001": {"Info": "//清洗//"}}
    assert found[1]["factors"] == {"i11001": {"Info": "//清洗//"}}


@pytest.mark.parametrize("packed", [False, True])
def test_a_raw_stream_is_numbered(park: typer.Typer, tmp_path: Path, packed: bool):
    stream = FRAME + b"rubbish" + FRAME[:-2].replace(b"a-Rtd=1", b"a-Rtd=2") + b"\n" + FRAME
    file = tmp_path / "stream"
    file.write_bytes(gzip.compress(stream) if packed else stream)

    found = lines(run(park, "hj212", file))

    assert [(line["id"], line["verdict"], line["reason"]) for line in found] == [
        (1, "accept", None),
        (2, "reject", "rubbish"),
        (3, "reject", "crc_wrong"),
        (4, "accept", None),
    ]
    assert found[2]["factors"] == {"a": {"Rtd": "2"}}


def test_a_frame_across_two_chunks_is_whole(park: typer.Typer, tmp_path: Path):
    file = tmp_path / "stream"
    file.write_bytes(FRAME * 2000)

    found = lines(run(park, "hj212", file))

    assert len(FRAME) * 2000 > 2 * telemetry_files.CHUNK_BYTES
    assert [line["verdict"] for line in found] == ["accept"] * 2000


def test_a_packed_file_that_breaks_off_gives_what_can_be_read(park: typer.Typer, tmp_path: Path):
    file = tmp_path / "stream.gz"
    packed = gzip.compress(b"".join(FRAME.replace(b"a-Rtd=1", b"a-Rtd=%d" % (n % 10)) for n in range(500)))
    file.write_bytes(packed[: len(packed) // 2])

    result = run(park, "hj212", file)

    assert len(lines(result)) > 1
    assert "不完整" in result.stderr


def test_a_dialect_and_a_key_of_a_device(park: typer.Typer, tmp_path: Path):
    data = FRAME[6:-6]
    modbus = b"##%04d" % len(data) + data + b"%04X" % crc_of(data, Dialect.MODBUS) + b"\r\n"
    header = {"QN": "20261101080000000", "ST": "31", "CN": "2011", "MN": "M2", "Flag": "9"}
    (secret,) = message_frames(header, ["DataTime=20261101080000"], sm4.block_encryptor(b"0" * 16))
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"M2": ["30" * 16]}), "utf-8")

    plain = lines(run(park, "hj212", "-", stdin=modbus + secret))
    named = lines(run(park, "hj212", "-", "--dialect", "M1=modbus", "--keys", keys, stdin=modbus + secret))

    assert [line["reason"] for line in plain] == ["crc_modbus", "key_missing"]
    assert [(line["verdict"], line["crc_ok"]) for line in named] == [("accept", False), ("accept", True)]
    assert named[1]["cp"] == {"DataTime": "20261101080000"}


@pytest.mark.parametrize(
    "arguments", [["--dialect", "M1"], ["--dialect", "M1=crc32"], ["--keys", "/nowhere"], ["--keys", __file__]]
)
def test_wrong_options_are_explained(park: typer.Typer, arguments: list[str]):
    result = run(park, "hj212", "-", *arguments, stdin=FRAME)

    assert result.exit_code == 2


@pytest.mark.parametrize("command", ["hj212", "jt808"])
def test_a_missing_file_is_named(park: typer.Typer, tmp_path: Path, command: str):
    result = run(park, command, tmp_path / "nothing")

    assert result.exit_code == 2
    assert "nothing" in result.stderr


@pytest.mark.parametrize("command", ["hj212", "jt808"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\xff" * 50, b"{", b"[", b'{"', b"[" * 5000, b"7e", b"##"])
def test_odd_input_does_not_crash(park: typer.Typer, command: str, content: bytes):
    assert all(line["verdict"] == "reject" for line in lines(run(park, command, "-", stdin=content)))


def test_vehicle_frames_as_array_lines_hex_and_bytes(park: typer.Typer):
    frames = [vehicles.written(0x0200, vehicles.position()), vehicles.written(0x8300, b"\x01" + "注意".encode("gbk"))]
    records = [{"case": f"c{number}", "hex": frame.hex()} for number, frame in enumerate(frames)]
    array = json.dumps(records, indent=1).encode()
    json_lines = "\n".join(map(json.dumps, records)).encode()
    hex_lines = "\n".join(frame.hex(" ") for frame in frames).encode()

    by_form = [lines(run(park, "jt808", "-", stdin=data)) for data in (array, json_lines, hex_lines, b"".join(frames))]

    assert [[line["id"] for line in found] for found in by_form] == [["c0", "c1"], ["c0", "c1"], [1, 2], [1, 2]]
    for first, second in by_form:
        assert (first["verdict"], first["xor_ok"], first["len_ok"]) == ("accept", True, True)
        assert (first["msg_id"], first["phone"], first["lon"], first["lat"]) == (512, "012000000001", 121.45, 30.8)
        assert (first["speed_kmh"], first["time"]) == (36.5, "2026-11-01T08:00:00+08:00")
        assert second["text"] == "注意"


def test_vehicle_frames_that_are_none_are_lines_too(park: typer.Typer):
    good = vehicles.written(0x0200, vehicles.position())
    wrong = good[:10] + bytes([good[10] ^ 1]) + good[11:]
    short = vehicles.written(0x0200, b"\x00")
    stdin = "\n".join([good.hex(), "xyz", wrong.hex(), short.hex()]).encode()

    found = lines(run(park, "jt808", "-", stdin=stdin))

    assert [line["reason"] for line in found] == [None, "broken_line", "checksum_wrong", "body_malformed"]
    assert found[2]["msg_id"] == 512
    assert (found[2]["xor_ok"], found[2]["len_ok"]) == (False, True)
