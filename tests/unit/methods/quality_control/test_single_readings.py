"""T01 to T05: what a reading says by itself."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from tests.unit.methods.quality_control.conftest import (
    PRESENT,
    Looks,
    at,
    judged,
    minutes,
    point,
    reading,
    received,
    settings_of,
    usual,
)


def looks(rows: pl.DataFrame, settings: pl.DataFrame, **memory: pl.DataFrame) -> Looks:
    return Looks.of(judged(rows, settings, **memory))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("letter", "flag"),
    [("N", 1), (None, 1), ("F", 9), ("M", 4), ("S", 3), ("D", 4), ("C", 4), ("T", 3), ("B", 9), ("n", 3), ("X", 3)],
)
def test_the_source_s_own_letter_counts_and_an_unknown_one_is_suspect(letter: str | None, flag: int):
    found = looks(received(reading(0, 5.0, source_flag=letter)), point())
    assert (found.causal, found.final) == ([flag], [flag])
    assert found.final_tests == ["" if flag == 1 else "01"]


def test_a_failed_range_outweighs_a_letter_and_a_letter_outweighs_a_pass():
    rows = received(
        reading(0, 2000.0, source_flag="S"), reading(1, 2000.0, source_flag="B"), reading(2, 5.0, source_flag="B")
    )
    found = looks(rows, point())
    assert found.final == [4, 4, 9]
    assert found.final_tests == ["01 04", "01 04", "01"]


@pytest.mark.parametrize(("ahead_s", "flag"), [(0, 1), (120, 1), (120.001, 4), (86_400, 4)])
def test_a_clock_ahead_of_the_arrival_fails_beyond_two_minutes(ahead_s: float, flag: int):
    found = looks(received(reading(0, 5.0, delay_s=-ahead_s)), point())
    assert (found.causal, found.final) == ([flag], [flag])


def test_a_reading_from_the_future_fails_even_when_its_arrival_is_claimed_to_be():
    ahead = received(
        reading(0, 5.0, measured_at=PRESENT + timedelta(seconds=120)),
        reading(0, 5.0, measured_at=PRESENT + timedelta(seconds=121)),
    )
    assert looks(ahead, point()).final == [1, 4]


@pytest.mark.parametrize(("days", "flag"), [(29.9, 1), (30, 1), (30.0001, 3)])
def test_a_reading_that_arrives_after_thirty_days_is_suspect(days: float, flag: int):
    found = looks(received(reading(0, 5.0, delay_s=days * 86_400)), point())
    assert (found.causal, found.final) == ([flag], [flag])


def test_without_a_time_of_arrival_the_reading_came_as_it_was_measured():
    piece = judged(received(reading(0, 5.0, received_at=None)), point())
    assert Looks.of(piece).final == [1]
    assert piece.is_late.tolist() == [False]


@pytest.mark.parametrize(("value", "flag"), [(-0.001, 4), (0.0, 1), (1000.0, 1), (1000.001, 4)])
def test_the_ends_of_the_sensor_s_range_belong_to_it(value: float, flag: int):
    found = looks(received(reading(0, value)), point())
    assert (found.causal, found.final) == ([flag], [flag])
    assert found.final_tests == ["04" if flag == 4 else ""]


def test_above_its_range_a_fail_safe_point_is_suspect_and_below_it_fails():
    found = looks(minutes([1000.0, 1000.5, -0.5]), point(is_fail_safe=True))
    assert found.final == [1, 3, 4]


@pytest.mark.parametrize(("value", "flag"), [(9.999, 3), (10.0, 1), (90.0, 1), (90.001, 3)])
def test_outside_the_operating_band_a_value_is_suspect(value: float, flag: int):
    found = looks(received(reading(0, value)), point(operating_low=10.0, operating_high=90.0))
    assert (found.final, found.final_tests) == ([flag], ["05" if flag == 3 else ""])


def test_one_end_alone_is_a_range_too():
    found = looks(minutes([-5.0, 2000.0]), point(range_low=None, operating_low=0.0, range_high=None))
    assert found.final == [3, 1]


def test_a_point_of_which_nothing_is_known_has_passed_nothing():
    found = looks(minutes([5.0, 1e9, -1e9]), point(range_low=None, range_high=None))
    assert (found.causal, found.final) == ([2, 2, 2], [2, 2, 2])
    assert found.final_tests == ["", "", ""]


def test_a_habit_is_something_known():
    unknown = point(range_low=None, range_high=None)
    habit = usual(median=50.0, spread=5.0, step_spread=1.0, usual_low=40.0, usual_high=60.0)
    assert looks(minutes([50.0]), unknown, baseline=habit).final == [1]


def test_what_is_unknown_can_still_be_caught():
    found = looks(received(reading(0, 5.0, source_flag="D")), point(range_low=None, range_high=None))
    assert found.final == [4]


# Usual is 40 to 60, the reach three times that width: from 40 - 60 = -20 to 60 + 60 = 120.
HABIT = usual(median=50.0, spread=5.0, step_spread=1.0, usual_low=40.0, usual_high=60.0)


@pytest.mark.parametrize(("value", "tests"), [(-20.0, ""), (-20.5, "05"), (120.0, ""), (120.5, "05")])
def test_far_outside_what_was_usual_is_suspect(value: float, tests: str):
    found = looks(
        received(reading(0, value)),
        point(range_low=None, range_high=None, usual_range_factor=3.0, unit_jump_tolerance=0.25),
        baseline=HABIT,
    )
    assert (found.final_tests, found.final) == ([tests], [3 if tests else 1])


def test_the_spread_widens_a_band_that_is_narrower():
    # 50 to 50 is no width: three spreads of 5 on either side.
    habit = usual(median=50.0, spread=5.0, step_spread=1.0, usual_low=50.0, usual_high=50.0)
    found = looks(minutes([65.0, 65.5, 35.0, 34.5]), point(usual_range_factor=3.0), baseline=habit)
    assert found.final == [1, 3, 1, 3]


@pytest.mark.parametrize(
    ("value", "tests"),
    [
        (500.0, "03 05"),  # ten times the median
        (624.9, "03 05"),  # 12.498 times: within a quarter
        (625.1, "05"),
        (400.1, "03 05"),  # 10 / 1.2498
        (399.9, "05"),
        (50_000.0, "03 05"),  # a thousand times: mbar for bar
        (5_000.0, "05"),  # a hundred times is neither kilo nor one digit
        (-500.0, "03 05"),  # the sign may have gone wrong beside the digit
    ],
)
def test_a_power_of_ten_away_from_the_median_looks_like_a_wrong_unit(value: float, tests: str):
    found = looks(
        received(reading(0, value)),
        point(range_low=None, range_high=None, usual_range_factor=3.0, unit_jump_tolerance=0.25),
        baseline=HABIT,
    )
    assert (found.final_tests, found.final) == ([tests], [3])


def test_a_tenth_and_a_thousandth_look_like_a_wrong_unit_too():
    habit = usual(median=50.0, spread=0.5, step_spread=0.5, usual_low=49.0, usual_high=51.0)
    found = looks(minutes([5.0, 0.05, 0.5]), point(usual_range_factor=3.0, unit_jump_tolerance=0.25), baseline=habit)
    assert found.final_tests == ["03 05", "03 05", "05"]


def test_without_a_tolerance_or_a_factor_the_test_does_not_apply():
    rows = received(reading(0, 500.0))
    assert looks(rows, point(usual_range_factor=3.0), baseline=HABIT).final_tests == ["05"]
    assert looks(rows, point(unit_jump_tolerance=0.25), baseline=HABIT).final_tests == [""]


def test_an_alarm_of_gas_is_not_unusual_but_may_be_a_wrong_unit():
    habit = usual(median=2.0, spread=0.5, step_spread=0.1, usual_low=1.0, usual_high=3.0)
    gas = point(is_fail_safe=True, usual_range_factor=3.0, unit_jump_tolerance=0.25)
    found = looks(minutes([60.0, 20.0]), gas, baseline=habit)
    assert found.final_tests == ["", "03"]
    assert found.final == [1, 3]


def test_a_median_of_zero_has_no_power_of_ten():
    habit = usual(median=0.0, spread=0.0, step_spread=0.1, usual_low=0.0, usual_high=0.0)
    judged = point(usual_range_factor=3.0, unit_jump_tolerance=0.25, accuracy=0.5)
    found = looks(minutes([0.0, 30.0]), judged, baseline=habit)
    assert found.final_tests == ["", "05"]


def test_a_signal_that_never_moved_has_no_habit_to_leave():
    habit = usual(median=5.0, spread=0.0, step_spread=0.0, usual_low=5.0, usual_high=5.0)
    found = looks(minutes([5.0, 6.0]), point(usual_range_factor=3.0, unit_jump_tolerance=0.25), baseline=habit)
    assert found.final_tests == ["", ""]


def test_each_point_is_held_against_its_own_limits():
    settings = settings_of(
        {"point_id": "P1", "range_high": 10.0}, {"point_id": "P2", "range_high": 20.0}, {"point_id": "P3"}
    )
    rows = received(*(reading(0, 15.0, point_id_iot=name) for name in ("P1", "P2", "P3")))
    assert looks(rows, settings).final == [4, 1, 1]


def test_values_are_judged_in_the_canonical_unit():
    rows = received(reading(0, 0.9, unit="MPa"), reading(1, 1.1, unit="MPa"), reading(2, 1_100_000.0, unit="Pa"))
    piece = judged(rows, point())
    assert piece.arrangement.series.values.tolist() == pytest.approx([900.0, 1100.0, 1100.0])
    assert piece.arrangement.converted.tolist() == [True, True, True]
    assert Looks.of(piece).final == [1, 4, 4]


def test_a_unit_that_cannot_be_converted_is_no_reading():
    rows = received(reading(0, 5.0), reading(1, 5.0, unit="degC"), reading(2, 5.0, unit="PSIG"), reading(3, 6.0))
    arrangement = judged(rows, point()).arrangement
    assert arrangement.series.times.tolist() == [int(at(minute).timestamp() * 1e6) for minute in (0, 3)]
    assert arrangement.unknown.select("measured_at", "reason_code").rows() == [
        (at(1), "unknown_unit"),
        (at(2), "unknown_unit"),
    ]


def test_a_reading_without_a_unit_has_the_registered_one():
    rows = received(reading(0, 5.0, unit=None), reading(1, 500.0, unit="kPa"), reading(2, 6.0, unit=None))
    piece = judged(rows, point(registered_unit="bar"))
    assert piece.arrangement.series.values.tolist() == pytest.approx([500.0, 500.0, 600.0])
    assert piece.arrangement.converted.tolist() == [True, False, True]
    nobody_knows = judged(rows, point(registered_unit=None)).arrangement
    assert (len(nobody_knows.series), nobody_knows.unknown["reason_code"].to_list()) == (1, ["unknown_unit"] * 2)


def test_a_point_without_a_unit_takes_its_readings_as_they_are():
    nothing = point(canonical_unit=None, registered_unit=None)
    piece = judged(received(reading(0, 5.0), reading(1, 6.0, unit="bar")), nothing)
    assert piece.arrangement.series.values.tolist() == [5.0, 6.0]
    assert not piece.arrangement.converted.any()
