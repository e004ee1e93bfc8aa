"""What each point is judged by: its register entry, its vital, and the quality rule in force, in canonical units."""

from __future__ import annotations

from datetime import date

import polars as pl

RULE_COLUMNS: dict[str, pl.DataType] = {
    "vital_prefix": pl.String(),
    "is_fail_safe": pl.Boolean(),
    **dict.fromkeys(("late_after_s", "clock_ahead_s", "oldest_days", "gap_periods"), pl.Float64()),
    **dict.fromkeys(("rate_limit_per_min", "rate_sigma_factor", "spike_floor", "spike_mad_factor"), pl.Float64()),
    **dict.fromkeys(("flat_tolerance", "flat_suspect_min", "flat_fail_min", "flat_exempt_below"), pl.Float64()),
    **dict.fromkeys(("flat_least_periods", "unit_jump_tolerance", "usual_range_factor"), pl.Float64()),
    **dict.fromkeys(("attenuated_suspect_share", "attenuated_fail_share"), pl.Float64()),
    **dict.fromkeys(("drift_sigma_factor", "drift_hours"), pl.Float64()),
    **dict.fromkeys(("zero_drift_suspect_share", "zero_drift_fail_share", "neighbour_sigma_factor"), pl.Float64()),
    **dict.fromkeys(("baseline_days", "baseline_least_days"), pl.Int64()),
}
RANGES = ("range_low", "range_high", "operating_low", "operating_high")


class QualityRuleError(ValueError):
    """The rules, vitals or conversions do not say what a point needs; the message names seed and remedy."""


def rules_on(rules: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the quality rules in force on a business date, the one with the longest prefix first.

    Raises:
        QualityRuleError: a column is missing, or two rows of one prefix are in force, or there is no general row.
    """
    absent = sorted({*RULE_COLUMNS, "valid_from", "valid_to"} - set(rules.columns))
    if absent:
        raise QualityRuleError(f"seed rule_quality_tests: column {', '.join(absent)} is missing; add it to the header")
    held = (
        rows_in_force(rules, day)
        .select(pl.col(name).cast(data_type) for name, data_type in RULE_COLUMNS.items())
        .with_columns(pl.col("vital_prefix").fill_null(""))
    )
    if held["vital_prefix"].is_duplicated().any() or "" not in held["vital_prefix"]:
        raise QualityRuleError(
            f"seed rule_quality_tests: on {day} a prefix has two rows, or the general row (empty prefix) is missing; "
            "correct valid_from and valid_to"
        )
    return held.sort(pl.col("vital_prefix").str.len_chars(), descending=True)


def point_settings(
    points: pl.DataFrame, vitals: pl.DataFrame, rules: pl.DataFrame, conversions: pl.DataFrame, day: date
) -> pl.DataFrame:
    """Return one row per point with everything its readings are judged by on a business date.

    Args:
        points: the register: point_id, vital_code, unit, period_s, accuracy, range_low, range_high, operating_low,
            operating_high (in `unit`, null where not registered), redundancy_group, object_id, data_origin.
        vitals: the catalogue: vital_code, canonical_unit, period_s, resample_method, minimum_valid_share, dated.
        rules: seed rule_quality_tests, all editions.
        conversions: seed ref_unit_conversions, all editions: source_unit, canonical_unit, factor, offset, dated.
        day: business date (Asia/Shanghai) of the readings.

    Returns:
        Sorted by point_id: point_id, vital_code, canonical_unit, period_s, resample_method, minimum_valid_share,
        accuracy and the four limits of range in the canonical unit, redundancy_group, object_id, and the columns of
        the rule (the minutes of T08 are at least the rule's number of periods). Without a vital in the catalogue the
        registered unit stands as it is and the general rule holds.

    Raises:
        QualityRuleError: the rules of the day contradict each other.
    """
    held = rules_on(rules, day)
    prefix = pl.coalesce(
        pl.when(pl.col("vital_code").fill_null("").str.starts_with(prefix)).then(pl.lit(prefix))
        for prefix in held["vital_prefix"]
    )
    known = rows_in_force(vitals, day).select(
        "vital_code", "canonical_unit", "resample_method", "minimum_valid_share", vital_period_s="period_s"
    )
    scales = conversions_on(conversions, day)
    registered = (
        points.select(
            "point_id",
            "vital_code",
            "unit",
            "redundancy_group",
            "object_id",
            *(pl.col(name).cast(pl.Float64) for name in ("period_s", "accuracy", *RANGES)),
        )
        .unique("point_id", keep="last")
        .join(known, on="vital_code", how="left")
    )
    unit = pl.coalesce("canonical_unit", "unit")
    scaled = registered.with_columns(canonical_unit=unit).join(
        scales, left_on=["unit", "canonical_unit"], right_on=["source_unit", "canonical_unit"], how="left"
    )
    is_own = pl.col("unit") == pl.col("canonical_unit")  # a unit without any row is still itself
    factor = pl.when(is_own).then(1.0).otherwise("factor")
    offset = pl.when(is_own).then(0.0).otherwise("offset")
    return (
        scaled.with_columns(
            *(_usable(name).mul(factor).add(offset).alias(name) for name in RANGES),
            accuracy=pl.col("accuracy") * factor.abs(),
            period_s=pl.coalesce("period_s", "vital_period_s").fill_null(60.0).clip(lower_bound=1.0),
            resample_method=pl.col("resample_method").fill_null("mean"),
            minimum_valid_share=pl.col("minimum_valid_share").cast(pl.Float64).fill_null(0.75),
            vital_prefix=prefix,
        )
        .rename({"unit": "registered_unit"})
        .drop("vital_period_s", "factor", "offset")
        .join(held, on="vital_prefix", how="left")
        .with_columns(_least_runs())
        .sort("point_id")
    )


def _least_runs() -> list[pl.Expr]:
    """Return the minutes of T08, no fewer than the rule's number of periods: two equal hours are no flat line."""
    suspect, fail = pl.col("flat_suspect_min"), pl.col("flat_fail_min")
    least = pl.col("flat_least_periods") * pl.col("period_s") / 60
    longer = pl.max_horizontal(suspect, least)
    return [
        pl.when(suspect.is_not_null()).then(longer).alias("flat_suspect_min"),
        pl.when(fail.is_not_null()).then(fail * longer / suspect).alias("flat_fail_min"),
    ]


def _usable(name: str) -> pl.Expr:
    """Return an end of a range, null where the register has the ends the wrong way round: it would fail every value.

    The indicator audit reports such an entry; until it is mended the test does not apply.
    """
    kind, _ = name.split("_")
    low, high = pl.col(f"{kind}_low"), pl.col(f"{kind}_high")
    return pl.when((low < high) | low.is_null() | high.is_null()).then(pl.col(name))


def conversions_on(conversions: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return source_unit, canonical_unit, factor, offset in force on a business date."""
    held = rows_in_force(conversions, day).select(
        "source_unit", "canonical_unit", pl.col("factor").cast(pl.Float64), pl.col("offset").cast(pl.Float64)
    )
    if held.select("source_unit", "canonical_unit").is_duplicated().any():
        raise QualityRuleError(
            f"seed ref_unit_conversions: on {day} a pair of units has two rows; correct valid_from and valid_to"
        )
    return held


def rows_in_force(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the dated rows that hold on a business date (valid_from included, valid_to not)."""
    start, end = pl.col("valid_from").cast(pl.Date), pl.col("valid_to").cast(pl.Date)
    return rows.filter((start.is_null() | (start <= day)) & (end.is_null() | (end > day)))
