"""Readings that come late, twice, overtaken or again: which row counts, and what is said of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from methods.quality_control.judgement import JudgedPiece
from tests.unit.methods.quality_control.conftest import (
    PRESENT,
    Looks,
    at,
    judged,
    minutes,
    piece_of,
    point,
    reading,
    received,
    settings_of,
)


def rows_of(piece: JudgedPiece) -> list[tuple[float, bool, bool, bool]]:
    """Return value, counts, is_late, is_disputed of every row."""
    columns = (piece.arrangement.series.values, piece.counts, piece.is_late, piece.is_disputed)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def treatments_of(*rows: dict[str, Any], settings: pl.DataFrame | None = None) -> dict[tuple[str, str], int]:
    table = piece_of(received(*rows), point() if settings is None else settings).treatments
    return {
        (code, effect): readings
        for code, effect, readings in table.select("treatment_code", "effect", "readings").rows()
    }


@pytest.mark.parametrize(("delay_s", "is_late"), [(600.0, False), (600.001, True)])
def test_what_comes_after_the_watermark_is_late(delay_s: float, is_late: bool):
    piece = judged(received(reading(0, 5.0, delay_s=delay_s)), point())
    assert rows_of(piece) == [(5.0, True, is_late, False)]
    assert Looks.of(piece).final == [1]


def test_what_a_later_reading_has_overtaken_is_late_though_within_the_watermark():
    rows = received(
        reading(0, 1.0), reading(1, 2.0, delay_s=90.0), reading(2, 3.0, delay_s=20.0), reading(3, 4.0, delay_s=5.0)
    )
    assert judged(rows, point()).is_late.tolist() == [False, True, False, False]


def test_readings_that_arrive_together_do_not_overtake_each_other():
    together = at(10)
    rows = received(*(reading(minute, 5.0, received_at=together) for minute in range(10)))
    assert not judged(rows, point()).is_late.any()
    assert not judged(rows.reverse(), point()).is_late.any()


def test_points_do_not_overtake_each_other():
    settings = settings_of({"point_id": "P1"}, {"point_id": "P2"}, {"point_id": "P3"})
    rows = received(
        reading(0, 1.0, delay_s=500),
        reading(1, 1.0, point_id_iot="P2"),
        reading(0, 1.0, point_id_iot="P2", delay_s=500),
        reading(2, 1.0, point_id_iot="P3"),
    )
    assert judged(rows, settings).is_late.tolist() == [False, True, False, False]


def test_a_device_that_sends_tomorrow_makes_nobody_late():
    # A reading of 12:00 that arrives at 00:01 has a wrong clock; those after it come in order all the same.
    rows = received(
        reading(0, 5.0), reading(720, 5.0, received_at=at(1)), reading(2, 5.0), reading(3, 11.0), reading(4, 5.0)
    )
    piece = judged(rows, point(rate_limit_per_min=5.0))
    assert piece.is_late.tolist() == [False] * 5
    assert Looks.of(piece).causal == [1, 1, 3, 1, 4]


def test_a_late_reading_moves_no_chain_causally_but_has_its_place_in_the_end():
    # 90 comes an hour late: the chain runs 20 20 20 past it. Finally it is a spike.
    rows = received(reading(0, 20.0), reading(1, 90.0, delay_s=3600), reading(2, 20.0), reading(3, 20.0))
    piece = judged(rows, point(rate_limit_per_min=5.0))
    assert Looks.of(piece).causal == [1, 1, 1, 1]
    assert Looks.of(piece).final == [1, 4, 1, 1]


def test_an_equal_repeat_is_dropped_and_the_first_arrival_stands():
    rows = received(reading(0, 5.0), reading(1, 30.0), reading(1, 30.0, delay_s=30.0), reading(2, 5.0))
    piece = judged(rows, point(rate_limit_per_min=5.0))
    assert rows_of(piece) == [
        (5.0, True, False, False),
        (30.0, True, False, False),
        (30.0, False, True, False),
        (5.0, True, False, False),
    ]
    assert Looks.of(piece).causal[1] == 4
    assert piece.arrangement.received.tolist()[1] == int(at(1).timestamp() * 1e6) + 5_000_000
    assert treatments_of(*rows.rows(named=True)) == {("duplicate_equal", "dropped"): 1}


def test_a_repeat_with_another_value_supersedes_and_leaves_a_doubt():
    rows = received(reading(0, 5.0), reading(0, 6.0, delay_s=30.0))
    piece = judged(rows, point())
    assert rows_of(piece) == [(5.0, False, False, True), (6.0, True, True, True)]
    assert Looks.of(piece).final == [1, 3]
    assert Looks.of(piece).final_tests == ["", "02"]
    assert Looks.of(piece).causal == [1, 1]
    assert treatments_of(*rows.rows(named=True)) == {
        ("T02_time", "suspected"): 1,
        ("superseded", "dropped"): 1,
        ("late", "kept"): 1,
    }


@pytest.mark.parametrize("values", [(5.0, 5.0, 6.0), (5.0, 6.0, 5.0), (5.0, 6.0, 6.0)])
def test_of_three_rows_of_a_moment_the_last_counts_when_any_two_differ(values: tuple[float, ...]):
    piece = judged(received(*(reading(0, value, delay_s=k) for k, value in enumerate(values))), point())
    assert piece.counts.tolist() == [False, False, True]
    assert piece.is_disputed.all()
    assert piece.passed.values.tolist() == []
    assert piece.arrangement.series.values.tolist()[-1] == values[-1]


def test_three_equal_rows_are_one_reading():
    piece = judged(received(*(reading(0, 5.0, delay_s=k) for k in range(3))), point())
    assert piece.counts.tolist() == [True, False, False]
    assert piece.passed.values.tolist() == [5.0]


def test_a_repeat_that_only_takes_back_the_source_s_letter_counts():
    rows = received(reading(0, 5.0, source_flag="D"), reading(0, 5.0, delay_s=60.0, source_flag="N"))
    piece = judged(rows, point())
    assert piece.counts.tolist() == [False, True]
    assert Looks.of(piece).final == [4, 3]  # of two statements one is wrong


def test_equal_in_different_units_is_equal():
    piece = judged(received(reading(0, 500.0), reading(0, 0.5, unit="MPa", delay_s=9.0)), point())
    assert piece.counts.tolist() == [True, False]
    assert not piece.is_disputed.any()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_a_file_sent_again_the_rows_loaded_later_count(order: list[int]):
    # Same moment and same arrival: only the loading tells which file is the newer one.
    both = [
        reading(0, 5.0, _loaded_at=PRESENT, _source_uri="b.parquet", _row_number=0),
        reading(0, 7.0, _loaded_at=PRESENT + timedelta(hours=1), _source_uri="a.parquet", _row_number=0),
    ]
    piece = judged(received(*(both[k] for k in order)), point())
    assert rows_of(piece) == [(5.0, False, False, True), (7.0, True, True, True)]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_within_a_file_the_row_further_down_counts(order: list[int]):
    both = [reading(0, 5.0, _row_number=3), reading(0, 7.0, _row_number=8)]
    assert judged(received(*(both[k] for k in order)), point()).passed.values.tolist() == []
    assert rows_of(judged(received(*(both[k] for k in order)), point()))[-1][0] == 7.0


def test_a_whole_file_sent_again_with_one_correction_makes_one_row_late():
    first = minutes([float(value) for value in range(60)])
    again = first.with_columns(
        _loaded_at=pl.col("_loaded_at") + timedelta(hours=1),
        value=pl.when(pl.col("value") == 30.0).then(30.5).otherwise("value"),
    )
    tables = piece_of(pl.concat([first, again]), point(rate_limit_per_min=0.5))
    assert tables.days.select("readings_received", "readings_late", "readings_superseded").row(0) == (60, 1, 60)
    counted = dict(tables.treatments.select("treatment_code", "readings").rows())
    assert (counted["duplicate_equal"], counted["superseded"], counted["late"]) == (59, 1, 1)
    # The causal judgement of the first arrival stands: every minute but the first and the corrected one rose too fast.
    causal = tables.minutes["flag_causal"].to_list()
    assert causal == [1, *[3] * 29, 1, *[3] * 29]


def test_unknown_points_are_handed_back_with_a_reason():
    rows = received(reading(0, 5.0), reading(0, 5.0, point_id_iot="P9"), reading(1, 5.0, unit="degC"))
    unknown = piece_of(rows, point()).unknown
    assert unknown.select("point_id_iot", "reason_code").sort("reason_code").rows() == [
        ("P9", "unknown_point"),
        ("P1", "unknown_unit"),
    ]
    assert set(rows.columns) <= set(unknown.columns)


def test_a_piece_of_unknown_points_only_has_no_other_rows():
    tables = piece_of(received(reading(0, 5.0)), settings_of({"point_id": "P1"}).clear())
    assert tables.unknown["reason_code"].to_list() == ["unknown_point"]
    assert tables.minutes.is_empty()
    assert tables.hours.is_empty()
    assert tables.days.is_empty()
