"""T08: a value that does not move, causally from the n-th minute on, finally from its beginning."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from methods.quality_control.judgement import tails_frame
from methods.quality_control.settings import point_settings
from tests.unit.methods.quality_control.conftest import DAY, Looks, at, judged, minutes, point, reading, received

FLAT: dict[str, Any] = {"flat_tolerance": 0.0, "flat_suspect_min": 30.0, "flat_fail_min": 120.0}


def looks(rows: pl.DataFrame, settings: pl.DataFrame, **memory: pl.DataFrame) -> Looks:
    return Looks.of(judged(rows, settings, **memory))


def test_thirty_minutes_are_suspect_and_two_hours_fail():
    found = looks(minutes([5.0] * 130), point(**FLAT))
    assert found.causal == [1] * 30 + [3] * 90 + [4] * 10
    assert found.final == [4] * 130
    assert found.causal_tests[29:31] == ["", "08"]


@pytest.mark.parametrize(("readings", "flag"), [(30, 1), (31, 3), (120, 3), (121, 4)])
def test_the_whole_stretch_is_held_against_in_the_end(readings: int, flag: int):
    found = looks(minutes([4.0, *[5.0] * readings, 6.0]), point(**FLAT))
    assert found.final == [1, *[flag] * readings, 1]


def test_a_step_larger_than_the_tolerance_ends_the_stretch():
    tolerant = point(**FLAT | {"flat_tolerance": 0.125})
    wobble = [5.0, 5.125] * 20
    assert looks(minutes(wobble), tolerant).final == [3] * 40
    assert looks(minutes([*wobble[:20], 5.5, *wobble[20:]]), tolerant).final == [1] * 41


def test_silence_longer_than_three_periods_ends_the_stretch():
    def two_halves(gap: int) -> pl.DataFrame:
        return received(*(reading(minute, 5.0) for minute in (*range(20), *range(19 + gap, 39 + gap))))

    assert looks(two_halves(3), point(**FLAT)).final == [3] * 40
    assert looks(two_halves(4), point(**FLAT)).final == [1] * 40


def test_gas_at_zero_may_stand_still_and_gas_elsewhere_may_not():
    exempt = point(**FLAT, flat_exempt_below=0.5)
    assert looks(minutes([0.0] * 40), exempt).final == [1] * 40
    assert looks(minutes([0.5] * 40), exempt).final == [1] * 40
    assert looks(minutes([0.75] * 40), exempt).final == [3] * 40


def test_a_fail_safe_point_that_stands_still_fails_like_any_other():
    assert looks(minutes([5.0] * 121), point(**FLAT, is_fail_safe=True)).final == [4] * 121


@pytest.mark.parametrize("absent", ["flat_tolerance", "flat_suspect_min"])
def test_without_its_numbers_the_test_does_not_apply(absent: str):
    assert looks(minutes([5.0] * 130), point(**FLAT | {absent: None})).final == [1] * 130


def test_a_stretch_that_never_fails_stays_suspect():
    assert looks(minutes([5.0] * 130), point(**FLAT | {"flat_fail_min": None})).final == [3] * 130


def test_the_stretch_goes_on_over_midnight():
    settings = point(**FLAT)
    yesterday = judged(minutes([5.0] * 20, first=-20), settings)
    tails = tails_frame(yesterday.tails, settings)
    assert tails["causal_flat_since"].to_list() == [at(-20)]
    found = looks(minutes([5.0] * 20 + [6.0]), settings, tails=tails)
    assert found.causal == [1] * 10 + [3] * 10 + [1]  # thirty minutes at ten past midnight
    assert found.final == [3] * 20 + [1]
    assert looks(minutes([5.0] * 20), settings).final == [1] * 20


def test_a_change_at_midnight_begins_a_new_stretch():
    settings = point(**FLAT)
    tails = tails_frame(judged(minutes([5.0] * 60, first=-60), settings).tails, settings)
    assert looks(minutes([6.0] * 20), settings, tails=tails).final == [1] * 20


def test_the_committed_rules_exempt_gas_and_give_tanks_time(quality_rules: pl.DataFrame):
    names = {"G1": "SAF-GS-01", "L1": "SAF-TK-01", "T1": "SAF-PR-01"}
    register = pl.DataFrame(
        {
            "point_id": list(names),
            "vital_code": list(names.values()),
            "unit": ["kPa"] * 3,
            "range_low": [0.0] * 3,
            "range_high": [100.0] * 3,
        }
    ).with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in ("period_s", "accuracy", "operating_low", "operating_high")),
        *(pl.lit(None, pl.String).alias(name) for name in ("redundancy_group", "object_id")),
    )
    vitals = pl.DataFrame(
        schema={
            "vital_code": pl.String,
            "canonical_unit": pl.String,
            "resample_method": pl.String,
            "minimum_valid_share": pl.Float64,
            "period_s": pl.Float64,
            "valid_from": pl.Date,
            "valid_to": pl.Date,
        }
    )
    same = pl.DataFrame(
        {"source_unit": ["kPa"], "canonical_unit": ["kPa"], "factor": [1.0], "offset": [0.0]}
    ).with_columns(valid_from=pl.lit(None, pl.Date), valid_to=pl.lit(None, pl.Date))
    settings = point_settings(register, vitals, quality_rules, same, DAY)

    hours = {"G1": 23, "L1": 7, "T1": 1}
    rows = received(*(reading(m, 5.0, point_id_iot=name) for name, h in hours.items() for m in range(60 * h + 1)))
    piece = judged(rows, settings)
    found = Looks.of(piece).final
    flags = {
        name: {f for f, c in zip(found, piece.arrangement.series.codes, strict=True) if c == k}
        for k, name in enumerate(names)
    }
    assert flags == {"G1": {1}, "L1": {3}, "T1": {3}}  # 23 h of gas, 7 h of level (6 h), 1 h of temperature (30 min)
