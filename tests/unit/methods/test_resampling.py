"""Judged readings become minutes and hours; the numbers are computed by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from methods.quality_control import scheme
from methods.resampling import slots_per_hour
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

# Ten readings a minute at most; 60 to 90 is suspect, beyond 100 it failed.
BAND = {"range_high": 100.0, "operating_high": 60.0}


def minute(*rows: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return the first minute of a piece."""
    return piece_of(received(*rows), point(**BAND | changes)).minutes.row(0, named=True)


def hour(rows: pl.DataFrame, settings: pl.DataFrame | None = None, number: int = 0) -> dict[str, Any]:
    """Return an hour of the day."""
    found = piece_of(rows, point(**BAND) if settings is None else settings).hours.filter(measured_at=at(60 * number))
    return found.row(0, named=True)


def counts(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[f"{name}_minutes"] for name in ("valid", "suspect", "failed", "missing", "expected"))


def seconds(*values: float) -> list[dict[str, Any]]:
    """Return readings every ten seconds."""
    return [reading(10 * k / 60, value) for k, value in enumerate(values)]


def test_one_reading_is_its_minute():
    found = minute(reading(0.5, 42.0))
    assert (found["measured_at"], found["value"], found["readings"]) == (at(0), 42.0, 1)
    assert (found["flag_causal"], found["flag_final"], found["tests"]) == (1, 1, 0)
    assert (found["value_min"], found["value_max"], found["value_last"]) == (None, None, None)


def test_a_minute_averages_what_passed_and_its_extremes_take_suspects_in():
    found = minute(*seconds(10.0, 20.0, 90.0, 30.0, 500.0, 80.0))
    assert (found["value"], found["readings"], found["flag_final"]) == (20.0, 6, 1)
    assert (found["value_min"], found["value_max"], found["value_last"]) == (10.0, 90.0, 80.0)


def test_suspects_give_a_minute_its_value_only_when_nothing_passed():
    found = minute(*seconds(70.0, 90.0, 500.0))
    assert (found["value"], found["flag_final"], found["value_max"]) == (80.0, 3, 90.0)


def test_a_failed_minute_has_no_value():
    found = minute(*seconds(500.0, 600.0))
    assert (found["value"], found["value_min"], found["value_max"], found["value_last"]) == (None,) * 4
    assert found["flag_final"] == 4
    assert minute(reading(0, 500.0))["value"] is None


def test_the_last_value_of_a_level_is_the_last_that_counts():
    assert minute(*seconds(10.0, 20.0, 30.0), resample_method="last")["value"] == 30.0
    found = minute(*seconds(10.0, 20.0, 90.0), resample_method="last")
    assert (found["value"], found["flag_final"], found["value_last"]) == (20.0, 1, 90.0)
    assert minute(*seconds(70.0, 90.0), resample_method="last")["value"] == 90.0


def test_a_reading_that_was_superseded_is_in_no_minute():
    found = minute(reading(0, 10.0), reading(0, 20.0, 30.0))
    assert (found["value"], found["readings"], found["flag_final"]) == (20.0, 1, 3)


def test_the_causal_flag_of_a_minute_is_the_best_there_was_at_the_time():
    # A step is suspect when it comes and clears when it stays.
    step = piece_of(minutes([20.0, 20.0, 28.0, 28.0]), point(rate_limit_per_min=5.0)).minutes
    assert step.select("flag_causal", "flag_final").rows() == [(1, 1), (1, 1), (3, 1), (1, 1)]


def test_a_direction_is_averaged_as_a_vector():
    turning = {"resample_method": "direction", "range_high": 360.0, "operating_high": None}
    assert minute(*seconds(350.0, 10.0, 20.0, 340.0), **turning)["value"] == pytest.approx(0.0, abs=1e-9)
    by_hour = hour(minutes([350.0, 30.0] * 30), point(**turning))
    assert by_hour["value_mean"] == pytest.approx(10.0)


def test_ph_is_averaged_over_ions_and_sound_over_energy():
    # (10^-6 + 10^-8) / 2 is 5.05e-7: pH 6.2967. (10^6 + 10^8) / 2 is 5.05e7: 77.0329 dB.
    acid = {"resample_method": "ph", "range_high": 14.0}
    assert minute(*seconds(6.0, 8.0), **acid)["value"] == pytest.approx(6.29671, abs=1e-5)
    assert hour(minutes([6.0, 8.0] * 30), point(**acid))["value_mean"] == pytest.approx(6.29671, abs=1e-5)
    loud = {"resample_method": "leq", "range_high": 140.0, "operating_high": None}
    assert minute(*seconds(60.0, 80.0), **loud)["value"] == pytest.approx(77.03291, abs=1e-5)
    assert hour(minutes([60.0, 80.0] * 30), point(**loud))["value_mean"] == pytest.approx(77.03291, abs=1e-5)


