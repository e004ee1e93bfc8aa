"""Days of hand-made hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from methods.air_quality import ReadingsError, StandardRowsError, daily_means
from methods.air_quality.index import HOURLY_COLUMNS

MIDNIGHT = datetime(2026, 6, 1, 16, tzinfo=UTC)  # 00:00 of 2 June in Shanghai
DAY = date(2026, 6, 2)


@pytest.fixture
def validity(seeds: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return seeds["std_air_validity"]


def hours(values: dict[int, float | None], station: str = "S1", start: datetime = MIDNIGHT) -> pl.DataFrame:
    """Give every item the same value at each hour of the day."""
    times = [start + timedelta(hours=hour) for hour in values]
    series = pl.Series(list(values.values()), dtype=pl.Float64)
    keys = {
        "station_id": pl.Series([station] * len(values), dtype=pl.String),
        "measured_at": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
    }
    return pl.DataFrame(keys | dict.fromkeys(HOURLY_COLUMNS.values(), series))


@pytest.mark.parametrize(("valid", "mean"), [(24, 11.5), (20, 9.5), (19, None)])
def test_a_day_needs_twenty_valid_hours(validity: pl.DataFrame, valid: int, mean: float | None):
    day = daily_means(hours({hour: float(hour) if hour < valid else None for hour in range(24)}), validity)
    assert day.select("pm25_ug_per_m3", "co_mg_per_m3", "pm25_valid_hours", "reported_hours").row(0) == (
        mean,
        mean,
        valid,
        24,
    )


def test_the_day_is_the_one_of_shanghai(validity: pl.DataFrame):
    days = daily_means(hours(dict.fromkeys(range(-1, 24), 1.0)), validity)
    assert days.select("business_date", "reported_hours").rows() == [(date(2026, 6, 1), 1), (DAY, 24)]


def test_ozone_takes_the_highest_of_seventeen_windows_within_the_day(validity: pl.DataFrame):
    # A peak in the hours 16 to 23, and a higher one the night before that must not reach in.
    peak = hours({hour: 80.0 if hour >= 16 else 0.0 for hour in range(24)})
    night_before = hours(dict.fromkeys(range(-8, 0), 500.0))
    days = daily_means(pl.concat([night_before, peak]), validity).filter(business_date=DAY)
    assert days.select("o3_8h_max_ug_per_m3", "o3_8h_valid_windows").row(0) == (80.0, 17)


def test_a_window_of_six_hours_is_averaged_over_six(validity: pl.DataFrame):
    day = daily_means(hours({hour: 60.0 for hour in range(24) if hour not in (10, 11)}), validity)
    assert day.select("o3_8h_max_ug_per_m3", "o3_8h_valid_windows", "reported_hours").row(0) == (60.0, 17, 22)


def test_an_hour_that_was_never_reported_is_like_one_reported_empty(validity: pl.DataFrame):
    values = {hour: float(hour) for hour in range(24)}
    left_out = daily_means(hours({hour: value for hour, value in values.items() if hour not in (3, 4, 12)}), validity)
    empty = daily_means(
        hours({hour: None if hour in (3, 4, 12) else value for hour, value in values.items()}), validity
    )
    assert left_out.drop("reported_hours").equals(empty.drop("reported_hours"))
    assert (left_out["reported_hours"].item(), empty["reported_hours"].item()) == (21, 24)


@pytest.mark.parametrize(("first", "windows", "maximum"), [(5, 14, 23 - 3.5), (6, 13, None)])
def test_a_day_needs_fourteen_windows(validity: pl.DataFrame, first: int, windows: int, maximum: float | None):
    # Hours from `first` on: the first window with six of them ends five hours later.
    day = daily_means(hours({hour: float(hour) for hour in range(first, 24)}), validity)
    assert day.select("o3_8h_max_ug_per_m3", "o3_8h_valid_windows").row(0) == (maximum, windows)


def test_stations_and_days_do_not_mix_and_order_does_not_matter(validity: pl.DataFrame):
    frame = pl.concat(
        [
            hours(dict.fromkeys(range(24), 1.0), "A"),
            hours(dict.fromkeys(range(24), 3.0), "B"),
            hours(dict.fromkeys(range(24), 5.0), "A", MIDNIGHT + timedelta(days=1)),
        ]
    )
    days = daily_means(frame, validity)
    assert days.select("station_id", "pm10_ug_per_m3", "o3_8h_max_ug_per_m3").rows() == [
        ("A", 1.0, 1.0),
        ("A", 5.0, 5.0),
        ("B", 3.0, 3.0),
    ]
    assert daily_means(frame.sample(fraction=1, shuffle=True, seed=7), validity).equals(days)


def test_negative_and_not_finite_hours_are_not_valid(validity: pl.DataFrame):
    values: dict[int, float | None] = dict.fromkeys(range(24), 10.0)
    day = daily_means(hours(values | {1: float("nan"), 2: float("inf"), 3: -5.0}), validity)
    assert day.select("so2_ug_per_m3", "so2_valid_hours").row(0) == (10.0, 21)


def test_the_minimum_in_force_on_the_day_counts(validity: pl.DataFrame):
    stricter = validity.with_columns(
        minimum_count=pl.when((pl.col("statistic_code") == "day_mean") & (pl.col("valid_from") == "2026-03-01"))
        .then(24)
        .otherwise("minimum_count")
    )
    values = dict.fromkeys(range(22), 1.0)
    frame = pl.concat([hours(values), hours(values, start=datetime(2026, 2, 27, 16, tzinfo=UTC))])
    days = daily_means(frame, stricter)
    assert days.select("business_date", "no2_ug_per_m3").rows() == [(date(2026, 2, 28), 1.0), (DAY, None)]


def test_an_hour_twice_is_refused_with_its_place(validity: pl.DataFrame):
    once = hours(dict.fromkeys(range(24), 1.0))
    half_past = once.filter(pl.col("measured_at") == MIDNIGHT).with_columns(
        measured_at=pl.col("measured_at") + timedelta(minutes=30)
    )
    with pytest.raises(ReadingsError, match=r"S1 has hour 00 of 2026-06-02 more than once"):
        daily_means(pl.concat([once, half_past]), validity)


def test_no_hours_give_no_days_with_all_columns(validity: pl.DataFrame):
    filled = daily_means(hours({0: 1.0}), validity)
    empty = daily_means(hours({}), validity)
    assert empty.is_empty()
    assert empty.schema == filled.schema


def test_a_statistic_without_a_minimum_is_refused(validity: pl.DataFrame):
    with pytest.raises(StandardRowsError, match="day_mean"):
        daily_means(hours({0: 1.0}), validity.filter(pl.col("statistic_code") != "day_mean"))
