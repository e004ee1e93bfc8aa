"""What is written in a data segment, and the quirks of devices."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.hj212 import Flag, parse_content
from methods.hj212.frame import moment_of


def test_header_fields_in_any_order_and_spelling():
    content = parse_content("ST=32;CN=2011;QN=20400101191000000;PW=;,MN=88;FLAG=5;PNO=0001;PNUM=0002;RF=1;CP=&&&&")

    assert content.header["QN"] == "20400101191000000"
    assert content.header["PW"] == ""
    assert content.header[",MN"] == "88"
    assert content.field("MN") == "88"
    assert content.flag is None, "FLAG is not the standard's Flag"
    assert content.packet == (1, 2)
    assert content.is_resent
    assert content.cp == content.factors == {}


@pytest.mark.parametrize(
    ("body", "cp", "factors"),
    [
        ("025-Rtd=2,025-Flag=N,;", {}, {"025": {"Rtd": "2", "Flag": "N"}}),
        ("LA-td=50.1,LA-Flag=N;", {}, {"LA": {"td": "50.1", "Flag": "N"}}),
        ("LA-Rtd-Rtd=71.0,LA-Rtd-Flag=N", {}, {"LA": {"Rtd-Rtd": "71.0", "Rtd-Flag": "N"}}),
        ("NOIS-Rtd=46.3,NOIS=N", {"NOIS": "N"}, {"NOIS": {"Rtd": "46.3"}}),
        ("QnRtn=1", {"QnRtn": "1"}, {}),
        ("ExeRtn=1;", {"ExeRtn": "1"}, {}),
        ("DataTime=20260101000000; a-Rtd= -1.5 ", {"DataTime": "20260101000000"}, {"a": {"Rtd": " -1.5 "}}),
        ("w-SampleTime=20260101000000,w-EFlag=A01", {}, {"w": {"SampleTime": "20260101000000", "EFlag": "A01"}}),
        ("i11001-Info=//清洗;管路,a=b//;PolId=w01018", {"PolId": "w01018"}, {"i11001": {"Info": "//清洗;管路,a=b//"}}),
        ("SystemTime=1=2", {"SystemTime": "1=2"}, {}),
        ("", {}, {}),
    ],
)  # fmt: skip
def test_data_area(body: str, cp: dict[str, str], factors: dict[str, dict[str, str]]):
    content = parse_content(f"ST=32;CN=2011;MN=M1;CP=&&{body}&&")

    assert content.cp == cp
    assert content.factors == factors
    assert content.header == {"ST": "32", "CN": "2011", "MN": "M1"}


def test_what_is_no_field_is_kept():
    assert parse_content("ST=32;what;CP=&&noise;a-Rtd=1&&").strays == ("what", "noise")


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("0", Flag(0, split=False, ack=False)),
        ("5", Flag(1, split=False, ack=True)),
        ("7", Flag(1, split=True, ack=True)),
        ("8", Flag(2, split=False, ack=False)),
        ("9", Flag(2, split=False, ack=True)),
        ("N", None),
        ("", None),
        ("256", None),
        ("-1", None),
    ],
)
def test_flag_byte(text: str, flag: Flag | None):
    read = parse_content(f"Flag={text};CP=&&&&").flag

    assert read == flag
    assert flag is None or flag.number == int(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20261101080000", datetime(2026, 11, 1, tzinfo=UTC)),
        ("20261101080000123", datetime(2026, 11, 1, 0, 0, 0, 123_000, tzinfo=UTC)),
        ("20400101191000", datetime(2040, 1, 1, 11, 10, tzinfo=UTC)),
        ("20260230000000", None),
        ("00000000000000", None),
        ("19700101000000", None),
        ("2026110108", None),
        ("２０２６１１０１０８００００", None),
        (None, None),
    ],
)
def test_times_are_beijing_time(text: str | None, moment: datetime | None):
    assert moment_of(text) == moment


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str):
    content = parse_content(text)

    assert content.field("MN") is None or "MN" in text.upper()
    assert content.packet is None or "PNUM" in text.upper()