def test_points_with_special_means_stand_beside_plain_ones():
    settings = settings_of(
        {"point_id": "P1"},
        {"point_id": "P2", "resample_method": "direction"},
        {"point_id": "P3", "resample_method": "last"},
        {"point_id": "P4", "resample_method": "direction"},
    )
    rows = received(
        *(
            reading(k, value, point_id_iot=name)
            for name, values in (
                ("P1", (350.0, 10.0)),
                ("P2", (350.0, 10.0)),
                ("P3", (350.0, 10.0)),
                ("P4", (80.0, 100.0)),
            )
            for k, value in enumerate(values)
        )
    )
    first = piece_of(rows, settings).hours.filter(measured_at=at(0))
    assert first["value_mean"].to_list() == pytest.approx([180.0, 0.0, 10.0, 90.0])


def test_an_hour_by_hand():
    # 0..49 pass, five are suspect, two failed, three are missing.
    values = [*map(float, range(50)), *[70.0, 80.0, 90.0, 75.0, 65.0], 500.0, 600.0, None, None, None]
    found = hour(minutes(values))
    assert counts(found) == (50, 5, 2, 3, 60)
    assert found["valid_share"] == pytest.approx(50 / 60)
    assert (found["is_valid"], found["flag_final"]) == (True, 1)
    assert (found["value_mean"], found["value_min"], found["value_max"], found["value_last"]) == (24.5, 0.0, 90.0, 65.0)
    assert found["value_std"] == pytest.approx(((50**2 - 1) / 12) ** 0.5)
    assert (found["unit"], found["business_date"]) == ("kPa", DAY)


@pytest.mark.parametrize(("valid", "is_valid"), [(44, False), (45, True)])
def test_three_quarters_of_an_hour_make_it_valid(valid: int, is_valid: bool):
    found = hour(minutes([10.0] * valid))
    assert (found["is_valid"], found["valid_share"], found["flag_final"]) == (is_valid, valid / 60, 1)
    assert counts(found) == (valid, 0, 0, 60 - valid, 60)


def test_the_share_that_is_asked_for_is_the_point_s_own():
    assert hour(minutes([10.0] * 30), point(minimum_valid_share=0.5))["is_valid"]
    assert not hour(minutes([10.0] * 29), point(minimum_valid_share=0.5))["is_valid"]


def test_an_hour_of_suspects_has_their_mean_and_is_not_valid():
    found = hour(minutes([70.0, 90.0] * 30))
    assert (found["value_mean"], found["value_std"], found["flag_final"], found["is_valid"]) == (80.0, 10.0, 3, False)
    assert counts(found) == (0, 60, 0, 0, 60)


def test_an_hour_that_failed_has_no_value():
    found = hour(minutes([500.0] * 60))
    assert (found["value_mean"], found["value_max"], found["flag_final"], found["is_valid"]) == (None, None, 4, False)
    assert counts(found) == (0, 0, 60, 0, 60)


def test_an_hour_that_the_source_calls_missing_is_missing():
    found = hour(minutes([10.0] * 60, source_flag="B"))
    assert (found["value_mean"], found["flag_final"], counts(found)) == (None, 9, (0, 0, 0, 60, 60))
    assert found["tests"] == scheme.Test.SOURCE | scheme.Test.GAP


@pytest.mark.parametrize(("missing", "tests"), [(2, 0), (3, int(scheme.Test.GAP))])
def test_three_periods_of_silence_in_an_hour_are_a_gap(missing: int, tests: int):
    assert hour(minutes([10.0] * (60 - missing)))["tests"] == tests


def test_an_hour_of_a_point_that_nothing_judges_is_not_evaluated():
    found = hour(minutes([10.0] * 60), point(range_low=None, range_high=None))
    assert (found["value_mean"], found["flag_final"], found["is_valid"]) == (10.0, 2, True)
    assert counts(found) == (60, 0, 0, 0, 60)


