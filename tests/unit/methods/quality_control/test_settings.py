"""What a point is judged by: register entry, vital and rule of the day, in canonical units."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from methods.quality_control.settings import QualityRuleError, conversions_on, point_settings, rules_on
from tests.unit.methods.quality_control.conftest import DAY, Looks, judged, point, reading, received

REGISTER_TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("point_id", "vital_code", "unit", "redundancy_group", "object_id"), pl.String()),
    **dict.fromkeys(("period_s", "accuracy", "range_low", "range_high"), pl.Float64()),
    **dict.fromkeys(("operating_low", "operating_high"), pl.Float64()),
}
VITALS = pl.DataFrame(
    {
        "vital_code": ["SAF-TK-02", "SAF-TK-03", "SAF-TK-03"],
        "canonical_unit": ["kPa", "K", "degC"],
        "resample_method": ["mean", "mean", "last"],
        "minimum_valid_share": [0.75, 0.75, 0.5],
        "period_s": [60, 60, 300],
        "valid_from": [None, None, date(2026, 6, 2)],
        "valid_to": [None, date(2026, 6, 2), None],
    }
)
CONVERSIONS = pl.DataFrame(
    {
        "source_unit": ["MPa", "K", "kPa"],
        "canonical_unit": ["kPa", "degC", "kPa"],
        "factor": [1000.0, 1.0, 1.0],
        "offset": [0.0, -273.15, 0.0],
    }
).with_columns(valid_from=pl.lit(None, pl.Date), valid_to=pl.lit(None, pl.Date))


def registered(**columns: object) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(REGISTER_TYPES) | {"point_id": "P1"} | columns], schema=REGISTER_TYPES)


def settings(quality_rules: pl.DataFrame, day: date = DAY, **columns: object) -> dict[str, Any]:
    return point_settings(registered(**columns), VITALS, quality_rules, CONVERSIONS, day).row(0, named=True)


def test_ranges_and_accuracy_come_into_the_canonical_unit(quality_rules: pl.DataFrame):
    found = settings(
        quality_rules,
        vital_code="SAF-TK-02",
        unit="MPa",
        range_low=0.0,
        range_high=2.5,
        operating_high=1.5,
        accuracy=0.01,
    )
    assert found["canonical_unit"] == "kPa"
    names = ("range_low", "range_high", "operating_low", "operating_high", "accuracy")
    assert [found[name] for name in names] == [0.0, 2500.0, None, 1500.0, 10.0]


def test_an_offset_moves_ranges_and_leaves_the_accuracy(quality_rules: pl.DataFrame):
    found = settings(quality_rules, vital_code="SAF-TK-03", unit="K", range_low=273.15, range_high=473.15, accuracy=0.5)
    assert (found["range_low"], found["range_high"], found["accuracy"]) == (0.0, 200.0, 0.5)


def test_the_vital_of_the_day_counts(quality_rules: pl.DataFrame):
    before = settings(quality_rules, date(2026, 6, 1), vital_code="SAF-TK-03", unit="K")
    after = settings(quality_rules, vital_code="SAF-TK-03", unit="K")
    names = ("canonical_unit", "resample_method", "minimum_valid_share", "period_s")
    assert [before[name] for name in names] == ["K", "mean", 0.75, 60.0]
    assert [after[name] for name in names] == ["degC", "last", 0.5, 300.0]


def test_the_registered_period_counts_before_the_vital_s_and_is_at_least_a_second(quality_rules: pl.DataFrame):
    assert settings(quality_rules, vital_code="SAF-TK-03", unit="K", period_s=10.0)["period_s"] == 10.0
    assert settings(quality_rules, vital_code="SAF-TK-03", unit="K", period_s=0.1)["period_s"] == 1.0
    assert settings(quality_rules, unit="K")["period_s"] == 60.0


@pytest.mark.parametrize(
    ("vital_code", "prefix"),
    [("SAF-GS-01", "SAF-GS"), ("SAF-GS-03", "SAF-GS-03"), ("ENV-ME-01", "ENV-ME-01"), ("SAF-PR-01", ""), (None, "")],
)
def test_the_longest_prefix_gives_the_rule(quality_rules: pl.DataFrame, vital_code: str | None, prefix: str):
    assert settings(quality_rules, vital_code=vital_code)["vital_prefix"] == prefix


@pytest.mark.parametrize("unit", ["kPa", "furlong"])
def test_without_a_vital_the_registered_unit_and_its_ranges_stand_as_they_are(quality_rules: pl.DataFrame, unit: str):
    found = settings(quality_rules, unit=unit, range_low=1.0, range_high=2.0, accuracy=0.5)
    assert (found["canonical_unit"], found["range_low"], found["range_high"], found["accuracy"]) == (
        unit,
        1.0,
        2.0,
        0.5,
    )
    assert (found["resample_method"], found["minimum_valid_share"]) == ("mean", 0.75)


def test_a_registered_unit_that_cannot_be_converted_leaves_no_range(quality_rules: pl.DataFrame):
    found = settings(quality_rules, vital_code="SAF-TK-02", unit="degC", range_low=1.0, range_high=2.0, accuracy=0.5)
    assert (found["canonical_unit"], found["range_low"], found["range_high"], found["accuracy"]) == (
        "kPa",
        None,
        None,
        None,
    )


@pytest.mark.parametrize("kind", ["range", "operating"])
@pytest.mark.parametrize(("low", "high"), [(100.0, 0.0), (5.0, 5.0)])
def test_ends_the_wrong_way_round_are_no_range(quality_rules: pl.DataFrame, kind: str, low: float, high: float):
    other = "operating" if kind == "range" else "range"
    ends = {f"{kind}_low": low, f"{kind}_high": high, f"{other}_low": -50.0, f"{other}_high": 50.0}
    found = settings(quality_rules, unit="kPa", **ends)
    assert (found[f"{kind}_low"], found[f"{kind}_high"]) == (None, None)
    assert (found[f"{other}_low"], found[f"{other}_high"]) == (-50.0, 50.0)


def test_a_point_with_its_range_the_wrong_way_round_does_not_fail_every_value(quality_rules: pl.DataFrame):
    turned = registered(unit="kPa", range_low=100.0, range_high=0.0)
    found = point_settings(turned, VITALS, quality_rules, CONVERSIONS, DAY)
    assert Looks.of(judged(received(reading(0, 50.0)), found)).final == [2]
    assert Looks.of(judged(received(reading(0, 50.0)), point(range_low=0.0, range_high=40.0))).final == [4]


def test_one_end_alone_is_kept(quality_rules: pl.DataFrame):
    found = settings(quality_rules, unit="kPa", range_high=10.0, operating_low=1.0)
    assert [found[f"{kind}_{end}"] for kind in ("range", "operating") for end in ("low", "high")] == [
        None,
        10.0,
        1.0,
        None,
    ]


def test_points_come_sorted_and_once(quality_rules: pl.DataFrame):
    register = pl.concat([registered(point_id=name, unit="kPa") for name in ("P3", "P1", "P2", "P1")])
    assert point_settings(register, VITALS, quality_rules, CONVERSIONS, DAY)["point_id"].to_list() == ["P1", "P2", "P3"]


def test_a_rule_ends_with_its_day(quality_rules: pl.DataFrame):
    general = pl.col("vital_prefix").fill_null("") == ""
    stricter = quality_rules.filter(general).with_columns(
        valid_from=pl.lit(DAY), flat_suspect_min=pl.lit(20), valid_to=None
    )
    closed = quality_rules.with_columns(valid_to=pl.when(general).then(pl.lit(DAY)).otherwise(pl.lit(None, pl.Date)))
    rules = pl.concat([closed, stricter], how="vertical_relaxed")
    assert settings(rules, date(2026, 6, 1))["flat_suspect_min"] == 30.0
    assert settings(rules)["flat_suspect_min"] == 20.0


@pytest.mark.parametrize(
    ("period_s", "suspect", "fail"),
    [(10.0, 30.0, 120.0), (150.0, 30.0, 120.0), (300.0, 60.0, 240.0), (3600.0, 720.0, 2880.0)],
)
def test_a_flat_line_is_at_least_twelve_periods_long(
    quality_rules: pl.DataFrame, period_s: float, suspect: float, fail: float
):
    found = settings(quality_rules, unit="kPa", period_s=period_s)
    assert (found["flat_suspect_min"], found["flat_fail_min"]) == (suspect, fail)
    gas = settings(quality_rules, vital_code="SAF-GS-01", period_s=period_s)
    assert (gas["flat_suspect_min"], gas["flat_fail_min"]) == (None, None)


def test_contradicting_rules_are_refused_with_their_seed(quality_rules: pl.DataFrame):
    with pytest.raises(QualityRuleError, match=r"rule_quality_tests.*two rows"):
        rules_on(pl.concat([quality_rules, quality_rules.head(1)]), DAY)
    with pytest.raises(QualityRuleError, match="general row"):
        rules_on(quality_rules.filter(pl.col("vital_prefix") != ""), DAY)
    with pytest.raises(QualityRuleError, match="column spike_floor"):
        rules_on(quality_rules.drop("spike_floor"), DAY)
    with pytest.raises(QualityRuleError, match="ref_unit_conversions"):
        conversions_on(pl.concat([CONVERSIONS, CONVERSIONS.head(1)]), DAY)


def test_of_the_committed_rules_gas_alone_is_fail_safe(quality_rules: pl.DataFrame):
    held = rules_on(quality_rules, DAY)
    assert set(held.filter("is_fail_safe")["vital_prefix"]) == {"SAF-GS", "SAF-GS-03"}
    assert held.height == quality_rules.height
