"""Rows of messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from methods.hj212 import Frame, Message, Reading, message_readings, split_whole
from tests.unit.methods.hj212.conftest import written


def rows(body: str, command: str = "2011") -> list[Reading]:
    (frame,) = split_whole(written(f"QN=20261101080000000;ST=31;CN={command};MN=M1;Flag=5;CP=&&{body}&&"))
    assert isinstance(frame, Frame)
    return list(message_readings(Message((frame,))))


def test_one_row_per_factor_and_quantity():
    found = rows(
        "DataTime=20261101080000;a21026-Min=1.1,a21026-ZsAvg=2e-3,a21026-Cou=.5,a21026-Flag=N;"
        "w01018-Avg=7,w01018-SampleTime=20261101073000,w01018-EFlag=C02,w01018-Flag=D",
        "2051",
    )

    assert [(row.factor_code, row.quantity, row.value, row.source_flag) for row in found] == [
        ("a21026", "min", 1.1, "N"),
        ("a21026", "zs_avg", 0.002, "N"),
        ("a21026", "cou", 0.5, "N"),
        ("w01018", "avg", 7.0, "D"),
    ]
    assert {row.measured_at for row in found} == {datetime(2026, 11, 1, tzinfo=UTC)}
    assert found[3].sampled_at == datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert found[3].equipment_flag == "C02"
    assert all(row.refused is None for row in found)


@pytest.mark.parametrize("text", ["", "--", "NaN", "inf", "0x10", "1_000", "１２", "12 3", "N"])
def test_what_is_no_number_is_refused_and_kept(text: str):
    (row,) = rows(f"DataTime=20261101080000;a-Rtd={text}")

    assert (row.value, row.refused, row.text) == (None, "value_not_number", text)


@pytest.mark.parametrize("time", ["", "DataTime=;", "DataTime=20260230000000;", "DataTime=yesterday;"])
def test_a_value_without_a_time_is_refused(time: str):
    (row,) = rows(f"{time}a-Rtd=1")

    assert (row.refused, row.measured_at, row.value) == ("time_unreadable", None, 1.0)


def test_a_packet_takes_the_time_of_its_message():
    stream = b"".join(
        written(f"QN=20261101080000000;ST=31;CN=2051;MN=M1;Flag=7;PNUM=2;PNO={number};CP=&&{body}&&")
        for number, body in [(1, "DataTime=20261101080000;a-Avg=1"), (2, "b-Avg=2")]
    )
    frames = tuple(piece for piece in split_whole(stream) if isinstance(piece, Frame))

    found = list(message_readings(Message(frames)))

    assert {row.measured_at for row in found} == {datetime(2026, 11, 1, tzinfo=UTC)}
    assert [row.frame for row in found] == list(frames)


@pytest.mark.parametrize("command", ["9014", "1062", "3020", "", "x", "２０１１"])
def test_other_messages_have_no_readings(command: str):
    assert rows("DataTime=20261101080000;a-Rtd=1", command) == []


def test_a_quantity_said_twice_is_said_once():
    (row,) = rows("DataTime=20261101080000;LA-Rtd-Rtd=71.0,LA-Rtd-Flag=N")

    assert (row.factor_code, row.quantity, row.value, row.source_flag) == ("LA", "rtd", 71.0, "N")


def test_a_word_between_code_and_quantity_belongs_to_the_code():
    found = rows("DataTime=20261101080000;a-1-Rtd=1,a-1-Flag=N;a-2-Rtd=2,a-2-Flag=D")

    assert [(row.factor_code, row.value, row.source_flag) for row in found] == [("a-1", 1.0, "N"), ("a-2", 2.0, "D")]
