"""Logs of outlets become rows; what is no row keeps its bytes and a reason, and nothing is lost."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion import quarantine
from ingestion.landing import Landing
from ingestion.readers import REFUSED, DayRange, Delivery, SourceUnavailableError, UnusableDeliveryError
from ingestion.readers.device_keys import DeviceKeysError, decrypt_blocks
from ingestion.readers.hj212_log import Hj212Log, log_rows
from ingestion.source_file import Source, SourceFileError, load_sources
from lakehouse.lake import Lake
from methods.hj212 import Devices, Dialect, Reason, crc_of
from methods.hj212.encoder import message_frames
from methods.hj212.readings import Refusal
from security import sm4
from tests.unit.methods.hj212.conftest import written

DAYS = DayRange(date(2026, 11, 1), date(2026, 11, 30))
STREAM = "outlet_readings"
HEAD = "QN=20261101080001000;ST=31;CN=2011;PW=1;MN=M1;Flag=5;"
GOOD = written(f"{HEAD}CP=&&DataTime=20261101080000;a21026-Rtd=1.5,a21026-Flag=N&&")


@pytest.fixture(scope="module")
def source() -> Source:
    return load_sources()["outlet_monitoring"]


def rows(content: bytes, devices: Devices | None = None) -> pl.DataFrame:
    return log_rows(content, devices or Devices(), gateway="gw", data_origin="measured")


def put(root: Path, name: str, content: bytes) -> Path:
    path = root / STREAM / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def deliveries(root: Path, source: Source, days: DayRange = DAYS, **settings: object) -> list[Delivery]:
    reader = Hj212Log(root, "outlet_monitoring_url", "measured", **settings)  # type: ignore[arg-type]
    return list(reader.deliveries(source, source.streams[STREAM], days))


def test_a_good_frame_is_a_row_with_place_and_origin():
    (row,) = rows(b"junk" + GOOD).filter(pl.col(REFUSED).is_null()).rows(named=True)

    assert row["device_id_mn"] == "M1"
    assert (row["station_type_code"], row["command_code"]) == ("31", "2011")
    assert (row["factor_code"], row["quantity"], row["value"], row["source_flag"]) == ("a21026", "rtd", 1.5, "N")
    assert row["measured_at"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert row["sent_at"] == datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC)
    assert (row["frame_offset"], row["gateway_id"], row["data_origin"]) == (4, "gw", "measured")
    assert (row["is_resent"], row["is_repeated"], row["raw_frame"]) == (False, False, None)


def test_a_bad_piece_is_a_refused_row_with_its_bytes():
    broken = GOOD.replace(b"=1.5", b"=1.6").rstrip()

    found = rows(b"\xff\x00" + GOOD + broken + b"\r\n" + GOOD)

    refused = found.filter(pl.col(REFUSED).is_not_null())
    assert refused[REFUSED].to_list() == ["frame_rubbish", "frame_crc_wrong"]
    assert refused["raw_frame"].to_list() == ["\\xff\x00", broken.decode()]
    assert refused["frame_offset"].to_list() == [0, 2 + len(GOOD)]
    assert refused["device_id_mn"].to_list() == [None, "M1"]
    assert found.height == 4


def test_values_that_are_none_are_refused_one_by_one():
    content = written(f"{HEAD}CP=&&DataTime=20261101080000;a-Rtd=--,a-Flag=D;b-Rtd=2&&") + written(
        f"{HEAD}CP=&&c-Rtd=3&&"
    )

    found = rows(content)

    assert found.select("factor_code", "value", REFUSED).rows() == [
        ("a", None, "value_not_number"),
        ("b", 2.0, None),
        ("c", 3.0, "time_unreadable"),
    ]
    assert found["raw_frame"].null_count() == 1


def test_an_incomplete_message_gives_its_rows_and_says_what_is_missing():
    def packet(number: int, body: str) -> bytes:
        fields = HEAD.replace("Flag=5", "Flag=7")
        return written(f"{fields}PNUM=2;PNO={number};CP=&&{body}&&")

    first, second = packet(1, "DataTime=20261101080000;a-Rtd=1"), packet(2, "b-Rtd=2")

    assert rows(second + first)["factor_code"].to_list() == ["a", "b"]
    alone = rows(first)
    assert alone.select("factor_code", REFUSED).rows() == [("a", None), (None, "packet_missing")]
    assert alone["raw_frame"][1] == first.rstrip().decode()
    assert rows(second)[REFUSED].to_list() == ["time_unreadable", "packet_missing"]


def test_a_repetition_is_marked_and_a_correction_is_not():
    resent = written(f"{HEAD}RF=1;CP=&&DataTime=20261101080000;a21026-Rtd=1.5,a21026-Flag=N&&")
    corrected = written(f"{HEAD}CP=&&DataTime=20261101080000;a21026-Rtd=1.7,a21026-Flag=N&&")

    found = rows(GOOD + resent + corrected)

    assert found.select("value", "is_repeated", "is_resent").rows() == [
        (1.5, False, False),
        (1.5, True, True),
        (1.7, False, False),
    ]


def test_replies_and_commands_have_no_rows():
    assert rows(written("QN=20261101080001000;ST=91;CN=9014;MN=M1;Flag=4;CP=&&QnRtn=1&&")).is_empty()


def test_a_device_that_encrypts_is_read_with_its_key():
    header = {"QN": "20261101080001000", "ST": "31", "CN": "2011", "MN": "M9", "Flag": "9"}
    (secret,) = message_frames(header, ["DataTime=20261101080000", "a-Rtd=4"], sm4.block_encryptor(b"k" * 16))

    assert rows(secret)[REFUSED].to_list() == ["frame_key_missing"]
    known = Devices(decrypt_blocks={"M9": [sm4.block_decryptor(b"k" * 16)]})
    assert rows(secret, known).select("value", REFUSED).rows() == [(4.0, None)]


def test_files_are_found_by_name_oldest_first(tmp_path: Path, source: Source):
    put(tmp_path, "2026/2026-11-02.gw-a.hj212", GOOD)
    put(tmp_path, "2026/2026-11-01.gw-b.hj212.gz", gzip.compress(GOOD))
    put(tmp_path, "2026/2026-11-01.gw-a.hj212", GOOD)
    put(tmp_path, "2026/2026-10-31.gw-a.hj212", GOOD)
    put(tmp_path, "notes.txt", b"x")
    put(tmp_path, "2026-02-30.gw-a.hj212", GOOD)

    found = deliveries(tmp_path, source)

    assert [(delivery.uri, delivery.day, delivery.filed_under) for delivery in found] == [
        (f"{STREAM}/2026-02-30.gw-a.hj212", None, None),
        (f"{STREAM}/notes.txt", None, None),
        (f"{STREAM}/2026/2026-11-01.gw-a.hj212", None, date(2026, 11, 1)),
        (f"{STREAM}/2026/2026-11-01.gw-b.hj212.gz", None, date(2026, 11, 1)),
        (f"{STREAM}/2026/2026-11-02.gw-a.hj212", None, date(2026, 11, 2)),
    ]
    for delivery in found[:2]:
        with pytest.raises(UnusableDeliveryError, match="wrong_log_name"):
            delivery.read()
    assert [delivery.read()["gateway_id"][0] for delivery in found[2:]] == ["gw-a", "gw-b", "gw-a"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("2026-11-01.gw.hj212", b"", "empty_delivery"),
        ("2026-11-01.gw.hj212", b"\r\n\r\n", "empty_delivery"),
        ("2026-11-01.gw.hj212.gz", gzip.compress(GOOD * 50)[:-12], "unreadable"),
        ("2026-11-01.gw.hj212.gz", b"plain", "unreadable"),
    ],
)
def test_a_file_that_is_no_log_is_refused_whole(tmp_path: Path, source: Source, name: str, content: bytes, code: str):
    put(tmp_path, name, content)

    (delivery,) = deliveries(tmp_path, source)

    with pytest.raises(UnusableDeliveryError, match=code):
        delivery.read()


def test_a_missing_folder_names_the_setting(tmp_path: Path, source: Source):
    with pytest.raises(SourceUnavailableError, match="PARK_OUTLET_MONITORING_URL"):
        deliveries(tmp_path, source)


def test_rows_of_the_day_before_land_and_bad_pieces_wait_in_quarantine(tmp_path: Path, source: Source):
    before = written(f"{HEAD}CP=&&DataTime=20261031235000;a21026-Rtd=9&&")
    far = written(f"{HEAD}CP=&&DataTime=20400101000000;a21026-Rtd=9&&")
    put(tmp_path, "2026-11-01.gw.hj212", before + b"junk" + GOOD + far)
    lake = Lake(tmp_path / "lake")
    landing = Landing(lake, source, STREAM, datetime(2026, 11, 2, tzinfo=UTC))

    first = landing.land(deliveries(tmp_path, source))
    second = landing.land(deliveries(tmp_path, source))

    assert (first.rows_landed, first.refusals) == (2, {"frame_rubbish": 1, "future_time": 1})
    assert (second.deliveries_known, second.rows_landed) == (1, 0)
    landed = lake.scan(landing.table).sort("measured_at").collect()
    assert landed["business_date"].to_list() == ["2026-10-31", "2026-11-01"]
    waiting = quarantine.open_rows(lake)
    records = {row["reason_code"]: json.loads(row["record"]) for row in waiting.iter_rows(named=True)}
    assert records["frame_rubbish"]["raw_frame"] == "junk"
    assert records["future_time"]["frame_offset"] == len(before + b"junk" + GOOD)
    assert waiting["remedy"].null_count() == 0


def test_a_log_is_read_anew_when_a_device_in_it_is_registered(tmp_path: Path, source: Source):
    data = GOOD[6:-6]
    modbus = b"##%04d" % len(data) + data + b"%04X" % crc_of(data, Dialect.MODBUS) + b"\r\n"
    put(tmp_path, "2026-11-01.gw.hj212", modbus)

    def with_dialects(dialects: dict[str, str]) -> Source:
        stream = source.streams[STREAM].model_copy(update={"options": {"crc_dialects": dialects}})
        return source.model_copy(update={"streams": {STREAM: stream}})

    (before,) = deliveries(tmp_path, with_dialects({"M2": "modbus"}))
    (same,) = deliveries(tmp_path, with_dialects({"M2": "swapped"}))
    (after,) = deliveries(tmp_path, with_dialects({"M1": "modbus"}))
    (keyed,) = deliveries(tmp_path, source, decrypt_blocks={"M1": [sm4.block_decryptor(b"k" * 16)]})

    assert before.digest == same.digest
    assert len({before.digest, after.digest, keyed.digest}) == 3
    assert before.read()[REFUSED].to_list() == ["frame_crc_modbus"]
    assert after.read().select("value", REFUSED).rows() == [(1.5, None)]
    with pytest.raises(SourceFileError, match="crc_dialects"):
        deliveries(tmp_path, with_dialects({"M1": "crc32"}))


def test_every_reason_of_codec_and_readings_can_be_explained():
    codes = [f"frame_{reason.value}" for reason in Reason] + [refusal.value for refusal in Refusal] + ["packet_missing"]

    assert [code for code in codes if code not in quarantine.REASONS] == []


def test_the_file_of_keys(tmp_path: Path):
    file = tmp_path / "keys.json"
    file.write_text('{"M1": ["30303030303030303030303030303030", "31313131313131313131313131313131"]}', "utf-8")
    block = bytes(range(16))

    ciphers = decrypt_blocks(file)["M1"]

    assert [
        cipher(sm4.block_encryptor(key)(block)) for cipher, key in zip(ciphers, (b"0" * 16, b"1" * 16), strict=True)
    ] == [block] * 2
    assert decrypt_blocks(None) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"M1": "30"}', '{"M1": ["30"]}', '{"M1": [5]}', '{"M1": ["xy"]}'])
def test_a_wrong_file_of_keys_is_named_without_its_content(tmp_path: Path, text: str):
    file = tmp_path / "keys.json"
    file.write_text(text, "utf-8")

    with pytest.raises(DeviceKeysError, match=r"keys\.json"):
        decrypt_blocks(file)
    with pytest.raises(DeviceKeysError, match="absent"):
        decrypt_blocks(tmp_path / "absent")
