"""Hours of all points judged together, and the days made of them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ingestion.readers import DayRange
from orchestration.telemetry.days import POINT_DAYS, POINT_HOURS
from tests.unit.orchestration.telemetry.conftest import ALL_DAYS, FIRST, Telemetry, registered, waves

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


def labels(*days: date) -> list[str]:
    return [day.isoformat() for day in days]


def test_every_point_has_its_hours_and_its_day_once(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    done = telemetry.days().refresh(ALL_DAYS)
    assert (done.days, done.hours, done.unchanged) == (labels(FIRST, SECOND, THIRD), 3 * 5 * 24, 0)
    hours, days = telemetry.table(POINT_HOURS), telemetry.table(POINT_DAYS)
    assert not hours.select("point_id", "measured_at").is_duplicated().any()
    assert days.select("point_id", "business_date").unique().height == days.height == 15
    first = days.filter(point_id="D1", business_date=FIRST.isoformat()).row(0, named=True)
    # Of six readings 103 102 101 100 101 102 the mean is 101.5.
    assert (first["value_mean"], first["value_min"], first["value_max"], first["valid_hours"]) == (
        101.5,
        100.0,
        103.0,
        24,
    )
    silent = days.filter(point_id="D5", business_date=FIRST.isoformat()).row(0, named=True)
    assert (silent["value_mean"], silent["valid_hours"], silent["readings_missing"]) == (None, 0, 288)


def test_the_second_run_does_nothing(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    telemetry.days().refresh(ALL_DAYS)
    versions = [telemetry.lake.version(f"silver/{name}") for name in (POINT_HOURS, POINT_DAYS)]
    done = telemetry.days().refresh(ALL_DAYS)
    assert (done.days, done.hours, done.unchanged) == ([], 0, 3)
    assert [telemetry.lake.version(f"silver/{name}") for name in (POINT_HOURS, POINT_DAYS)] == versions


def test_a_day_that_changed_costs_itself_and_the_two_that_look_back_on_it(telemetry: Telemetry):
    telemetry.present += timedelta(days=2)
    telemetry.deliver_usual(days=5)
    telemetry.refresh()
    telemetry.days().refresh(ALL_DAYS)
    telemetry.deliver(SECOND, {"D1": [101.5]}, "Z1", "late", first=144, delay_s=40_000)
    telemetry.refresh()
    done = telemetry.days().refresh(ALL_DAYS)
    assert done.days == labels(SECOND, THIRD, FIRST + timedelta(days=3))


def test_only_the_days_that_are_asked_for_are_made(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    assert telemetry.days().refresh(DayRange(SECOND, SECOND)).days == labels(SECOND)


def test_a_gas_point_away_from_zero_is_suspect_in_its_hours(telemetry: Telemetry):
    # Six of a hundred; five are allowed for a day (T10).
    telemetry.deliver_usual(days=1)
    telemetry.deliver(SECOND, {"D2": [6.0] * 288}, "Z1", "b")
    telemetry.refresh()
    telemetry.days().refresh(ALL_DAYS)
    hours = telemetry.table(POINT_HOURS).filter(point_id="D2", business_date=SECOND.isoformat()).sort("measured_at")
    # With the thirteenth hour of 24 the median is 6, with the twelfth it is 3.
    assert hours["flag_final"].to_list() == [1] * 12 + [3] * 12
    assert hours["tests"].to_list() == [None] * 12 + ["T10_drift"] * 12
    before = telemetry.table("telemetry__zone_hours").filter(point_id="D2", business_date=SECOND.isoformat())
    assert before["flag_final"].unique().to_list() == [1]


def test_without_pieces_there_are_no_days(telemetry: Telemetry):
    assert telemetry.days().refresh(ALL_DAYS).days == []


def test_a_point_of_no_vital_has_a_day_like_any_other(telemetry: Telemetry):
    telemetry.register(registered("D6", zone_id="Z1", unit="furlong", range_high=10.0))
    telemetry.deliver(FIRST, {"D1": waves(100.0)}, "Z1", "a")
    telemetry.deliver(FIRST, {"D6": waves(3.0, 24)}, "Z1", "b", unit="furlong")  # 6 5 4 3 4 5 and again: 4.5
    telemetry.refresh()
    telemetry.days().refresh(ALL_DAYS)
    found = telemetry.table(POINT_DAYS).filter(point_id="D6")
    assert found.select("business_date", "value_mean", "unit", "valid_hours", "zone_id").rows() == [
        (FIRST.isoformat(), 4.5, "furlong", 2, "Z1")
    ]
    assert telemetry.table(POINT_HOURS).filter(pl.col("point_id") == "D6").height == 2


def test_a_point_that_speaks_in_another_zone_has_one_hour_and_one_day(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.deliver(FIRST, {"D5": waves(50.0)}, "Z1", "astray")  # registered in Z3, from where nothing comes
    telemetry.refresh()
    telemetry.days().refresh(ALL_DAYS)
    hours, days = telemetry.table(POINT_HOURS), telemetry.table(POINT_DAYS)
    own = hours.filter(pl.col("point_id") == "D5", pl.col("business_date") == FIRST.isoformat())
    assert (own.height, own["zone_id"].unique().to_list(), own["missing_minutes"].sum()) == (24, ["Z1"], 0)
    day = days.filter(point_id="D5", business_date=FIRST.isoformat())
    assert day.select("readings_expected", "readings_received", "readings_missing").rows() == [(288, 288, 0)]
