"""The scalar filter: steps by hand, gaps, restarts, and that pieces give what the whole gives."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.fusion import FusionError, tracked_points
from methods.fusion.tracking import READINGS, STATE

START = datetime(2026, 3, 1, tzinfo=UTC)


def readings(*rows: dict[str, Any]) -> pl.DataFrame:
    """Readings of D001 at 1 min; accuracy 2, passed. Process noise is then (0.1·2)² = 0.04, measurement noise 4."""
    usual = {"point_id": "D001", "accuracy": 2.0, "residual": 0.0, "flag": 1}
    return pl.DataFrame(
        [usual | {"measured_at": START + timedelta(minutes=number)} | row for number, row in enumerate(rows)],
        schema=READINGS,
    )


def test_three_steps_by_hand(rules: pl.DataFrame):
    result = tracked_points(readings({"value": 10.0}, {"value": 13.0}, {"value": 13.0}), rules)
    # P 4 → 4.04, K = 4.04/8.04, x = 10 + 3K, P = 4.04·(1 − K); then once more.
    gain = 4.04 / 8.04
    estimate, variance = 10 + 3 * gain, 4.04 * (1 - gain)
    second = (variance + 0.04) / (variance + 4.04)
    rows = result.estimates.rows(named=True)
    assert [row["estimate"] for row in rows] == pytest.approx([10, estimate, estimate + second * (13 - estimate)])
    assert [row["gain"] for row in rows] == pytest.approx([1, gain, second])
    assert [row["innovation"] for row in rows[1:]] == pytest.approx([3, 13 - estimate])
    assert rows[0]["innovation"] is None
    assert rows[0]["standard_uncertainty"] == 2.0
    assert rows[2]["standard_uncertainty"] == pytest.approx(math.sqrt((variance + 0.04) * (1 - second)))


@pytest.mark.parametrize(
    "unusable", [{"value": None}, {"value": math.nan}, {"value": 99.0, "flag": 4}, {"value": 99.0, "flag": 2}]
)
def test_without_a_usable_reading_only_the_uncertainty_grows(rules: pl.DataFrame, unusable: dict[str, Any]):
    rows = tracked_points(readings(unusable, {"value": 10.0}, unusable), rules).estimates.rows(named=True)
    assert (rows[0]["estimate"], rows[0]["standard_uncertainty"], rows[0]["is_observed"]) == (None, None, False)
    assert (rows[2]["estimate"], rows[2]["gain"], rows[2]["is_observed"]) == (10.0, None, False)
    assert rows[2]["standard_uncertainty"] == pytest.approx(math.sqrt(4.04))


def test_after_a_long_silence_it_starts_anew(rules: pl.DataFrame):
    first, second = {"value": 10.0}, {"value": 50.0}
    for minutes, expected in [(30, 10 + 40 * 4.04 / 8.04), (31, 50.0)]:
        later = {**second, "measured_at": START + timedelta(minutes=minutes)}
        assert tracked_points(readings(first, later), rules).estimates["estimate"][1] == pytest.approx(expected)


def test_points_do_not_touch_each_other(rules: pl.DataFrame):
    both = readings({"value": 10.0}, {"value": 13.0}, {"value": 500.0, "point_id": "D002"}, {"value": 13.0})
    alone = both.filter(pl.col("point_id") == "D001")
    found = tracked_points(both, rules).estimates.filter(pl.col("point_id") == "D001")
    assert found.equals(tracked_points(alone, rules).estimates)


def test_a_late_reading_is_refused_because_it_needs_a_replay(rules: pl.DataFrame):
    rows = readings({"value": 1.0}, {"value": 2.0})
    state = tracked_points(rows, rules).state
    with pytest.raises(FusionError, match="replay"):
        tracked_points(rows.tail(1), rules, state)


def test_an_empty_piece_leaves_the_state_as_it_was(rules: pl.DataFrame):
    state = tracked_points(readings({"value": 1.0}, {"value": None, "point_id": "D002"}), rules).state
    after = tracked_points(readings(), rules, state)
    assert after.state.equals(state)
    assert after.estimates.is_empty()
    assert after.state.schema == STATE
    assert state.row(1, named=True)["estimate"] is None


@settings(deadline=None)
@given(
    values=st.lists(
        st.tuples(
            st.sampled_from(["D001", "D002", "D003"]),
            st.one_of(st.none(), st.floats(-1e3, 1e3)),
            st.sampled_from([1, 3, 4]),
            st.integers(1, 40),
        ),
        min_size=1,
        max_size=25,
    ),
    cuts=st.lists(st.integers(0, 25), max_size=3),
)
def test_a_replay_in_pieces_equals_the_whole(
    rules: pl.DataFrame, values: list[tuple[str, float | None, int, int]], cuts: list[int]
):
    at, rows = START, []
    for point, value, flag, minutes in values:
        at += timedelta(minutes=minutes)
        rows.append({"point_id": point, "value": value, "flag": flag, "measured_at": at})
    whole = tracked_points(readings(*rows), rules)
    state, parts = None, []
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    for start, end in pairwise(ends):
        piece = tracked_points(readings(*rows[start:end]), rules, state)
        state, parts = piece.state, [*parts, piece.estimates]
    assert pl.concat(parts).sort("point_id", "measured_at").equals(whole.estimates)
    assert state is not None
    assert state.equals(whole.state)
