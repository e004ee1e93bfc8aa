"""T09 to T12 on the hours of one day and the two before: hour 48 of 72 is the first of the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from methods.quality_control.hours import judge_hours
from methods.quality_control.scheme import tests_of as codes_of
from tests.unit.methods.quality_control.conftest import DAY, at, settings_of

HOURS = range(72)
MIDDLE = {"longitude": 121.4, "latitude": 30.8}


def hours_of(
    means: Mapping[str, Sequence[float | None]], spreads: Mapping[str, Sequence[float]] | None = None
) -> pl.DataFrame:
    """Return the hours of points, all passed; None is an hour without one."""
    rows = [
        {
            "point_id": name,
            "measured_at": at(60 * (hour - 48)),
            "business_date": DAY + timedelta(days=hour // 24 - 2),
            "value_mean": mean,
            "value_std": (spreads or {}).get(name, [0.0] * 72)[hour],
            "flag_final": 1,
            "tests": 0,
            "is_valid": True,
        }
        for name, values in means.items()
        for hour, mean in enumerate(values)
        if mean is not None
    ]
    return pl.DataFrame(
        rows,
        schema_overrides={"flag_final": pl.Int16, "tests": pl.Int32, "measured_at": pl.Datetime("us", "UTC")},
        infer_schema_length=None,
    )


def consistencies(*rows: tuple[str, str, float]) -> pl.DataFrame:
    types = {"smaller_vital": pl.String, "larger_vital": pl.String, "largest_ratio": pl.Float64}
    return pl.DataFrame(list(rows), schema=types, orient="row")


def judged_hours(
    hours: pl.DataFrame, settings: pl.DataFrame, usual: float | None = None, pairs: pl.DataFrame | None = None
) -> pl.DataFrame:
    spreads = pl.Series([usual] * settings.height, dtype=pl.Float64)
    return judge_hours(hours, settings, spreads, consistencies() if pairs is None else pairs, DAY)


def story(found: pl.DataFrame, point_id: str = "P1") -> dict[int, tuple[int, str]]:
    """Return flag and tests by hour of the day, of the hours that did not simply pass."""
    own = found.filter(pl.col("point_id") == point_id)
    hours = ((own["measured_at"] - at(0)).dt.total_minutes() // 60).to_list()
    rows = zip(hours, own["flag_final"], own["tests"], strict=True)
    return {
        hour: (flag, " ".join(code[1:3] for code in codes_of(marks)))
        for hour, flag, marks in rows
        if marks or flag != 1
    }


ATTENUATED: dict[str, Any] = {"point_id": "P1", "attenuated_suspect_share": 0.1, "attenuated_fail_share": 0.02}


@pytest.mark.parametrize(("spread", "flag"), [(1.0, 1), (0.99, 3), (0.2, 3), (0.19, 4)])
def test_a_signal_that_moves_less_than_a_tenth_of_its_habit_is_suspect(spread: float, flag: int):
    found = judged_hours(hours_of({"P1": [0.0] * 72}, {"P1": [spread] * 72}), settings_of(ATTENUATED), usual=10.0)
    assert story(found) == ({} if flag == 1 else dict.fromkeys(range(24), (flag, "09")))
    assert found["is_valid"].to_list() == [flag != 4] * 24


def test_the_deviation_of_twelve_hours_is_within_the_hours_and_between_them():
    # Means of +3 and -3 have the variance 9, within the hours it is 16: the deviation is 5.
    hours = hours_of({"P1": [3.0, -3.0] * 36}, {"P1": [4.0] * 72})
    assert story(judged_hours(hours, settings_of(ATTENUATED), usual=50.0)) == {}
    assert set(story(judged_hours(hours, settings_of(ATTENUATED), usual=51.0)).values()) == {(3, "09")}


def test_twelve_quiet_hours_are_needed():
    # Quiet from 03:00 on; until 13:00 one lively hour of the twelve is enough: sqrt(100 / 12) = 2.9 of 10.
    spreads = [10.0] * 51 + [0.5] * 21
    found = judged_hours(hours_of({"P1": [0.0] * 72}, {"P1": spreads}), settings_of(ATTENUATED), usual=10.0)
    assert story(found) == dict.fromkeys(range(14, 24), (3, "09"))


@pytest.mark.parametrize(("present", "flagged"), [(9, 1), (8, 0)])
def test_nine_of_the_twelve_must_be_there(present: int, flagged: int):
    means: list[float | None] = [None] * (72 - present) + [0.0] * present
    found = judged_hours(hours_of({"P1": means}), settings_of(ATTENUATED), usual=10.0)
    assert len(story(found)) == flagged


@pytest.mark.parametrize("usual", [None, 0.0])
def test_without_a_habit_nothing_is_attenuated(usual: float | None):
    assert story(judged_hours(hours_of({"P1": [0.0] * 72}), settings_of(ATTENUATED), usual=usual)) == {}


def group(size: int, **changes: object) -> pl.DataFrame:
    general = {"redundancy_group": "G", "accuracy": 1.0, "drift_sigma_factor": 5.0, "drift_hours": 24.0}
    return settings_of(*({"point_id": f"P{k + 1}"} | general | changes for k in range(size)))


def test_of_two_that_part_both_are_suspect_after_a_day():
    # 20 apart from hour 30 on, each 10 from the middle, smoothed 10 (1 - 0.9^n). The limit is 5 x sqrt(2) / 2 = 3.54:
    # passed with n = 5 in hour 34; hour 57, which is 09:00, ends the first full day beyond it.
    means = {"P1": [50.0] * 72, "P2": [50.0] * 30 + [70.0] * 42}
    found = judged_hours(hours_of(means), group(2))
    assert story(found, "P1") == story(found, "P2") == dict.fromkeys(range(9, 24), (3, "10"))


def test_of_three_the_one_that_walks_away_is_suspect():
    # 20 from the median of three; the limit is 5 x sqrt(1.5) = 6.12, passed with n = 4 in hour 33.
    means = {"P1": [50.0] * 72, "P2": [50.0] * 30 + [70.0] * 42, "P3": [50.0] * 72}
    found = judged_hours(hours_of(means), group(3))
    assert story(found, "P2") == dict.fromkeys(range(8, 24), (3, "10"))
    assert story(found, "P1") == story(found, "P3") == {}


def test_a_distance_that_the_certificates_allow_is_no_drift():
    means = {"P1": [50.0] * 72, "P2": [57.0] * 72}  # 3.5 from the middle, 3.54 are allowed
    assert story(judged_hours(hours_of(means), group(2))) == {}
    assert story(judged_hours(hours_of(means | {"P2": [60.0] * 72}), group(2))) != {}
    assert story(judged_hours(hours_of(means | {"P2": [60.0] * 72}), group(2, accuracy=None))) == {}


def test_one_that_is_alone_has_nobody_to_drift_from():
    means: dict[str, Sequence[float | None]] = {"P1": [50.0] * 72, "P2": [None] * 71 + [90.0]}
    assert story(judged_hours(hours_of(means), group(2))) == {}


def test_a_return_within_the_day_is_no_drift():
    means = {"P1": [50.0] * 72, "P2": [70.0] * 60 + [50.0] * 12}
    found = judged_hours(hours_of(means), group(2))
    # Smoothed 10 falls by a tenth an hour from 12:00 on: 10 x 0.9^10 = 3.49 is back within 3.54 at 21:00.
    assert story(found) == dict.fromkeys(range(21), (3, "10"))


ZERO = {"zero_drift_suspect_share": 0.05, "zero_drift_fail_share": 0.1, "range_high": 100.0, "drift_hours": 24.0}


@pytest.mark.parametrize(
    ("level", "is_fail_safe", "flag"),
    [(5.0, True, 1), (5.5, True, 3), (-5.5, True, 3), (10.5, True, 3), (10.0, False, 3), (10.5, False, 4)],
)
def test_gas_away_from_zero_for_a_day_is_suspect_and_never_silenced(level: float, is_fail_safe: bool, flag: int):
    settings = settings_of({"point_id": "P1", "is_fail_safe": is_fail_safe} | ZERO)
    found = judged_hours(hours_of({"P1": [level] * 72}), settings)
    assert story(found) == ({} if flag == 1 else dict.fromkeys(range(24), (flag, "10")))


def test_the_level_is_the_median_of_a_day():
    # Eleven hours of an alarm are no drift; with the twelfth the median of 24 hours is 20.
    settings = settings_of({"point_id": "P1", "is_fail_safe": True} | ZERO)
    found = judged_hours(hours_of({"P1": [0.0] * 48 + [40.0] * 24}), settings)
    assert story(found) == dict.fromkeys(range(11, 24), (3, "10"))


def air(smaller: float, larger: float, *, objects: tuple[str | None, str | None] = ("A", "A")) -> pl.DataFrame:
    settings = settings_of(
        {"point_id": "P1", "vital_code": "ENV-AQ-06", "object_id": objects[0]},
        {"point_id": "P2", "vital_code": "ENV-AQ-05", "object_id": objects[1]},
    )
    hours = hours_of({"P1": [10.0] * 50 + [smaller] + [10.0] * 21, "P2": [10.0] * 50 + [larger] + [10.0] * 21})
    return judged_hours(hours, settings, pairs=consistencies(("ENV-AQ-06", "ENV-AQ-05", 1.05)))


def test_more_fine_dust_than_dust_makes_both_suspect():
    found = air(21.1, 20.0)
    assert story(found, "P1") == story(found, "P2") == {2: (3, "11")}
    assert found["is_valid"].all()


def test_up_to_five_percent_more_is_allowed_and_other_stations_are_not_compared():
    assert story(air(21.0, 20.0)) == {}
    assert story(air(90.0, 20.0, objects=("A", "B"))) == {}
    assert story(air(90.0, 20.0, objects=(None, None))) == {}


def masts(values: Sequence[float], *, apart: float = 0.005, own: Mapping[str, Any] | None = None) -> pl.DataFrame:
    """Judge masts in a row; P1 moves by one from hour to hour, the others stand at 10 and claim little accuracy."""
    general = {"vital_code": "ENV-ME-02", "neighbour_sigma_factor": 3.0, "longitude": 121.4, "accuracy": 5.0}
    points = [{"point_id": f"P{k + 1}", "latitude": 30.8 + apart * k} | general for k in range(len(values))]
    points[0] |= {"accuracy": None} | dict(own or {})
    still = {f"P{k + 1}": [10.0] * 72 for k in range(1, len(values))}
    history = [11.0, 9.0] * 24
    hours = {"P1": [*history, values[0], *[10.0] * 23]} | still
    return judged_hours(hours_of(hours), settings_of(*points))


# The habit of P1's residual is 1.4826 x 1: up to 4.4478 is usual.
@pytest.mark.parametrize(("value", "tests"), [(14.4, {}), (14.5, {0: (3, "12")}), (5.5, {0: (3, "12")})])
def test_away_from_three_neighbours_by_more_than_its_habit_is_suspect(value: float, tests: dict[int, Any]):
    found = masts([value, 10.0, 10.0, 10.0])
    assert story(found, "P1") == tests
    assert story(found, "P2") == {}


def test_two_neighbours_are_not_enough():
    assert story(masts([90.0, 10.0, 10.0])) == {}


def test_neighbours_are_within_two_kilometres():
    # 0.005 degrees are 556 m: the third neighbour is 1,668 m away. With 0.006 it is 2,002 m away.
    assert story(masts([90.0, 10.0, 10.0, 10.0], apart=0.005)) != {}
    assert story(masts([90.0, 10.0, 10.0, 10.0], apart=0.006)) == {}


def test_neighbours_measure_the_same_and_the_rule_must_ask():
    assert story(masts([90.0, 10.0, 10.0, 10.0], own={"vital_code": "ENV-ME-03"})) == {}
    assert story(masts([90.0, 10.0, 10.0, 10.0], own={"neighbour_sigma_factor": None})) == {}
    assert story(masts([90.0, 10.0, 10.0, 10.0], own={"latitude": None})) == {}


def test_twice_the_accuracy_is_never_held_against_anyone():
    assert story(masts([20.0, 10.0, 10.0, 10.0], own={"accuracy": 5.0})) == {}
    assert story(masts([20.5, 10.0, 10.0, 10.0], own={"accuracy": 5.0})) == {0: (3, "12")}


def test_nearer_neighbours_weigh_more():
    # Weights 1 : 1/4 : 1/9; (16 + 10/4 + 10/9) / (49/36) = 14.41: P1 at 14.4 is where its nearest neighbour pulls it.
    general = {"vital_code": "ENV-ME-02", "neighbour_sigma_factor": 3.0, "longitude": 121.4}
    points = [{"point_id": f"P{k + 1}", "latitude": 30.8 + 0.005 * k, "accuracy": 0.1} | general for k in range(4)]
    means = {"P1": [10.0] * 48 + [14.4] * 24, "P2": [10.0] * 48 + [16.0] * 24, "P3": [10.0] * 72, "P4": [10.0] * 72}
    found = judged_hours(hours_of(means), settings_of(*points))
    assert story(found, "P1") == {}
    assert set(story(found, "P3").values()) == {(3, "12")}


def test_what_failed_or_is_missing_has_nothing_more_to_lose():
    hours = hours_of({"P1": [0.0] * 72}, {"P1": [0.5] * 72}).with_columns(
        flag_final=pl.when(pl.col("measured_at") == at(60))
        .then(4)
        .when(pl.col("measured_at") == at(120))
        .then(9)
        .when(pl.col("measured_at") == at(180))
        .then(2)
        .otherwise("flag_final")
        .cast(pl.Int16),
        tests=pl.when(pl.col("measured_at") == at(60)).then(8).otherwise("tests").cast(pl.Int32),
    )
    found = story(judged_hours(hours, settings_of(ATTENUATED), usual=10.0))
    assert (found[0], found[1], found[2], found[3]) == ((3, "09"), (4, "04 09"), (9, "09"), (3, "09"))


def test_the_day_comes_back_whole_and_in_order_and_nothing_else_changes():
    hours = hours_of({"P2": [1.0] * 72, "P1": [2.0] * 72})
    found = judged_hours(
        hours.sample(fraction=1, shuffle=True, seed=3), settings_of({"point_id": "P1"}, {"point_id": "P2"})
    )
    assert found.equals(hours.filter(business_date=DAY).sort("point_id", "measured_at"))


def test_the_committed_pairs_are_in_force():
    from lakehouse.reference import seed_rows

    pairs = seed_rows("rule_vital_consistencies")
    assert ("ENV-AQ-06", "ENV-AQ-05", 1.05) in pairs.select("smaller_vital", "larger_vital", "largest_ratio").rows()
