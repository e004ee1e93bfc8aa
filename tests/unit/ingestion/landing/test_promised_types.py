"""From delivered to promised types: what is exact is taken, what would have to be guessed is null."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from ingestion.promised_types import as_json, as_promised
from ingestion.source_file import COLUMN_TYPES

NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 - a source without zones
ZONED = pl.Series([NAIVE]).dt.replace_time_zone("Asia/Shanghai")


def promised(received: pl.Series, kind: str) -> list[object]:
    rows = received.alias("it").to_frame()
    cast = rows.with_columns(as_promised("it", received.dtype, COLUMN_TYPES[kind]))
    assert cast.schema["it"] == COLUMN_TYPES[kind]
    return cast["it"].to_list()


@pytest.mark.parametrize(
    ("received", "kind", "expected"),
    [
        (pl.Series([1.0, 3.7, 1e300, float("nan"), None]), "integer", [1, None, None, None, None]),
        (pl.Series(["7", " 8 ", "3.7", "x", ""]), "integer", [7, 8, None, None, None]),
        (pl.Series([Decimal("2.00"), Decimal("2.50")]), "integer", [2, None]),
        (pl.Series([1, 2]), "number", [1.0, 2.0]),
        (pl.Series([True]), "number", [None]),
        (pl.Series([True]), "integer", [None]),
        (pl.Series(["1.5", "１", "1e3"]), "number", [1.5, None, 1000.0]),
        (pl.Series(["12345678901234567890.123456"]), "decimal", [Decimal("12345678901234567890.123456")]),
        (pl.Series([float("nan"), float("inf"), 0.5]), "decimal", [None, None, Decimal("0.5")]),
        (pl.Series([0, 1, 2, None]), "boolean", [False, True, None, None]),
        (pl.Series(["true", "FALSE", "1", "0", "yes"]), "boolean", [True, False, True, False, None]),
        (pl.Series(["2026-03-01", "2026-02-30", "01/03/2026"]), "date", [date(2026, 3, 1), None, None]),
        (pl.Series([NAIVE, NAIVE.replace(hour=3)]), "date", [date(2026, 3, 1), None]),
        (ZONED, "date", [date(2026, 3, 1)]),
        (ZONED.dt.convert_time_zone("UTC"), "date", [date(2026, 3, 1)]),
        (pl.Series([20513]), "date", [None]),
        (ZONED, "timestamp", [datetime(2026, 2, 28, 16, tzinfo=UTC)]),
        (pl.Series([NAIVE]), "timestamp", [None]),
        (pl.Series([date(2026, 3, 1)]), "timestamp", [None]),
        (pl.Series([1772294400]), "timestamp", [None]),
        (pl.Series(["2026-03-01T00:00:00+08:00", "2026-03-01 00:00"]), "timestamp", [ZONED[0].astimezone(UTC), None]),
        (pl.Series(["1", "x"], dtype=pl.Categorical), "integer", [1, None]),
        (pl.Series([1001, None]), "text", ["1001", None]),
        (pl.Series([[1]]), "text", [None]),
        (pl.Series([b"\xff"]), "text", [None]),
        (pl.Series([None]), "number", [None]),
    ],
)
def test_what_can_be_had_exactly_is_taken(received: pl.Series, kind: str, expected: list[object]):
    assert promised(received, kind) == expected


def test_json_shows_what_json_cannot_write():
    rows = pl.DataFrame({"value": [float("nan"), 1.5], "raw": [b"\xff", None], "text": ['引号"', None]})
    shown = [json.loads(text) for text in as_json(rows)]
    assert shown[0] == {"value": "NaN", "raw": "ff", "text": '引号"'}
    assert shown[1]["raw"] is None
