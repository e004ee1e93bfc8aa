"""Means of directions, pH, sound levels and concentrations of a flow, computed by hand."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.averages import (
    direction_mean,
    equivalent_level,
    flow_weighted_mean,
    ph_mean,
    speed_of_mean_vector,
    weighted_mean,
)

NAN, INFINITE = math.nan, math.inf


def one(expression: pl.Expr, **columns: list[float | None]) -> float | None:
    """Value of an aggregation over one group."""
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))
    (value,) = frame.with_columns(group=1).group_by("group").agg(expression.alias("result"))["result"].to_list()
    return value


@pytest.mark.parametrize(
    ("directions", "expected"),
    [
        ([350.0, 10.0], 0.0),
        ([355.0, 15.0], 5.0),
        ([80.0, 100.0], 90.0),
        ([170.0, 190.0], 180.0),
        ([0.0, 270.0], 315.0),
        ([360.0], 0.0),
        ([-10.0], 350.0),
        ([45.0, None, NAN, INFINITE], 45.0),
    ],
)
def test_directions_are_averaged_around_north(directions: list[float | None], expected: float):
    mean = one(direction_mean(pl.col("d")), d=directions)
    assert mean is not None
    assert 0 <= mean < 360
    assert math.cos(math.radians(mean - expected)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("directions", [[0.0, 180.0], [30.0, 150.0, 270.0], [None, NAN], []])
def test_directions_that_cancel_have_no_mean(directions: list[float | None]):
    frame = pl.DataFrame({"d": directions}, schema={"d": pl.Float64})
    assert frame.select(direction_mean(pl.col("d")).alias("mean"))["mean"].to_list() == [None]


def test_the_stronger_wind_counts_more_and_a_calm_not_at_all():
    # 3 from the north and 1 from the east: the angle whose tangent is 1/3.
    mean = one(direction_mean(pl.col("d"), pl.col("s")), d=[0.0, 90.0], s=[3.0, 1.0])
    assert mean == pytest.approx(18.43494882292201)
    calm = one(direction_mean(pl.col("d"), pl.col("s")), d=[0.0, 90.0, 180.0], s=[3.0, 1.0, 0.0])
    assert calm == pytest.approx(18.43494882292201)
    assert one(direction_mean(pl.col("d"), pl.col("s")), d=[0.0, 90.0], s=[0.0, 0.0]) is None
    # Without its speed, and with a speed that cannot be, a direction does not count.
    partly = one(direction_mean(pl.col("d"), pl.col("s")), d=[0.0, 90.0, 120.0], s=[2.0, None, -5.0])
    assert partly == pytest.approx(0.0, abs=1e-9)


def test_the_mean_vector_is_shorter_than_the_mean_speed_when_the_wind_turns():
    vector = speed_of_mean_vector(pl.col("d"), pl.col("s"))
    assert one(vector, d=[0.0, 90.0], s=[3.0, 4.0]) == pytest.approx(2.5)  # half of the 5 of 3 and 4
    assert one(vector, d=[20.0, 20.0], s=[3.0, 4.0]) == pytest.approx(3.5)
    assert one(vector, d=[20.0, 20.0], s=[3.0, 0.0]) == pytest.approx(1.5)
    assert one(vector, d=[None], s=[3.0]) is None


@given(st.floats(0, 359.99), st.floats(-80, 80), st.floats(0, 720))
def test_turning_all_directions_turns_their_mean(base: float, spread: float, turn: float):
    before = one(direction_mean(pl.col("d")), d=[base, base + spread])
    after = one(direction_mean(pl.col("d")), d=[base + turn, base + spread + turn])
    assert before is not None
    assert after is not None
    assert math.cos(math.radians(after - before - turn)) == pytest.approx(1, abs=1e-9)


def test_ph_is_averaged_as_concentration():
    # 10^-6 and 10^-8: the mean is 5.05·10^-7; 7 would be wrong by a factor of five.
    assert one(ph_mean(pl.col("x")), x=[6.0, 8.0]) == pytest.approx(6.296708621881338)
    assert one(ph_mean(pl.col("x")), x=[7.2, None, NAN]) == pytest.approx(7.2)
    assert one(ph_mean(pl.col("x")), x=[None, None]) is None


def test_sound_levels_are_averaged_as_energy():
    # 10^6 and 10^7: mean 5.5·10^6.
    assert one(equivalent_level(pl.col("x")), x=[60.0, 70.0]) == pytest.approx(67.40362689494244)
    # 60 dB for nine minutes and 70 dB for one: (9·10^6 + 10^7) / 10 = 1.9·10^6.
    lasted = one(equivalent_level(pl.col("x"), pl.col("t")), x=[60.0, 70.0, 90.0], t=[540.0, 60.0, None])
    assert lasted == pytest.approx(62.78753600952829)
    assert one(equivalent_level(pl.col("x")), x=[NAN]) is None


def test_a_discharge_is_averaged_over_what_flowed():
    mean = flow_weighted_mean(pl.col("c"), pl.col("q"))
    assert one(mean, c=[10.0, 50.0], q=[300.0, 100.0]) == pytest.approx(20.0)  # (3000 + 5000) / 400
    assert one(mean, c=[10.0, 50.0, 90.0], q=[300.0, 100.0, 0.0]) == pytest.approx(20.0)
    assert one(mean, c=[10.0, None, 50.0], q=[300.0, 999.0, 100.0]) == pytest.approx(20.0)
    assert one(mean, c=[10.0, 50.0, 70.0], q=[300.0, 100.0, -40.0]) == pytest.approx(20.0)


def test_where_nothing_flowed_there_is_no_concentration():
    assert one(flow_weighted_mean(pl.col("c"), pl.col("q")), c=[10.0, 50.0], q=[0.0, None]) is None


@pytest.mark.parametrize("level", [1e308, 4000.0])
def test_what_overflows_is_missing_not_infinite(level: float):
    assert one(equivalent_level(pl.col("x")), x=[level * 10]) is None
    assert one(ph_mean(pl.col("x")), x=[-level]) is None
    assert one(weighted_mean(pl.col("x"), pl.col("x")), x=[1e308, 1e308]) is None


def test_means_are_taken_by_group():
    frame = pl.DataFrame({"point": ["a", "a", "b"], "d": [350.0, 10.0, 90.0], "s": [1.0, 1.0, 2.0]})
    means = frame.group_by("point").agg(direction_mean(pl.col("d"), pl.col("s")).alias("d")).sort("point")
    assert means["d"].to_list() == [pytest.approx(0.0, abs=1e-9), pytest.approx(90.0)]
