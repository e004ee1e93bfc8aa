"""Text files as people hand them over: encodings, line ends, quotation marks, times."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.command_line.text_tables import (
    TextTable,
    TextTableError,
    is_missing,
    moment,
    read_records,
    read_table,
)

PLAIN = "station,name\n1001A,万寿西宫\n1002A,定陵\n"


def table(folder: Path, content: str | bytes) -> TextTable:
    file = folder / "stations.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(str(file))


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("gb18030"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        gzip.compress(PLAIN.encode()),
        gzip.compress(PLAIN[:20].encode()) + gzip.compress(PLAIN[20:].encode()),
        b"\n\n" + PLAIN.encode() + b"\n  \n",
        PLAIN.strip().encode(),
        b'"STATION" ,"Name"\n' + PLAIN.split("\n", 1)[1].encode(),
    ],
)
def test_the_same_table_in_other_clothes(tmp_path: Path, content: bytes):
    read = table(tmp_path, content)
    assert read.column(read.place("station")) == ["1001A", "1002A"]
    assert read.column(read.place("name")) == ["万寿西宫", "定陵"]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path):
    read = table(tmp_path, 'a,b\n\n1,"two\nlines"\n3,4\n')
    assert [(record.line, record.cells) for record in read.records] == [(3, ["1", "two\nlines"]), (5, ["3", "4"])]


@pytest.mark.parametrize("broken", ['2,"never closed', '2,"two" "three', 'x"2,"3'])
def test_a_mark_that_is_not_closed_costs_its_line_only(tmp_path: Path, broken: str):
    read = table(tmp_path, f"a,b\n1,one\n{broken}\n" + "".join(f"{number},x\n" for number in range(3, 60)))
    assert [record.line for record in read.records] == list(range(2, 61))
    assert read.column(0)[2:] == [str(number) for number in range(3, 60)]


def test_surplus_fields_count_only_when_something_is_in_them(tmp_path: Path):
    read = table(tmp_path, "a,b\n1,2,,\n1,2,3\n1\n1,\n")
    assert [read.is_ragged(record) for record in read.records] == [False, True, True, False]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "文件是空的"),
        (b" \n\n", "文件是空的"),
        (gzip.compress(PLAIN.encode())[:-9], "压缩文件已损坏"),
        (b"\x1f\x8bno archive at all", "压缩文件已损坏"),
        (b"PK\x03\x04\x00\x00\xff\xfe\x80", "不是 UTF-8"),
    ],
)
def test_an_unusable_file_says_why(tmp_path: Path, content: bytes, says: str):
    with pytest.raises(TextTableError, match=says):
        table(tmp_path, content)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path):
    for file in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(TextTableError, match="打不开"):
            read_records(str(file))


def test_a_column_that_stands_twice_is_refused(tmp_path: Path):
    with pytest.raises(TextTableError, match="2 次"):
        table(tmp_path, "so2,SO2\n1,2\n").place("so2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-02-20T07:00:00", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-20 07:00", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018/2/20 7:00", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-20T07", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-20T07:00:00.000", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-20T07:00:00+08:00", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-20T07:00:00+0800", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-19T23:00:00Z", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2018-02-19 18:00:00-05", datetime(2018, 2, 19, 23, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ("2026-02-28T24:00:00", datetime(2026, 2, 28, 16, tzinfo=UTC)),
    ],
)
def test_times_are_those_of_beijing_unless_they_say_otherwise(text: str, expected: datetime):
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["", "2018-02-30", "2018-02-20T25:00", "20.02.2018", "noon", "0000-01-01", "2018-02"])
def test_what_is_no_time_is_none(text: str):
    assert moment(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_none(text: str):
    found = moment(text)
    assert found is None or found.utcoffset() is not None


@pytest.mark.parametrize("mark", ["", "NA", "NaN", "null", "—", "--", "缺测"])
def test_marks_of_a_missing_value(mark: str):
    assert pl.select(is_missing(pl.lit(mark))).item() is True
    assert pl.select(is_missing(pl.lit("0"))).item() is False
