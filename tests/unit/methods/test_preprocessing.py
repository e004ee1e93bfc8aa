"""A piece as a whole: what became of the readings of a day, counted by point."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from methods.preprocessing import PieceTables
from methods.quality_control.judgement import CHAINS, TAIL_COLUMNS
from tests.unit.methods.quality_control.conftest import (
    DAY,
    PRESENT,
    at,
    minutes,
    piece_of,
    point,
    reading,
    received,
    settings_of,
)

TAILS = [f"{chain}_{name}" for chain in CHAINS for name in TAIL_COLUMNS]


def day_of(tables: PieceTables, point_id: str = "P1") -> dict[str, Any]:
    return tables.days.filter(pl.col("point_id") == point_id).row(0, named=True)


def treatments(tables: PieceTables) -> list[tuple[Any, ...]]:
    return tables.treatments.sort("point_id", "treatment_code", "effect").rows()


def tails_until(minute: float) -> pl.DataFrame:
    """Return how the chains of P1 end when its last reading was at a minute of yesterday (negative)."""
    yesterday = piece_of(received(reading(minute, 20.0)), point(), day=DAY - timedelta(days=1))
    return yesterday.days.select("point_id", *TAILS)


def test_a_day_by_hand():
    rows = received(
        reading(0, 10.0),
        reading(1, 10.0),
        reading(1, 10.0, 20.0),  # an equal repeat
        reading(2, 90.0),  # beyond the operating band
        reading(3, 500.0),  # beyond the sensor's range
        reading(4, 10.0, source_flag="B"),
        reading(5, 10.0, 1200.0),  # late
        reading(6, 0.011, unit="MPa"),  # converted
        reading(7, 10.0),
        reading(7, 12.0, 20.0),  # a correction
        reading(8, 10.0, unit="degC"),  # no pressure
        reading(8, 10.0, point_id_iot="P9"),  # nobody's
    )
    tables = piece_of(rows, point(range_high=100.0, operating_high=60.0))
    day = day_of(tables)
    counts = ("expected", "received", "passed", "suspect", "failed", "missing", "late", "superseded")
    assert [day[f"readings_{name}"] for name in counts] == [1440, 8, 4, 2, 1, 1432 + 1, 2, 2]
    assert (day["last_measured_at"], day["last_received_at"]) == (at(7), at(25) + (at(5) - at(5)))
    assert (day["business_date"], day["data_origin"]) == (DAY, "simulated")
    assert treatments(tables) == [
        ("P1", "T01_source_flag", "taken_as_missing", 1, at(4), at(4)),
        ("P1", "T02_time", "suspected", 1, at(7), at(7)),
        ("P1", "T04_gross_range", "failed", 1, at(3), at(3)),
        ("P1", "T05_operating_range", "failed", 1, at(3), at(3)),
        ("P1", "T05_operating_range", "suspected", 1, at(2), at(2)),
        ("P1", "converted", "changed", 1, at(6), at(6)),
        ("P1", "duplicate_equal", "dropped", 1, at(1), at(1)),
        ("P1", "late", "kept", 2, at(5), at(7)),
        ("P1", "superseded", "dropped", 1, at(7), at(7)),
    ]
    assert tables.unknown.height == 2


def test_exceptions_show_the_received_row_and_what_was_found():
    rows = received(
        reading(0, 10.0),
        reading(1, 0.5, unit="MPa"),
        reading(2, 10.0, source_flag="S", _row_number=77),
        reading(3, 10.0),
        reading(3, 12.0, 20.0),
        reading(4, 10.0, 1200.0),
        reading(5, 10.0),
        reading(5, 10.0, 9.0),
    )
    found = piece_of(rows, point(range_high=100.0)).exceptions
    names = (
        "measured_at",
        "reported_value",
        "reported_unit",
        "value",
        "flag_causal",
        "flag_final",
        "tests",
        "treatment",
    )
    assert found.select(names).rows() == [
        (at(1), 0.5, "MPa", 500.0, 4, 4, "T04_gross_range", None),
        (at(2), 10.0, "kPa", 10.0, 3, 3, "T01_source_flag", None),
        (at(3), 10.0, "kPa", 10.0, 1, 1, None, "superseded"),
        (at(3), 12.0, "kPa", 12.0, 1, 3, "T02_time", "late"),
        (at(4), 10.0, "kPa", 10.0, 1, 1, None, "late"),
        (at(5), 10.0, "kPa", 10.0, 1, 1, None, "duplicate_equal"),
    ]
    row = found.filter(measured_at=at(2)).row(0, named=True)
    assert (row["source_flag"], row["_row_number"], row["_source_uri"]) == ("S", 77, "2026-06-02.Z1.parquet")


def test_what_only_one_of_the_two_views_found_is_an_exception_too():
    # The step clears in the end, so nothing was done to it; the causal look is kept for whoever asks why it warned.
    tables = piece_of(minutes([20.0, 20.0, 28.0, 28.0]), point(rate_limit_per_min=5.0))
    assert tables.exceptions.select("measured_at", "flag_causal", "flag_final", "tests").rows() == [
        (at(2), 3, 1, "T06_rate")
    ]
    assert tables.treatments.is_empty()


def test_several_tests_are_named_in_the_order_of_the_scheme():
    tables = piece_of(
        minutes([20.0, 20.0, 600.0, 20.0]), point(rate_limit_per_min=5.0, spike_floor=4.0, operating_high=60.0)
    )
    assert tables.exceptions["tests"].to_list() == ["T05_operating_range,T06_rate,T07_spike"]
    assert [(code, effect) for _, code, effect, *_ in treatments(tables)] == [
        ("T05_operating_range", "failed"),
        ("T06_rate", "failed"),
        ("T07_spike", "failed"),
    ]


@pytest.mark.parametrize(
    ("period_s", "present", "expected"),
    [(60.0, PRESENT, 1440), (10.0, PRESENT, 8640), (300.0, PRESENT, 288), (60.0, at(480), 480), (3600.0, at(90), 1)]
    + [(60.0, at(minute), minute) for minute in (13, 26, 1439)],
)
def test_readings_are_owed_up_to_the_present(period_s: float, present: datetime, expected: int):
    day = day_of(piece_of(received(), point(period_s=period_s), present=present))
    assert (day["readings_expected"], day["readings_missing"]) == (expected, expected)


def test_a_point_that_owes_nothing_owes_what_it_sent():
    tables = piece_of(minutes([10.0] * 5), point(), expected=[False])
    day = day_of(tables)
    assert (day["readings_expected"], day["readings_received"], day["readings_missing"]) == (5, 5, 0)
    assert piece_of(received(), point(), expected=[False]).days.is_empty()


def test_more_readings_than_owed_are_not_a_negative_gap():
    day = day_of(piece_of(minutes([10.0] * 1440), point(period_s=300.0)))
    assert (day["readings_expected"], day["readings_received"], day["readings_missing"]) == (288, 1440, 0)


def test_the_worst_origin_of_a_point_is_its_origin():
    settings = settings_of(*({"point_id": f"P{k}"} for k in range(1, 5)))
    rows = received(
        reading(0, 1.0, data_origin="measured"),
        reading(0, 1.0, point_id_iot="P2", data_origin="measured"),
        reading(1, 1.0, point_id_iot="P2", data_origin="replayed"),
        reading(0, 1.0, point_id_iot="P3", data_origin="replayed"),
        reading(1, 1.0, point_id_iot="P3", data_origin="simulated"),
    )
    assert piece_of(rows, settings).days["data_origin"].to_list() == ["measured", "replayed", "simulated", None]


# A point is offline after five minutes of silence; the day has 1,440 minutes.
def online(rows: pl.DataFrame, tails: pl.DataFrame | None = None, present: datetime = PRESENT) -> tuple[int, int]:
    day = day_of(piece_of(rows, point(), tails=tails, present=present))
    return day["minutes_online"], day["offline_episodes"]


def test_a_point_that_never_falls_silent_is_online_all_day():
    assert online(minutes([10.0] * 1440)) == (1440, 0)
    assert online(received(*(reading(5 * k, 10.0) for k in range(288)))) == (1440, 0)


def test_a_gap_inside_the_day_counts_from_the_fifth_minute_on():
    # Silent from 10:00 to 10:30: online until 10:05.
    rows = received(*(reading(k, 10.0) for k in range(1440) if not 600 < k < 630))
    assert online(rows) == (1440 - 25, 1)


def test_gaps_of_exactly_five_minutes_are_none():
    assert online(received(*(reading(k, 10.0) for k in range(1440) if not 600 < k < 605))) == (1440, 0)
    assert online(received(*(reading(k, 10.0) for k in range(1440) if not 600 < k < 606))) == (1439, 1)


def test_a_day_that_begins_late_was_offline_already_unless_yesterday_reaches_in():
    # First reading at 01:00. Yesterday's last one at 23:58 keeps it online until 00:03, when it falls silent.
    rows = minutes([10.0] * 1380, first=60)
    assert online(rows) == (1380, 0)
    assert online(rows, tails_until(-2)) == (1383, 1)
    # At 23:50 it fell silent yesterday already.
    assert online(rows, tails_until(-10)) == (1380, 0)
    # At 23:55 its five minutes end with the day: today's episode.
    assert online(rows, tails_until(-5)) == (1380, 1)


def test_a_day_that_begins_in_time_has_no_gap():
    assert online(minutes([10.0] * 1439, first=1), tails_until(-3)) == (1440, 0)


def test_a_gap_at_the_end_of_the_day_counts_as_soon_as_it_is_one():
    assert online(minutes([10.0] * 1381)) == (1385, 1)  # last reading at 23:00
    assert online(minutes([10.0] * 1436)) == (1440, 0)  # at 23:55: five minutes, not more
    assert online(minutes([10.0] * 1435)) == (1439, 1)


def test_the_present_ends_a_day_that_is_not_over():
    assert online(minutes([10.0] * 61), present=at(63)) == (63, 0)
    assert online(minutes([10.0] * 61), present=at(70)) == (65, 1)


def test_a_point_that_says_nothing_all_day_fell_silent_once_if_yesterday_reaches_in():
    assert online(received()) == (0, 0)
    assert online(received(), tails_until(-2)) == (3, 1)
    assert online(received(), tails_until(-600)) == (0, 0)


def test_a_silent_day_hands_on_how_the_chains_stood():
    tails = tails_until(-2)
    silent = piece_of(received(), point(), tails=tails).days
    assert silent.select("point_id", *TAILS).equals(tails)


def test_an_empty_piece_has_every_table_with_its_columns():
    empty, filled = piece_of(received(), point()), piece_of(minutes([10.0, 500.0]), point(range_high=100.0))
    for name in ("minutes", "hours", "days", "treatments", "exceptions"):
        assert getattr(empty, name).schema == getattr(filled, name).schema, name
