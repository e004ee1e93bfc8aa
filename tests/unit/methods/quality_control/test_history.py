"""What is usual for a point: measures of a day, and their baseline over days."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from methods.quality_control.history import MEASURES, baseline, day_measures
from tests.unit.methods.quality_control.conftest import judged, minutes, piece_of, point, reading, received, settings_of

NAMES = pl.Series("point_id", ["P1", "P2", "P3"])
THREE = settings_of(*({"point_id": name} for name in NAMES))


def measures(rows: pl.DataFrame) -> dict[str, dict[str, float | None]]:
    """Return the measures of the points that have readings."""
    table = day_measures(judged(rows, THREE).passed, NAMES)
    return {row["point_id"]: {name: row[name] for name in MEASURES} for row in table.rows(named=True)}


def test_the_measures_of_a_ramp():
    # Deviations from 3: 2 1 0 1 2, their median 1. Every step is 1 a minute. Quantiles at 0.02 and 3.98 of 4 steps.
    found = measures(minutes([1.0, 2.0, 3.0, 4.0, 5.0]))["P1"]
    assert found == pytest.approx(
        {"median": 3.0, "spread": 1.4826, "step_spread": 1.4826, "usual_low": 1.02, "usual_high": 4.98}
    )


def test_of_an_even_number_of_values_the_middle_two_are_averaged():
    found = measures(minutes([7.0, 1.0, 3.0, 9.0]))["P1"]
    assert (found["median"], found["spread"]) == (5.0, pytest.approx(1.4826 * 3.0))  # deviations 2 2 4 4


def test_steps_are_changes_a_minute():
    found = measures(received(reading(0, 0.0), reading(5, 10.0), reading(5.5, 11.0), reading(6.5, 9.0)))
    assert found["P1"]["step_spread"] == pytest.approx(1.4826 * 2.0)


def test_a_signal_that_stands_still_has_no_spread():
    assert measures(minutes([5.0] * 60))["P1"] == {
        "median": 5.0,
        "spread": 0.0,
        "step_spread": 0.0,
        "usual_low": 5.0,
        "usual_high": 5.0,
    }


def test_a_rounded_signal_moves_as_it_does_when_it_moves():
    # Eight steps of nothing and two of one: the median step is 0, the tenth of the largest is 1 = 1.645 sigma.
    found = measures(minutes([*[0.0] * 5, *[1.0] * 5, 2.0]))["P1"]
    assert found["step_spread"] == pytest.approx(1 / 1.645)


def test_one_value_alone_has_no_step_and_points_do_not_mix():
    rows = received(reading(0, 3.0), *(reading(k, 10.0 + 4 * k, point_id_iot="P3") for k in range(3)))
    found = measures(rows)
    assert sorted(found) == ["P1", "P3"]
    assert found["P1"] == {"median": 3.0, "spread": 0.0, "step_spread": None, "usual_low": 3.0, "usual_high": 3.0}
    assert (found["P3"]["median"], found["P3"]["step_spread"]) == (14.0, pytest.approx(1.4826 * 4.0))


def test_points_with_one_value_each_have_no_step_at_all():
    found = measures(received(reading(0, 3.0), reading(0, 4.0, point_id_iot="P2")))
    assert [found[name]["step_spread"] for name in ("P1", "P2")] == [None, None]


def test_without_any_reading_there_is_no_row():
    assert day_measures(judged(received(), THREE).passed, NAMES).is_empty()


def test_only_what_passed_is_usual():
    rows = received(*(reading(k, 5.0) for k in range(3)), reading(3, 5000.0), reading(4, 7.0, source_flag="S"))
    days = piece_of(rows, point()).days
    assert days.select("median", "usual_high").row(0) == (5.0, 5.0)


def days_of(*measured: dict[str, float | None], point_id: str = "P1") -> pl.DataFrame:
    rows = [
        {"point_id": point_id, "business_date": date(2026, 6, 1) - timedelta(days=back)} | dict.fromkeys(MEASURES) | row
        for back, row in enumerate(measured)
    ]
    types = {"point_id": pl.String(), "business_date": pl.Date(), **dict.fromkeys(MEASURES, pl.Float64())}
    return pl.DataFrame(rows, schema=types)


def all_alike(value: float) -> dict[str, float | None]:
    return dict.fromkeys(MEASURES, value)


@pytest.mark.parametrize(("days", "known"), [(2, 0), (3, 1)])
def test_a_baseline_needs_three_days(days: int, known: int):
    assert baseline(days_of(*[all_alike(4.0)] * days), THREE).height == known


def test_days_without_a_value_are_no_days():
    assert baseline(days_of(all_alike(4.0), all_alike(4.0), {}), THREE).is_empty()


def test_one_odd_day_does_not_move_the_baseline():
    usual = baseline(days_of(*[all_alike(4.0)] * 4, all_alike(1e6)), THREE)
    assert usual.select(MEASURES).row(0) == (4.0,) * 5


def test_points_that_are_not_in_the_settings_have_no_baseline():
    assert baseline(days_of(*[all_alike(4.0)] * 3, point_id="P9"), THREE).is_empty()


def test_levels_are_rounded_by_their_width_and_not_by_their_height():
    pressure = {"median": 1016.37, "spread": 1.04, "step_spread": 0.0123, "usual_low": 1013.21, "usual_high": 1018.94}
    usual = baseline(days_of(*[pressure] * 3), THREE)
    assert usual.select(MEASURES).row(0) == pytest.approx((1016.4, 1.0, 0.012, 1013.2, 1018.9))


def test_a_wide_signal_is_rounded_to_tens():
    # From 120 to 871 wide: a tenth of a hundred.
    wide = {"median": 456.7, "spread": 123.4, "step_spread": 98.7, "usual_low": 123.4, "usual_high": 871.2}
    usual = baseline(days_of(*[wide] * 3), THREE)
    assert usual.select(MEASURES).row(0) == (460.0, 120.0, 99.0, 120.0, 870.0)


def test_a_signal_without_width_stands_where_it_stands():
    still = {"median": 21.37, "spread": 0.0, "step_spread": 0.0, "usual_low": 21.37, "usual_high": 21.37}
    usual = baseline(days_of(*[still] * 3), THREE)
    assert usual.select(MEASURES).row(0) == (21.37, 0.0, 0.0, 21.37, 21.37)