def test_the_last_value_of_an_hour_is_the_last_that_counts():
    level = point(**BAND, resample_method="last")
    found = hour(minutes([10.0, 20.0, 30.0, 90.0]), level)
    assert (found["value_mean"], found["value_last"]) == (30.0, 90.0)
    assert hour(minutes([70.0, 90.0, 500.0]), level)["value_mean"] == 90.0


def test_an_hour_of_ten_second_readings_counts_minutes():
    rows = received(*(reading(10 * k / 60, float(k % 6)) for k in range(6 * 45)))
    found = hour(rows, point(period_s=10.0))
    assert counts(found) == (45, 0, 0, 15, 60)
    assert (found["is_valid"], found["value_mean"], found["value_max"], found["value_last"]) == (True, 2.5, 5.0, 5.0)


@pytest.mark.parametrize(
    ("period_s", "slots", "valid", "is_valid"),
    [(300.0, 12, 9, True), (300.0, 12, 8, False), (360.0, 10, 8, True), (900.0, 4, 3, True), (3600.0, 1, 1, True)],
)
def test_slower_points_owe_fewer_slots(period_s: float, slots: int, valid: int, is_valid: bool):
    rows = received(*(reading(period_s / 60 * k, 10.0) for k in range(valid)))
    found = hour(rows, point(period_s=period_s))
    assert counts(found) == (valid, 0, 0, slots - valid, slots)
    assert (found["is_valid"], found["valid_share"]) == (is_valid, valid / slots)


def test_a_point_that_reports_once_a_day_owes_one_slot_an_hour():
    assert slots_per_hour(point(period_s=86_400.0)).tolist() == [1]


def test_a_point_that_reports_more_often_than_it_must_is_whole_and_no_more():
    found = hour(minutes([10.0] * 60), point(period_s=300.0))
    assert (found["valid_share"], found["is_valid"], counts(found)) == (1.0, True, (60, 0, 0, 0, 12))


def test_hours_without_a_reading_are_rows_that_say_so():
    hours = piece_of(minutes([10.0] * 60, first=60), point()).hours
    assert hours["measured_at"].to_list() == [at(60 * k) for k in range(24)]
    assert hours["flag_final"].to_list() == [9, 1, *[9] * 22]
    silent = hours.row(5, named=True)
    assert counts(silent) == (0, 0, 0, 60, 60)
    names = ("value_mean", "value_min", "value_max", "value_last", "value_std")
    assert ([silent[name] for name in names], silent["is_valid"], silent["valid_share"]) == ([None] * 5, False, 0.0)
    assert (silent["flag_causal"], silent["unit"]) == (9, "kPa")


def test_a_point_that_owes_nothing_has_only_the_hours_in_which_it_spoke():
    hours = piece_of(minutes([10.0], first=61), point(), expected=[False]).hours
    assert hours.select("measured_at", "valid_minutes").rows() == [(at(60), 1)]


@pytest.mark.parametrize(
    ("present", "hours"), [(at(0), 0), (at(0.001), 1), (at(120), 2), (at(121), 3), (at(1439), 24), (PRESENT, 24)]
)
def test_hours_that_have_not_begun_are_not_due(present: datetime, hours: int):
    assert piece_of(received(), point(), present=present).hours.height == hours


def test_points_and_hours_do_not_mix():
    settings = settings_of({"point_id": "P1"}, {"point_id": "P2"})
    rows = received(
        *(reading(59 + k, 1.0 + k) for k in range(2)),
        *(reading(1439, 7.0, point_id_iot=name) for name in ("P1", "P2")),
        reading(0, 9.0, point_id_iot="P2"),
    )
    hours = piece_of(rows, settings).hours.filter(pl.col("valid_minutes") > 0)
    assert hours.select("point_id", "measured_at", "value_mean").rows() == [
        ("P1", at(0), 1.0),
        ("P1", at(60), 2.0),
        ("P1", at(1380), 7.0),
        ("P2", at(0), 9.0),
        ("P2", at(1380), 7.0),
    ]


def test_minutes_of_an_hour_add_up_to_what_was_owed():
    values = [10.0, 70.0, 500.0, None, 20.0] * 288
    found = piece_of(minutes(values), point(**BAND)).hours
    total = pl.sum_horizontal("valid_minutes", "suspect_minutes", "failed_minutes", "missing_minutes")
    assert (found.select(total).to_series() == found["expected_minutes"]).all()
    assert found.select("valid_minutes", "suspect_minutes", "failed_minutes", "missing_minutes").unique().rows() == [
        (24, 12, 12, 12)
    ]
