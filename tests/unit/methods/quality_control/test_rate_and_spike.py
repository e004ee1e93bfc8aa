"""T06 and T07, causally (the two readings before) and finally (both neighbours)."""

from __future__ import annotations

import polars as pl
import pytest

from methods.quality_control.judgement import tails_frame
from tests.unit.methods.quality_control.conftest import (
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
    return Looks.of(judged(rows, settings, **memory))


# Five a minute is the most; ten cannot be true.
RATE = point(rate_limit_per_min=5.0)


@pytest.mark.parametrize(("step", "flag"), [(5.0, 1), (5.125, 3), (10.0, 3), (10.125, 4), (-5.0, 1), (-10.125, 4)])
def test_a_ramp_is_judged_by_its_steepness(step: float, flag: int):
    found = looks(minutes([500.0, 500.0 + step, 500.0 + 2 * step, 500.0 + 3 * step]), RATE)
    assert found.causal == [1, flag, flag, flag]
    assert found.final == [1, flag, flag, flag]
    assert found.final_tests[1] == ("06" if flag > 1 else "")


def test_the_rate_is_a_change_a_minute_whatever_the_gap():
    rows = received(reading(0, 100.0), reading(4, 120.0), reading(4.5, 122.5), reading(5, 126.0))
    assert looks(rows, RATE).final == [1, 1, 1, 3]  # 20 in 4 min, 2.5 and 3.5 in half a minute


def test_a_single_jump_is_held_against_itself_and_not_against_the_return():
    found = looks(minutes([20.0, 20.0, 28.0, 20.0, 20.0]), RATE)
    assert found.causal == [1, 1, 3, 1, 1]
    assert found.final == [1, 1, 3, 1, 1]


def test_a_step_that_stays_is_suspect_at_first_and_clears_in_the_end():
    found = looks(minutes([20.0, 20.0, 28.0, 28.0, 28.0]), RATE)
    assert found.causal == [1, 1, 3, 1, 1]
    assert found.final == [1, 1, 1, 1, 1]


def test_a_step_in_the_last_reading_keeps_the_one_sided_judgement():
    found = looks(minutes([20.0, 20.0, 28.0]), RATE)
    assert (found.causal, found.final) == ([1, 1, 3], [1, 1, 3])


def test_the_second_reading_has_nobody_to_agree_with():
    # Only one reading came before: who of the two errs cannot be known, and the later one is the suspect.
    found = looks(minutes([28.0, 20.0, 20.0]), RATE)
    assert (found.causal, found.final) == ([1, 3, 1], [1, 1, 1])


def test_a_fail_safe_point_that_jumps_stays_suspect():
    found = looks(minutes([0.0, 0.0, 90.0, 0.0]), point(rate_limit_per_min=5.0, spike_floor=1.0, is_fail_safe=True))
    assert (found.causal, found.final) == ([1, 1, 3, 1], [1, 1, 3, 1])
    assert found.final_tests[2] == "06 07"


def test_a_habit_limits_the_rate_to_four_times_its_spread():
    habit = usual(step_spread=0.5)
    found = looks(minutes([20.0, 22.0, 24.25, 24.25]), point(rate_sigma_factor=4.0), baseline=habit)
    assert found.causal == [1, 1, 3, 1]  # 2.0 a minute is the limit
    assert looks(minutes([20.0, 90.0]), point(rate_sigma_factor=4.0), baseline=habit).final == [1, 3]  # never a fail


def test_the_smaller_of_habit_and_physics_is_the_limit_and_physics_alone_fails():
    both = {"rate_limit_per_min": 5.0, "rate_sigma_factor": 4.0}
    calm, wild = usual(step_spread=0.5), usual(step_spread=50.0)
    ramp = minutes([20.0, 23.0, 34.0])
    assert looks(ramp, point(**both), baseline=calm).causal == [1, 3, 4]
    assert looks(ramp, point(**both), baseline=wild).causal == [1, 1, 4]
    assert looks(ramp, point(**both)).causal == [1, 1, 4]


def test_two_true_readings_may_differ_by_twice_the_accuracy():
    quiet = usual(step_spread=0.0)
    found = looks(minutes([20.0, 20.5, 20.0, 20.625]), point(rate_sigma_factor=4.0, accuracy=0.25), baseline=quiet)
    assert found.causal == [1, 1, 1, 3]
    every_ten_seconds = received(
        *(reading(second / 60, value) for second, value in ((0, 20.0), (10, 20.5), (20, 21.25)))
    )
    fast = point(rate_sigma_factor=4.0, accuracy=0.25, period_s=10.0)
    assert looks(every_ten_seconds, fast, baseline=quiet).causal == [1, 1, 3]


SPIKE = point(spike_floor=4.0)


@pytest.mark.parametrize(("height", "flag"), [(4.0, 1), (4.25, 3), (8.0, 3), (8.25, 4), (-4.25, 3), (-8.25, 4)])
def test_a_spike_is_measured_from_the_middle_of_its_neighbours(height: float, flag: int):
    found = looks(minutes([20.0, 20.0, 20.0 + height, 20.0, 20.0]), SPIKE)
    assert found.causal == [1, 1, flag, 1, 1]
    assert found.final == [1, 1, flag, 1, 1]
    assert found.final_tests[2] == ("07" if flag > 1 else "")


def test_the_middle_is_that_of_unequal_neighbours():
    # Causally |30 - (20 + 22)/2| = 9, but 8 from the nearer one. Finally |30 - (22 + 28)/2| = 5, at most twice 2.
    found = looks(minutes([20.0, 22.0, 30.0, 28.0]), SPIKE)
    assert (found.causal[2], found.final[2]) == (3, 1)
    # |30 - (22 + 24)/2| = 7 and twice the smaller step 12: 7 counts.
    assert looks(minutes([20.0, 22.0, 30.0, 24.0]), SPIKE).final[2] == 3
    # |40 - (22 + 24)/2| = 17 beyond twice the limit of 4.
    assert looks(minutes([20.0, 22.0, 40.0, 24.0]), SPIKE).final[2] == 4


def test_a_stair_is_no_spike():
    found = looks(minutes([0.0, 20.0, 40.0, 60.0, 80.0]), SPIKE)
    assert found.final[1:4] == [1, 1, 1]
    assert found.causal[2:] == [4, 4, 4]  # |40 - (20 + 0)/2| = 30, 20 from the nearer one: nobody knows the next yet


def test_a_spike_of_two_readings_is_a_step_up_and_down():
    found = looks(minutes([20.0, 20.0, 60.0, 60.0, 20.0, 20.0]), SPIKE)
    assert found.final == [1, 1, 1, 1, 1, 1]
    assert found.causal == [1, 1, 4, 1, 4, 1]


def test_the_habit_of_a_minute_is_scaled_to_the_period():
    # 4 x 0.5 a minute: 2 from one minute to the next, 10 in five minutes.
    habit, rule = usual(step_spread=0.5), {"spike_mad_factor": 4.0}
    by_minute = minutes([20.0, 20.0, 22.25, 20.0])
    assert looks(by_minute, point(**rule), baseline=habit).final == [1, 1, 3, 1]
    by_five = received(*(reading(5 * k, value) for k, value in enumerate([20.0, 20.0, 30.0, 20.0, 20.0, 30.25, 20.0])))
    assert looks(by_five, point(**rule, period_s=300.0), baseline=habit).final == [1, 1, 1, 1, 1, 3, 1]


def test_the_floor_of_a_spike_is_the_rule_s_or_twice_the_accuracy():
    quiet = usual(step_spread=0.0)
    rows = minutes([20.0, 20.0, 23.0, 20.0])
    by_habit = {"spike_mad_factor": 4.0}
    assert looks(rows, point(**by_habit), baseline=quiet).final[2] == 1  # it never moved, nobody knows how finely
    assert looks(rows, point(**by_habit, accuracy=0.5), baseline=quiet).final[2] == 4
    assert looks(rows, point(**by_habit, accuracy=1.0), baseline=quiet).final[2] == 3
    assert looks(rows, point(**by_habit, accuracy=1.5), baseline=quiet).final[2] == 1
    assert looks(rows, point(**by_habit, spike_floor=3.0, accuracy=1.0), baseline=quiet).final[2] == 1


def test_without_a_limit_nothing_moves_too_fast():
    found = looks(minutes([0.0, 900.0, 0.0, 900.0]), point())
    assert (found.causal, found.final) == ([1] * 4, [1] * 4)


def test_a_failed_value_is_no_neighbour():
    # 2,000 is outside the range: the 20 after it is compared with the 20 before.
    found = looks(minutes([20.0, 20.0, 2000.0, 20.0, 20.0]), point(rate_limit_per_min=5.0, spike_floor=4.0))
    assert (found.causal, found.final) == ([1, 1, 4, 1, 1], [1, 1, 4, 1, 1])
    assert found.final_tests[2] == "04"


def test_a_value_that_the_source_takes_as_missing_is_no_neighbour():
    rows = received(reading(0, 20.0), reading(1, 0.0, source_flag="B"), reading(2, 20.0))
    assert looks(rows, RATE).final == [1, 9, 1]


def test_points_are_not_each_other_s_neighbours():
    settings = settings_of(
        {"point_id": "P1", "rate_limit_per_min": 5.0}, {"point_id": "P2", "rate_limit_per_min": 5.0, "spike_floor": 1.0}
    )
    rows = received(
        *(reading(minute, 10.0) for minute in range(3)),
        *(reading(minute, 90.0, point_id_iot="P2") for minute in range(3)),
    )
    assert looks(rows, settings).final == [1] * 6


def test_the_first_reading_of_a_day_has_yesterday_s_last_as_neighbours():
    settings = point(rate_limit_per_min=5.0, spike_floor=100.0)
    yesterday = judged(received(reading(-2, 20.0), reading(-1, 20.0)), settings)
    tails = tails_frame(yesterday.tails, settings)
    found = looks(minutes([28.0, 20.0]), settings, tails=tails)
    assert (found.causal, found.final) == ([3, 1], [3, 1])
    assert looks(minutes([28.0, 20.0]), settings).final == [1, 3]


def test_the_second_reading_of_a_day_reaches_back_to_yesterday_s_last():
    settings = point(rate_limit_per_min=5.0)
    tails = tails_frame(judged(received(reading(-1, 20.0)), settings).tails, settings)
    # 28 jumps away from yesterday's 20, and today's second reading agrees with yesterday again.
    assert looks(minutes([28.0, 20.0, 20.0]), settings, tails=tails).causal == [3, 1, 1]
    assert tails.select("causal_last_time", "causal_last_value", "causal_previous_time").row(0) == (at(-1), 20.0, None)
