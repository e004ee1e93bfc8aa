from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.marts.columns import Column, Table
from api.marts.errors import CursorInvalidError, CursorOutdatedError, SelectionInvalidError
from api.marts.paging import Position, decode_cursor, encode_cursor, order_by, parse_order

COLUMNS = (
    Column("station_id", "text", "text", is_nullable=False),
    Column("aqi", "int4", "integer", is_nullable=True),
    Column("details", "jsonb", "jsonb", is_nullable=True),
)
TABLE = Table("fct", "1.1", 1, COLUMNS, ("station_id",))
REPUBLISHED = Table("fct", "2.2", 2, COLUMNS, ("station_id",))


def test_the_key_is_the_order_unless_another_is_asked_for():
    assert [term.text for term in parse_order(TABLE, None)] == ["station_id"]
    order = parse_order(TABLE, "-aqi, station_id")
    assert order_by(order).as_string(None) == (
        'order by "mart"."aqi" desc nulls last, "mart"."station_id" asc nulls last, "mart"."ctid"'
    )


@pytest.mark.parametrize("text", ["aqi,-aqi", "details"])
def test_an_order_without_meaning_is_refused(text: str):
    with pytest.raises(SelectionInvalidError):
        parse_order(TABLE, text)


@given(st.tuples(st.none() | st.text(st.characters(exclude_characters="\x00", codec="utf-8"))))
def test_a_page_mark_leads_back_to_its_position(values: tuple[str | None, ...]):
    order = parse_order(TABLE, "-aqi")
    position = Position(values, "(3,4)")
    assert decode_cursor(TABLE, order, encode_cursor(TABLE, order, position)) == position


@given(st.text())
def test_any_other_text_is_no_page_mark(text: str):
    with pytest.raises(CursorInvalidError):
        decode_cursor(TABLE, parse_order(TABLE, None), text)


def test_a_page_mark_ends_with_its_table_and_its_order():
    order = parse_order(TABLE, "-aqi")
    cursor = encode_cursor(TABLE, order, Position(("3",), "(0,1)"))
    with pytest.raises(CursorOutdatedError):
        decode_cursor(REPUBLISHED, order, cursor)
    with pytest.raises(CursorInvalidError):
        decode_cursor(TABLE, parse_order(TABLE, "aqi"), cursor)
