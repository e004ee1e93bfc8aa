"""One record, one writing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from security.canonical_json import canonical_json
from security.errors import MalformedValueError

CHINA = timezone(timedelta(hours=8))


def test_keys_are_sorted_and_chinese_is_written_as_it_is():
    assert canonical_json({"b": [1, None, True], "a": {"名": "张三", "y": "\n"}}).decode() == (
        '{"a":{"y":"\\n","名":"张三"},"b":[1,null,true]}'
    )


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1, "1"),
        (1.0, "1"),
        (Decimal("1.00"), "1"),
        (1.1, "1.1"),
        (Decimal("1.10"), "1.1"),
        (100, "100"),
        (Decimal("1E+2"), "100"),
        (1e22, "10000000000000000000000"),
        (1.5e-7, "0.00000015"),
        (-0.0, "0"),
        (Decimal("-0.00"), "0"),
        (Decimal("-12.50"), "-12.5"),
        (0.1, "0.1"),
    ],
)
def test_equal_numbers_of_any_type_are_written_alike(number: float | Decimal, written: str):
    assert canonical_json({"n": number}).decode() == f'{{"n":{written}}}'


def test_one_moment_in_two_zones_is_written_once():
    in_china = {"at": datetime(2026, 3, 1, 8, tzinfo=CHINA), "day": date(2026, 3, 1)}

    assert canonical_json(in_china) == canonical_json({"day": date(2026, 3, 1), "at": datetime(2026, 3, 1, tzinfo=UTC)})
    assert canonical_json(in_china) == b'{"at":"2026-03-01T00:00:00.000000Z","day":"2026-03-01"}'


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(record=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values))
def test_a_trip_through_json_changes_nothing(record: dict[str, object]):
    written = canonical_json(record)

    assert canonical_json(json.loads(written)) == written
    assert canonical_json(json.loads(json.dumps(record))) == written


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (float("nan"), r"\$\.list\[1\]"),
        (float("inf"), "not a number of JSON"),
        (Decimal("NaN"), "not a number of JSON"),
        (datetime(2026, 3, 1), "time zone"),  # noqa: DTZ001
        (b"bytes", "bytes"),
        ({1: "x"}, "not text"),
        ("\ud800", "surrogate"),
    ],
)
def test_what_has_no_single_writing_is_refused_with_its_place(value: object, place: str):
    with pytest.raises(MalformedValueError, match=place):
        canonical_json({"list": [0, value]})
