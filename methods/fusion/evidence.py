"""Signs of one event from several observers, each right and wrong in its own way, become one probability."""

from __future__ import annotations

from datetime import date

import polars as pl

from lakehouse.settings import PARK_TIME_ZONE
from methods.fusion.rules import UTC, FusionError, FusionSettings, by_settings, in_force, promised

EVIDENCE: dict[str, pl.DataType] = {
    "subject_id": pl.String(),
    "judged_at": UTC,
    "evidence_code": pl.String(),
    "source_id": pl.String(),
    "is_positive": pl.Boolean(),
}
_SEED = "rule_evidence_rates"
_SUBJECT = ["subject_id", "judged_at"]


def combined_evidence(evidence: pl.DataFrame, rates: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Add up the log-odds of independent pieces of evidence.

    Source: safety reference 4.6 (Bayes' rule in log-odds): L = L0 + Σ ln(TPR/FPR) where a sign was seen, and
    Σ ln((1 − TPR)/(1 − FPR)) where an observer looked and saw none; probability = 1/(1 + e^−L).

    Args:
        evidence: one row per subject, moment of judgement, kind and observer: `subject_id`, `judged_at` (UTC),
            `evidence_code`, `source_id`, `is_positive` (null: it did not look, which says nothing). One observer's
            repeated reports are not independent: hand over its newest.
        rates: seed rule_evidence_rates, all editions: evidence_code, true_positive_rate, false_positive_rate, dated.
        rules: seed rule_fusion_settings (prior_probability), all editions.

    Returns:
        One row per subject and moment, sorted: subject_id, judged_at, log_odds, probability, evidence_used,
        evidence_silent (did not look), evidence_unknown (no rate in force for its kind; it changes nothing).

    Raises:
        FusionError: the frame does not have the promised shape, or a rate has no meaning.
    """
    key = ("subject_id", "judged_at", "evidence_code", "source_id")
    ordered = promised(evidence, EVIDENCE, "evidence", key)
    parts = [
        _combined(by_day, _rates_on(rates, day), settings)
        for part, settings in by_settings(ordered, "judged_at", rules)
        for day, by_day in _days(part)
    ]
    return pl.concat(parts).sort(_SUBJECT)


def _combined(evidence: pl.DataFrame, rates: pl.DataFrame, settings: FusionSettings) -> pl.DataFrame:
    seen, unseen = (pl.col(name) for name in ("true_positive_rate", "false_positive_rate"))
    weight = pl.when("is_positive").then((seen / unseen).log()).otherwise(((1 - seen) / (1 - unseen)).log())
    is_known, has_looked = seen.is_not_null(), pl.col("is_positive").is_not_null()
    prior = pl.lit(settings.prior_probability)
    return (
        evidence.join(rates, on="evidence_code", how="left", maintain_order="left")
        .group_by(_SUBJECT, maintain_order=True)
        .agg(
            ((prior / (1 - prior)).log() + pl.when(is_known & has_looked).then(weight).sum()).alias("log_odds"),
            (is_known & has_looked).sum().cast(pl.Int32).alias("evidence_used"),
            (~has_looked).sum().cast(pl.Int32).alias("evidence_silent"),
            (~is_known).sum().cast(pl.Int32).alias("evidence_unknown"),
        )
        .select(
            *_SUBJECT,
            "log_odds",
            (1 / (1 + (-pl.col("log_odds")).exp())).alias("probability"),
            pl.col("evidence_used", "evidence_silent", "evidence_unknown"),
        )
    )


def _rates_on(rates: pl.DataFrame, day: date) -> pl.DataFrame:
    columns = ("evidence_code", "true_positive_rate", "false_positive_rate")
    held = in_force(rates, day, _SEED, columns).select(
        "evidence_code", *(pl.col(name).cast(pl.Float64) for name in columns[1:])
    )
    possible = pl.all_horizontal(pl.col(name).is_between(0, 1, closed="none") for name in columns[1:])
    wrong = held.filter(~possible.fill_null(value=False) | pl.col("evidence_code").is_duplicated())
    if not wrong.is_empty():
        raise FusionError(
            f"seed {_SEED}: on {day} {wrong['evidence_code'][0]} needs one row with both rates between 0 and 1, never "
            "0 or 1 themselves (nobody is always right); correct the row"
        )
    return held


def _days(evidence: pl.DataFrame) -> list[tuple[date, pl.DataFrame]]:
    """Cut evidence by Asia/Shanghai day of its judgement; an empty frame stays in one piece."""
    day = pl.col("judged_at").dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date()
    days: list[date] = evidence.select(day.unique().sort()).to_series().to_list()
    return [(single, evidence.filter(day == single)) for single in days] or [(date.min, evidence)]
