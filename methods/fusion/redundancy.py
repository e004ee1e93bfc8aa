"""Several points that measure one quantity become one value with its standard uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from methods.fusion.rules import UTC, FusionError, FusionSettings, by_settings, promised
from methods.quality_control.scheme import Flag

READINGS: dict[str, pl.DataType] = {
    "redundancy_group": pl.String(),
    "fused_at": UTC,
    "point_id": pl.String(),
    "measured_at": UTC,
    "value": pl.Float64(),
    "accuracy": pl.Float64(),
    "residual": pl.Float64(),
    "flag": pl.Int64(),
    "hazard_direction": pl.String(),
}
HAZARD_DIRECTIONS = ("high", "low")
_MOMENT = ["redundancy_group", "fused_at"]


@dataclass(frozen=True)
class Fused:
    """What fusion made of a frame.

    Attributes:
        values: one row per redundancy_group and fused_at, sorted by both: value, standard_uncertainty (unit of the
            value; both null where nothing could be used), flag (QARTOD: 1, 3 where a suspect source or a conflict is
            in it, 9 missing), sources_used, sources_dropped, is_in_conflict, has_hazardous_outlier (a source was
            rejected on the dangerous side: worth a look, it may be the only one near the leak).
        treatments: one row per source that did not enter as it came, sorted by group, moment and point: point_id,
            measured_at, value, effect (dropped, suspected) and reason_code (no_value, flag, from_future, stale,
            uncertainty_unknown, outlier, pair_conflict).
    """

    values: pl.DataFrame
    treatments: pl.DataFrame


def fused_points(readings: pl.DataFrame, rules: pl.DataFrame) -> Fused:
    """Fuse the sources of each group at each moment.

    Source: safety reference 4.6; the weighted mean and its uncertainty are those of independent measurements (GUM
    (JCGM 100:2008), 5.1): x̂ = Σ(xᵢ/σᵢ²) / Σ(1/σᵢ²), σ̂² = 1/Σ(1/σᵢ²). With the steps, in this order:

    1. A source enters with a number, a usable flag, an age Δt from 0 to the age limit, and an uncertainty
       σᵢ² = accuracy² + residual². Where no source of the moment has an uncertainty they weigh alike, and the result
       has none either.
    2. With enough sources, those further from the median than outlier_factor · mad_to_sigma · MAD are rejected,
       unless they lie within outlier_floor_sigmas of their own σᵢ.
    3. Where two are left that differ by more than pair_factor · √(σ₁² + σ₂²), both are suspect and the safer one, the
       one on the dangerous side, is the value.
    4. An older reading weighs less by exp(−Δt/τ), which is the same as σᵢ² · exp(Δt/τ): a single source passes
       through unchanged with that uncertainty.

    Args:
        readings: one row per group, moment and source: `redundancy_group`, `fused_at` (UTC, the moment of the fused
            value), `point_id`, `measured_at` (UTC, of the source), `value`, `accuracy` (standard, from the
            certificate), `residual` (rolling, null counts as 0), `flag` (QARTOD) and `hazard_direction` of the vital
            (high: more is more dangerous; low: less is). All values of a group in one unit. A source that was silent
            is a row with a null value; a moment at which no source has a row is not known here.
        rules: seed rule_fusion_settings, all editions; those in force at `fused_at` decide.

    Raises:
        FusionError: the frame does not have the promised shape, or the rules do not say what a day needs.
    """
    ordered = promised(readings, READINGS, "fusion", ("redundancy_group", "fused_at", "point_id"))
    strange = ordered.filter(~pl.col("hazard_direction").is_in(HAZARD_DIRECTIONS).fill_null(value=False))
    if not strange.is_empty():
        group, direction = strange.select("redundancy_group", "hazard_direction").row(0)
        raise FusionError(
            f"fusion: group {group} has the hazard direction {direction!r}; give high or low, which value is dangerous"
        )
    parts = [_fused(part, settings) for part, settings in by_settings(ordered, "fused_at", rules)]
    return Fused(
        pl.concat(part.values for part in parts).sort(_MOMENT),
        pl.concat(part.treatments for part in parts).sort(*_MOMENT, "point_id"),
    )


def _fused(readings: pl.DataFrame, settings: FusionSettings) -> Fused:
    """Fuse moments that the same settings judge; every column with two underscores belongs to this calculation."""
    sources = _in_agreement(_without_outliers(_admitted(readings, settings), settings), settings)
    is_used = pl.col("__reason").is_null() | pl.col("__effect").eq_missing("suspected")
    weight = pl.when(is_used).then(1 / pl.col("__aged_variance"))
    value, is_in_conflict = pl.when(is_used).then("value"), pl.col("__is_conflict").any()
    mean = ((weight * value).sum() / weight.sum()).clip(value.min(), value.max())  # never outside, not by a last digit
    worst = pl.when(is_used).then("flag").max()
    values = (
        sources.group_by(_MOMENT, maintain_order=True)
        .agg(
            mean.alias("value"),
            pl.when(pl.col("__has_uncertainty").any()).then((1 / weight.sum()).sqrt()).alias("standard_uncertainty"),
            pl.when(is_in_conflict | (worst > Flag.PASS)).then(int(Flag.SUSPECT)).otherwise(worst).alias("flag"),
            is_used.sum().cast(pl.Int32).alias("sources_used"),
            (~is_used).sum().cast(pl.Int32).alias("sources_dropped"),
            is_in_conflict.alias("is_in_conflict"),
            pl.col("__is_hazardous_outlier").any().alias("has_hazardous_outlier"),
        )
        .with_columns(
            *(
                pl.when((pl.col("sources_used") > 0) & pl.col(name).is_finite()).then(name).alias(name)
                for name in ("value", "standard_uncertainty")
            )
        )
        .with_columns(
            pl.when(pl.col("value").is_null()).then(int(Flag.MISSING)).otherwise("flag").cast(pl.Int64).alias("flag")
        )
    )
    treatments = sources.filter(pl.col("__reason").is_not_null()).select(
        *_MOMENT,
        "point_id",
        "measured_at",
        "value",
        pl.col("__effect").fill_null("dropped").alias("effect"),
        pl.col("__reason").alias("reason_code"),
    )
    return Fused(values, treatments)


def _admitted(readings: pl.DataFrame, settings: FusionSettings) -> pl.DataFrame:
    """Add __reason (why a source may not enter), __variance, __aged_variance and __has_uncertainty (of the moment)."""
    age_s = (pl.col("fused_at") - pl.col("measured_at")).dt.total_microseconds() / 1_000_000
    variance = pl.col("accuracy").pow(2) + pl.col("residual").fill_null(0.0).pow(2)
    aged = (age_s / settings.age_constant_s).exp()
    judged = readings.with_columns(
        pl.when(~pl.col("value").is_finite().fill_null(value=False))
        .then(pl.lit("no_value"))
        .when(~pl.col("flag").is_in(settings.usable_flags).fill_null(value=False))
        .then(pl.lit("flag"))
        .when((age_s < 0).fill_null(value=False))
        .then(pl.lit("from_future"))
        .when((age_s > settings.age_limit_s).fill_null(value=True))
        .then(pl.lit("stale"))
        .alias("__reason"),
        pl.when(variance.is_finite() & (variance > 0)).then(variance).alias("__variance"),
    )
    has_uncertainty = (pl.col("__reason").is_null() & pl.col("__variance").is_not_null()).any().over(_MOMENT)
    return judged.with_columns(has_uncertainty.alias("__has_uncertainty")).with_columns(
        pl.when(pl.col("__reason").is_null() & pl.col("__has_uncertainty") & pl.col("__variance").is_null())
        .then(pl.lit("uncertainty_unknown"))
        .otherwise("__reason")
        .alias("__reason"),
        pl.when("__has_uncertainty").then(pl.col("__variance") * aged).otherwise(aged).alias("__aged_variance"),
    )


def _without_outliers(sources: pl.DataFrame, settings: FusionSettings) -> pl.DataFrame:
    """Name the sources that the others contradict."""
    entering = pl.when(pl.col("__reason").is_null()).then("value")
    deviation = (entering - entering.median().over(_MOMENT)).alias("__deviation")
    measured = sources.with_columns(deviation, entering.count().over(_MOMENT).alias("__entering"))
    spread = settings.outlier_factor * settings.mad_to_sigma * pl.col("__deviation").abs().median().over(_MOMENT)
    own = settings.outlier_floor_sigmas * pl.col("__variance").sqrt().fill_null(0.0)
    tolerance = pl.max_horizontal(spread, own)
    is_outlier = (
        (pl.col("__entering") >= settings.outlier_least_sources)
        & (tolerance > 0)
        & (pl.col("__deviation").abs() > tolerance)
    ).fill_null(value=False)
    is_hazardous = (
        pl.when(pl.col("hazard_direction") == "high")
        .then(pl.col("__deviation") > 0)
        .otherwise(pl.col("__deviation") < 0)
    )
    return measured.with_columns(
        (is_outlier & is_hazardous).alias("__is_hazardous_outlier"),
        pl.when(is_outlier).then(pl.lit("outlier")).otherwise("__reason").alias("__reason"),
    )


def _in_agreement(sources: pl.DataFrame, settings: FusionSettings) -> pl.DataFrame:
    """Add __is_conflict (of the moment) and __effect; of two that contradict each other keep the dangerous value."""
    entering, variance = (pl.when(pl.col("__reason").is_null()).then(name) for name in ("value", "__variance"))
    reach = settings.pair_factor * variance.sum().sqrt()
    is_conflict = (entering.count() == 2) & (variance.count() == 2) & (entering.max() - entering.min() > reach)
    safer = pl.when(pl.col("hazard_direction").first() == "high").then(entering.max()).otherwise(entering.min())
    in_conflict = sources.with_columns(is_conflict.over(_MOMENT).alias("__is_conflict")).with_columns(
        (pl.col("__is_conflict") & pl.col("__reason").is_null()).alias("__contradicts"),
        safer.over(_MOMENT).alias("__safer"),
    )
    return in_conflict.with_columns(
        pl.when(pl.col("__contradicts") & (pl.col("value") == pl.col("__safer")))
        .then(pl.lit("suspected"))
        .alias("__effect"),
        pl.when("__contradicts").then(pl.lit("pair_conflict")).otherwise("__reason").alias("__reason"),
    )
