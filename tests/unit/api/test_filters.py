from __future__ import annotations

from datetime import UTC, datetime

import pytest
from psycopg import sql

from api.marts.columns import Column, Table
from api.marts.errors import ColumnUnknownError, ColumnWithheldError, FilterInvalidError
from api.marts.filters import MOST_FILTERS, MOST_VALUES, conditions, literal

TABLE = Table(
    "fct",
    "1.1",
    1,
    (
        Column("station_id", "text", "text", is_nullable=False),
        Column("aqi", "int4", "integer", is_nullable=True),
        Column("measured_at", "timestamptz", "timestamp with time zone", is_nullable=False),
        Column("a__gte", "int4", "integer", is_nullable=True),
        Column("details", "jsonb", "jsonb", is_nullable=True),
        Column("worker_name", "text", "text", is_nullable=True),
        Column("phone_digest", "text", "text", is_nullable=True),
    ),
    (),
)


def texts(*parameters: tuple[str, str]) -> list[str]:
    return [condition.as_string(None) for condition in conditions(TABLE, parameters)]


def test_each_operator_becomes_its_condition():
    assert texts(("aqi", "3"), ("aqi__gte", "1"), ("aqi__lt", "9"), ("aqi__is_null", "false")) == [
        '"aqi" = 3', '"aqi" >= 1', '"aqi" < 9', '"aqi" is not null'
    ]  # fmt: skip


def test_values_of_a_list_may_hold_commas_in_quotes():
    assert texts(("station_id__in", 'A,"B,C"'), ("station_id__in", "D'")) == ["\"station_id\" in ('A', 'B,C', 'D''')"]


def test_a_column_whose_name_ends_like_an_operator_is_still_a_column():
    assert texts(("a__gte", "1")) == ['"a__gte" = 1']
    assert texts(("a__gte__gte", "1")) == ['"a__gte" >= 1']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 2, 28, 16, tzinfo=UTC)),
        ("2026-03-01T08:00", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:00:00Z", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T08:00:00 08:00", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01 08:00:00 0800", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_time_without_zone_is_park_time_and_a_lost_plus_is_found_again(text: str, expected: datetime):
    value = literal(TABLE.by_name["measured_at"], "measured_at", text)
    assert value == sql.Literal(expected)


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("aqi", "', 1", FilterInvalidError),
        ("aqi", "1" * 39, FilterInvalidError),
        ("aqi__between", "1", FilterInvalidError),
        ("details", "{}", FilterInvalidError),
        ("measured_at", "2026-13-01", FilterInvalidError),
        ("", "x", ColumnUnknownError),
        ("__gte", "x", ColumnUnknownError),
        ("station_id'", "x", ColumnUnknownError),
        ("worker_name", "张三", ColumnWithheldError),
        ("phone_digest__is_null", "true", ColumnWithheldError),
    ],
)
def test_what_is_not_a_filter_is_refused(parameter: str, value: str, error: type[Exception]):
    with pytest.raises(error):
        conditions(TABLE, [(parameter, value)])


def test_endless_filters_are_refused():
    with pytest.raises(FilterInvalidError, match=str(MOST_FILTERS)):
        conditions(TABLE, [("aqi__gte", "1")] * (MOST_FILTERS + 1))
    with pytest.raises(FilterInvalidError, match=str(MOST_VALUES)):
        conditions(TABLE, [("aqi__in", ",".join(["1"] * (MOST_VALUES + 1)))])
