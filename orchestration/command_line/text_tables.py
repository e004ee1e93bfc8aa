"""Tables in text files that people hand over: in the encodings they use, plain or gzip, with line numbers."""

from __future__ import annotations

import csv
import gzip
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from lakehouse.settings import PARK_TIME_ZONE

STANDARD_INPUT = "-"
MISSING_MARKS = ("", "na", "n/a", "nan", "null", "none", "-", "--", "—", "——", "缺测", "无")

_GZIP = b"\x1f\x8b"
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",;\t"
_MOST_LINES_OF_A_RECORD = 20  # a quotation mark that is never closed must not swallow the rest of the file
_MOMENT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T\s]+(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,]\d*)?)?)?)?"
    r"\s*(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)


class TextTableError(ValueError):
    """A file is not there, cannot be read, or is no table with the needed columns."""


@dataclass(frozen=True)
class Record:
    """One row as it stands in the file.

    Attributes:
        line: number of its (first) line, from 1.
        cells: its fields as written, blanks around them too.
    """

    line: int
    cells: list[str]


@dataclass(frozen=True)
class TextTable:
    """A table of texts.

    Attributes:
        source: how the file is called in messages.
        header: names of the columns, as they stand there.
        records: rows below the header; blank lines are left out.
    """

    source: str
    header: list[str]
    records: list[Record]

    def place(self, *names: str) -> int | None:
        """Return the place of the column that has one of these names, whatever their case.

        Raises:
            TextTableError: several columns have the name.
        """
        places = [place for place, title in enumerate(self.header) if folded_name(title) in names]
        if len(places) > 1:
            message = f"{self.source}：表头里 {self.header[places[0]]} 出现 {len(places)} 次；请只保留一列。"
            raise TextTableError(message)
        return places[0] if places else None

    def is_ragged(self, record: Record) -> bool:
        """Whether a row has another number of fields than the header; empty ones at its end do not count."""
        surplus = record.cells[len(self.header) :]
        return len(record.cells) < len(self.header) or any(cell.strip() for cell in surplus)

    def column(self, place: int | None) -> list[str]:
        """Return the texts of a column without blanks around them; empty where a row or the file does not have it."""
        if place is None:
            return [""] * len(self.records)
        return [record.cells[place].strip() if place < len(record.cells) else "" for record in self.records]


def read_table(file: str) -> TextTable:
    """Read a file with a header.

    Args:
        file: path, or `-` for standard input; gzip is known by its content.

    Raises:
        TextTableError: it cannot be read, or is empty.
    """
    source, records = read_records(file)
    if not records:
        message = f"{source}：文件是空的；第一行应是表头。"
        raise TextTableError(message)
    return TextTable(source, records[0].cells, records[1:])


def read_records(file: str) -> tuple[str, list[Record]]:
    """Read all rows of a file, without taking the first for a header; blank lines are left out.

    Raises:
        TextTableError: it cannot be read.
    """
    source = "标准输入" if file == STANDARD_INPUT else file
    lines = _lines(_decoded(source, _bytes(source, file)))
    try:
        return source, [record for record in _records(lines) if any(cell.strip() for cell in record.cells)]
    except csv.Error as error:
        message = f"{source}：不是可读的 CSV（{error}）；请另存为逗号分隔的文本。"
        raise TextTableError(message) from error


def folded_name(title: str) -> str:
    """Return a column's name for comparison: small letters, an underscore for a dot or blank."""
    return re.sub(r"[.\s]+", "_", title.strip().lower())


def is_missing(text: pl.Expr) -> pl.Expr:
    """Whether a text is one of the marks people write where a value is missing."""
    return text.str.to_lowercase().is_in(MISSING_MARKS)


def moment(text: str) -> datetime | None:
    """Read a date or a date with a time; without a zone it is Beijing time. None where it is none."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    is_next_day = (hour, minute, second) == (24, 0, 0)
    try:
        local = datetime(year, month, day, 0 if is_next_day else hour, minute, second, tzinfo=PARK_TIME_ZONE)
        if match[7]:
            zone = datetime.fromisoformat(f"2000-01-01T00:00:00{match[7].upper()}").tzinfo
            local = local.replace(tzinfo=zone).astimezone(PARK_TIME_ZONE)
        return local + timedelta(days=1) if is_next_day else local
    except (ValueError, OverflowError):
        return None


def _bytes(source: str, file: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        message = f"{source}：打不开（{error.strerror}）；请检查路径与权限。"
        raise TextTableError(message) from error
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        message = f"{source}：压缩文件已损坏或不完整（{error}）；请重新下载。"
        raise TextTableError(message) from error


def _decoded(source: str, content: bytes) -> str:
    encodings: Sequence[str] = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else _ENCODINGS
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    message = f"{source}：不是 UTF-8 或 GB 18030 编码的文本；请另存为 UTF-8 的 CSV。"
    raise TextTableError(message)


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _records(lines: list[str]) -> Iterator[Record]:
    """Take lines apart; a field in quotation marks may reach over some lines."""
    delimiter = max(_DELIMITERS, key=next((line for line in lines if line.strip()), "").count)
    if not any(line.count('"') % 2 for line in lines):
        whole = list(csv.reader(lines, delimiter=delimiter))
        if len(whole) == len(lines):  # no field reaches over a line's end
            yield from (Record(number, cells) for number, cells in enumerate(whole, 1))
            return
    number = 0
    while number < len(lines):
        length = _length(lines, number)
        parsed = list(csv.reader((line + "\n" for line in lines[number : number + length]), delimiter=delimiter))
        if len(parsed) > 1:  # the marks did not enclose a field
            length, parsed = 1, parsed[:1]
        yield Record(number + 1, parsed[0])
        number += length


def _length(lines: list[str], start: int) -> int:
    """Return how many lines the record that starts here has; one that is never closed keeps to its line."""
    marks = 0
    for length, line in enumerate(lines[start : start + _MOST_LINES_OF_A_RECORD], 1):
        marks += line.count('"')
        if marks % 2 == 0:
            return length
    return 1
