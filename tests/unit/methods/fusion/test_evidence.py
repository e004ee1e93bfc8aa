"""Evidence added up in log-odds; probabilities computed with odds by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.fusion import FusionError, combined_evidence
from methods.fusion.evidence import EVIDENCE

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)


def evidence(*pieces: tuple[str, bool | None], subject: str = "T-01") -> pl.DataFrame:
    rows = [
        {
            "subject_id": subject,
            "judged_at": NOON,
            "evidence_code": code,
            "source_id": f"S{number}",
            "is_positive": seen,
        }
        for number, (code, seen) in enumerate(pieces)
    ]
    return pl.DataFrame(rows, schema=EVIDENCE)


def judged(rates: pl.DataFrame, rules: pl.DataFrame, *pieces: tuple[str, bool | None]) -> dict[str, Any]:
    return combined_evidence(evidence(*pieces), rates, rules).row(0, named=True)


@pytest.mark.parametrize(
    ("pieces", "odds"),
    [
        # Prior 0.01: odds 1/99. A patrol that sees it: times 0.9/0.05 = 18.
        ([("patrol", True)], 18 / 99),
        # One that sees nothing: times 0.1/0.95.
        ([("patrol", False)], 0.1 / 0.95 / 99),
        # Gas 0.95/0.03 and flame 0.85/0.1.
        ([("gas_alarm", True), ("flame_video", True)], 0.95 / 0.03 * 8.5 / 99),
        ([("gas_alarm", True), ("flame_video", False)], 0.95 / 0.03 * (0.15 / 0.9) / 99),
    ],
)
def test_odds_multiply(rates: pl.DataFrame, rules: pl.DataFrame, pieces: list[tuple[str, bool | None]], odds: float):
    found = judged(rates, rules, *pieces)
    assert found["probability"] == pytest.approx(odds / (1 + odds))
    assert found["evidence_used"] == len(pieces)


def test_who_did_not_look_and_who_is_unknown_change_nothing_and_are_counted(rates: pl.DataFrame, rules: pl.DataFrame):
    found = judged(rates, rules, ("patrol", True), ("flame_video", None), ("dowsing_rod", True))
    assert found["probability"] == pytest.approx(18 / 99 / (1 + 18 / 99))
    assert (found["evidence_used"], found["evidence_silent"], found["evidence_unknown"]) == (1, 1, 1)
    nothing = judged(rates, rules, ("dowsing_rod", True))
    assert nothing["probability"] == pytest.approx(0.01)


@pytest.mark.parametrize("rate", [0.0, 1.0, None])
def test_nobody_is_always_right(rates: pl.DataFrame, rules: pl.DataFrame, rate: float | None):
    wrong = pl.when(pl.col("evidence_code") == "patrol").then(rate).otherwise("true_positive_rate")
    with pytest.raises(FusionError, match="patrol"):
        combined_evidence(evidence(("patrol", True)), rates.with_columns(true_positive_rate=wrong), rules)


def test_an_empty_frame_keeps_its_columns(rates: pl.DataFrame, rules: pl.DataFrame):
    full = combined_evidence(evidence(("patrol", True)), rates, rules)
    empty = combined_evidence(evidence(), rates, rules)
    assert empty.is_empty()
    assert empty.schema == full.schema


@settings(deadline=None)
@given(
    pieces=st.lists(
        st.tuples(st.sampled_from(["patrol", "flame_video", "gas_alarm"]), st.booleans()), min_size=1, max_size=6
    )
)
def test_a_further_sighting_never_lowers_the_probability(
    rates: pl.DataFrame, rules: pl.DataFrame, pieces: list[tuple[str, bool]]
):
    before = judged(rates, rules, *pieces)["probability"]
    assert judged(rates, rules, *pieces, ("patrol", True))["probability"] >= before
    assert judged(rates, rules, *pieces, ("patrol", False))["probability"] <= before
    assert judged(rates, rules, *reversed(pieces))["log_odds"] == pytest.approx(
        judged(rates, rules, *pieces)["log_odds"]
    )
