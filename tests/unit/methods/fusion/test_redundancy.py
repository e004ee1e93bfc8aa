"""Redundant points: weights, outliers, contradictions, age, gaps; numbers computed by hand."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from methods.fusion import Fused, FusionError, fused_points
from methods.fusion.redundancy import READINGS

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
FIRST_OF_APRIL = date(2026, 4, 1)


def frame(*sources: dict[str, Any], group: str = "G1", at: datetime = NOON) -> pl.DataFrame:
    """Sources of one group at one moment; what a source does not say is usual: certain to 1, passed, just measured."""
    rows = [
        {
            "redundancy_group": group,
            "fused_at": at,
            "point_id": f"D{number:03d}",
            "measured_at": at - timedelta(seconds=source.pop("age", 0)),
            "accuracy": 1.0,
            "residual": 0.0,
            "flag": 1,
            "hazard_direction": "high",
        }
        | source
        for number, source in enumerate(({**source} for source in sources), 1)
    ]
    return pl.DataFrame(rows, schema=READINGS)


def one(fused: Fused) -> dict[str, Any]:
    return fused.values.row(0, named=True)


def reasons(fused: Fused) -> dict[str, tuple[str, str]]:
    return {row["point_id"]: (row["effect"], row["reason_code"]) for row in fused.treatments.iter_rows(named=True)}


def test_the_more_certain_source_weighs_more(rules: pl.DataFrame):
    # σ 1 and 2: weights 1 and 1/4, (10 + 12/4) / 1.25 = 10.4, σ = √(1/1.25).
    fused = one(fused_points(frame({"value": 10.0}, {"value": 12.0, "accuracy": 2.0}), rules))
    assert fused["value"] == pytest.approx(10.4)
    assert fused["standard_uncertainty"] == pytest.approx(math.sqrt(0.8))
    assert (fused["flag"], fused["sources_used"], fused["sources_dropped"]) == (1, 2, 0)
    assert not fused["is_in_conflict"]


def test_the_residual_adds_to_the_accuracy(rules: pl.DataFrame):
    # 3² + 4² = 25: weights 1 and 1/25, (10 + 11/25) / 1.04.
    fused = one(fused_points(frame({"value": 10.0}, {"value": 11.0, "accuracy": 3.0, "residual": 4.0}), rules))
    assert fused["value"] == pytest.approx(10.44 / 1.04)
    assert fused["standard_uncertainty"] == pytest.approx(1 / math.sqrt(1.04))


def test_a_source_far_from_the_others_is_rejected_before_fusing(rules: pl.DataFrame):
    # Median 10.1, deviations 0.1 0 0.1 0 9.9: MAD 0.1, tolerance 3·1.4826·0.1 = 0.44, and 0.2 of their own.
    values = [10.0, 10.1, 10.2, 10.1, 20.0]
    result = fused_points(frame(*({"value": value, "accuracy": 0.2} for value in values)), rules)
    fused = one(result)
    assert fused["value"] == pytest.approx(10.1)
    assert fused["standard_uncertainty"] == pytest.approx(0.1)
    assert (fused["sources_used"], fused["sources_dropped"]) == (4, 1)
    assert fused["has_hazardous_outlier"]
    assert reasons(result) == {"D005": ("dropped", "outlier")}


@pytest.mark.parametrize(("direction", "expected"), [("high", False), ("low", True)])
def test_which_side_of_an_outlier_is_dangerous_depends_on_the_vital(
    rules: pl.DataFrame, direction: str, expected: bool
):
    sources = [{"value": value, "hazard_direction": direction} for value in (20.0, 20.5, 21.0, 2.0)]
    assert one(fused_points(frame(*sources), rules))["has_hazardous_outlier"] is expected


def test_a_difference_within_its_own_uncertainty_is_no_outlier(rules: pl.DataFrame):
    # Two alike make the MAD zero; the third is half a σ away.
    fused = one(fused_points(frame({"value": 5.0}, {"value": 5.0}, {"value": 5.5}), rules))
    assert (fused["value"], fused["sources_used"]) == (pytest.approx(31 / 6), 3)
    far = fused_points(frame({"value": 5.0}, {"value": 5.0}, {"value": 6.5}), rules)
    assert one(far)["value"] == pytest.approx(5.0)
    assert reasons(far) == {"D003": ("dropped", "outlier")}


@pytest.mark.parametrize(("direction", "expected", "kept"), [("high", 20.0, "D002"), ("low", 15.0, "D001")])
def test_of_two_that_contradict_each_other_the_dangerous_one_counts(
    rules: pl.DataFrame, direction: str, expected: float, kept: str
):
    # Reach: 3·√(1 + 0.25) = 3.35.
    sources = [{"value": 15.0}, {"value": 20.0, "accuracy": 0.5}]
    result = fused_points(frame(*({**source, "hazard_direction": direction} for source in sources)), rules)
    fused = one(result)
    assert fused["value"] == expected
    assert fused["standard_uncertainty"] == pytest.approx(1.0 if kept == "D001" else 0.5)
    assert (fused["flag"], fused["sources_used"], fused["sources_dropped"]) == (3, 1, 1)
    assert fused["is_in_conflict"]
    dropped = ({"D001", "D002"} - {kept}).pop()
    assert reasons(result) == {kept: ("suspected", "pair_conflict"), dropped: ("dropped", "pair_conflict")}


def test_two_within_reach_are_fused(rules: pl.DataFrame):
    for difference, is_in_conflict in [(3 * math.sqrt(2) - 1e-9, False), (3 * math.sqrt(2) + 1e-9, True)]:
        fused = one(fused_points(frame({"value": 0.0}, {"value": difference}), rules))
        assert fused["is_in_conflict"] is is_in_conflict


def test_two_left_after_a_rejection_may_contradict_each_other_too(rules: pl.DataFrame):
    # Median 10, MAD 10, tolerance 44: 1000 goes; 0 and 10 are further apart than 4.2.
    result = fused_points(frame({"value": 0.0}, {"value": 10.0}, {"value": 1000.0}), rules)
    assert one(result)["value"] == 10.0
    assert reasons(result)["D003"] == ("dropped", "outlier")
    assert reasons(result)["D002"] == ("suspected", "pair_conflict")


def test_an_older_reading_weighs_less(rules: pl.DataFrame):
    # After the time constant of 300 s the weight is 1/e: (10 + 12/e) / (1 + 1/e).
    fused = one(fused_points(frame({"value": 10.0}, {"value": 12.0, "age": 300}), rules))
    share = math.exp(-1)
    assert fused["value"] == pytest.approx((10 + 12 * share) / (1 + share))
    assert fused["standard_uncertainty"] == pytest.approx(1 / math.sqrt(1 + share))


def test_a_single_source_passes_through(rules: pl.DataFrame):
    fused = one(fused_points(frame({"value": 0.1, "accuracy": 0.3}), rules))
    assert (fused["value"], fused["sources_used"], fused["flag"]) == (0.1, 1, 1)
    assert fused["standard_uncertainty"] == pytest.approx(0.3)
    aged = one(fused_points(frame({"value": 0.1, "accuracy": 0.3, "age": 600}), rules))
    assert aged["value"] == 0.1
    assert aged["standard_uncertainty"] == pytest.approx(0.3 * math.e)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"value": None}, "no_value"),
        ({"value": math.nan}, "no_value"),
        ({"value": math.inf}, "no_value"),
        ({"value": 1.0, "flag": 4}, "flag"),
        ({"value": 1.0, "flag": 2}, "flag"),
        ({"value": 1.0, "flag": 9}, "flag"),
        ({"value": 1.0, "flag": None}, "flag"),
        ({"value": 1.0, "age": -1}, "from_future"),
        ({"value": 1.0, "age": 901}, "stale"),
        ({"value": 1.0, "measured_at": None}, "stale"),
    ],
)
def test_what_may_not_enter_leaves_a_gap_never_a_zero(rules: pl.DataFrame, source: dict[str, Any], reason: str):
    result = fused_points(frame(source), rules)
    fused = one(result)
    assert (fused["value"], fused["standard_uncertainty"]) == (None, None)
    assert (fused["flag"], fused["sources_used"], fused["sources_dropped"]) == (9, 0, 1)
    assert reasons(result) == {"D001": ("dropped", reason)}
    beside = fused_points(frame(source, {"value": 7.0}), rules)
    assert (one(beside)["value"], one(beside)["sources_used"]) == (7.0, 1)


def test_a_suspect_source_makes_the_result_suspect(rules: pl.DataFrame):
    fused = one(fused_points(frame({"value": 10.0}, {"value": 10.2, "flag": 3}), rules))
    assert (fused["value"], fused["flag"]) == (pytest.approx(10.1), 3)


def test_a_source_without_uncertainty_enters_only_where_none_has_one(rules: pl.DataFrame):
    mixed = fused_points(frame({"value": 10.0}, {"value": 11.0, "accuracy": None}), rules)
    assert one(mixed)["value"] == 10.0
    assert reasons(mixed) == {"D002": ("dropped", "uncertainty_unknown")}
    none = one(fused_points(frame({"value": 10.0, "accuracy": None}, {"value": 11.0, "accuracy": 0.0}), rules))
    assert (none["value"], none["standard_uncertainty"], none["sources_used"]) == (10.5, None, 2)


def test_each_group_and_moment_stands_alone(rules: pl.DataFrame):
    later = NOON + timedelta(minutes=1)
    whole = pl.concat(
        [
            frame({"value": 1.0}, {"value": 3.0}),
            frame({"value": 50.0}, group="G2"),
            frame({"value": None}, {"value": 5.0}, at=later),
        ]
    )
    values = fused_points(whole, rules).values
    assert values.select("redundancy_group", "fused_at", "value").rows() == [
        ("G1", NOON, 2.0),
        ("G1", later, 5.0),
        ("G2", NOON, 50.0),
    ]


def test_the_rule_of_the_day_decides(rules: pl.DataFrame):
    old = pl.col("setting_code") == "pair_factor"
    closed = rules.with_columns(
        pl.when(old).then(FIRST_OF_APRIL).otherwise(pl.col("valid_to").cast(pl.Date)).alias("valid_to")
    )
    stricter = rules.filter(old).with_columns(
        pl.lit(1.0).alias("setting_value"),
        pl.lit(FIRST_OF_APRIL).alias("valid_from"),
        pl.lit(None, pl.Date).alias("valid_to"),
    )
    dated = pl.concat([closed, stricter], how="vertical_relaxed")
    last_of_march = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)
    pair = [{"value": 0.0}, {"value": 2.0}]  # √2 = 1.41 apart at factor 1, 4.2 at factor 3
    whole = pl.concat([frame(*pair, at=last_of_march), frame(*pair, at=last_of_march + timedelta(minutes=1))])
    assert fused_points(whole, dated).values["is_in_conflict"].to_list() == [False, True]


def test_what_cannot_be_fused_is_refused_with_a_sentence(rules: pl.DataFrame):
    good = frame({"value": 1.0}, {"value": 2.0})
    with pytest.raises(FusionError, match="accuracy is missing"):
        fused_points(good.drop("accuracy"), rules)
    with pytest.raises(FusionError, match="more than once"):
        fused_points(pl.concat([good, good]), rules)
    with pytest.raises(FusionError, match="high or low"):
        fused_points(good.with_columns(hazard_direction=pl.lit(None, pl.String)), rules)
    with pytest.raises(FusionError, match="UTC"):
        fused_points(good.with_columns(pl.col("fused_at").dt.replace_time_zone(None)), rules)
    with pytest.raises(FusionError, match="pair_factor needs one row"):
        fused_points(good, rules.filter(pl.col("setting_code") != "pair_factor"))


def test_an_empty_frame_keeps_its_columns(rules: pl.DataFrame):
    empty, full = (fused_points(rows, rules) for rows in (frame(), frame({"value": 1.0}, {"value": None})))
    assert empty.values.schema == full.values.schema
    assert empty.treatments.schema == full.treatments.schema
    assert empty.values.is_empty()


SOURCES = st.lists(
    st.fixed_dictionaries(
        {
            "value": st.one_of(st.none(), st.floats(-1e6, 1e6)),
            "accuracy": st.one_of(st.none(), st.floats(1e-3, 1e3)),
            "residual": st.one_of(st.none(), st.floats(0, 10)),
            "flag": st.sampled_from([1, 1, 1, 3, 4, 9]),
            "age": st.integers(0, 1000),
        }
    ),
    min_size=1,
    max_size=7,
)


@settings(deadline=None)
@given(sources=SOURCES, data=st.data())
def test_the_order_of_sources_does_not_matter(rules: pl.DataFrame, sources: list[dict[str, Any]], data: st.DataObject):
    rows = frame(*sources)
    other = rows[data.draw(st.permutations(range(rows.height)))]
    before, after = fused_points(rows, rules), fused_points(other, rules)
    assert before.values.equals(after.values)
    assert before.treatments.equals(after.treatments)


@settings(deadline=None)
@given(sources=SOURCES)
def test_fusing_is_never_less_certain_than_the_best_source_and_stays_among_them(
    rules: pl.DataFrame, sources: list[dict[str, Any]]
):
    rows = frame(*sources)
    result = fused_points(rows, rules)
    fused = one(result)
    left_out = [point for point, (effect, _) in reasons(result).items() if effect == "dropped"]
    used = rows.filter(~pl.col("point_id").is_in(pl.Series(left_out, dtype=pl.String).implode())).with_columns(
        age=(pl.col("fused_at") - pl.col("measured_at")).dt.total_seconds()
    )
    assert fused["sources_used"] == used.height
    assert fused["sources_used"] + fused["sources_dropped"] == rows.height
    if not used.height:
        assert fused["value"] is None
        return
    assert used["value"].min() <= fused["value"] <= used["value"].max()
    if fused["standard_uncertainty"] is not None:
        singly = [
            math.sqrt(row["accuracy"] ** 2 + (row["residual"] or 0) ** 2) * math.exp(row["age"] / 600)
            for row in used.iter_rows(named=True)
        ]
        assert fused["standard_uncertainty"] <= min(singly) * (1 + 1e-12)


@settings(deadline=None)
@given(sources=SOURCES, flag=st.sampled_from([2, 4, 9]), value=st.floats(-1e6, 1e6))
def test_adding_a_failed_source_changes_nothing(
    rules: pl.DataFrame, sources: list[dict[str, Any]], flag: int, value: float
):
    before = fused_points(frame(*sources), rules).values.drop("sources_dropped")
    after = fused_points(frame(*sources, {"value": value, "flag": flag}), rules).values.drop("sources_dropped")
    assert_frame_equal(before, after, rel_tol=1e-12, abs_tol=0)  # exp may round differently in a longer column
