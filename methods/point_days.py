"""Judged hours and the counts of readings become one row per point and business date."""

from __future__ import annotations

import polars as pl

from methods.resampling import SPECIAL_MEANS

COUNTS = (
    *("readings_expected", "readings_received", "readings_passed", "readings_suspect", "readings_failed"),
    *("readings_missing", "readings_late", "readings_superseded", "minutes_online", "offline_episodes"),
)


def day_values(hours: pl.DataFrame, settings: pl.DataFrame) -> pl.DataFrame:
    """Average the valid hours of each point by business date.

    Args:
        hours: judged hours: point_id, measured_at, business_date, value_mean, value_min, value_max, value_last,
            is_valid.
        settings: the rows of `point_settings`: point_id, canonical_unit, resample_method.

    Returns:
        point_id, business_date, value_mean (levels and states: the last valid one), value_min, value_max, value_last,
        unit, valid_hours. Without a valid hour the mean is null; the extremes also stand on hours that are not valid,
        because a true alarm may be all that an hour has.
    """
    method = hours.join(
        settings.select(pl.col("point_id"), "resample_method", "canonical_unit"), on="point_id", how="left"
    ).sort("point_id", "measured_at")
    value = pl.col("value_mean").filter(pl.col("is_valid"))
    asked = pl.col("resample_method").first()
    mean = value.mean()
    for name, own in {"last": value.last(), **{name: of(value) for name, of in SPECIAL_MEANS.items()}}.items():
        mean = pl.when(asked == name).then(own).otherwise(mean)
    return method.group_by("point_id", "business_date", maintain_order=True).agg(
        value_mean=mean,
        value_min=pl.col("value_min").min(),
        value_max=pl.col("value_max").max(),
        value_last=pl.col("value_last").drop_nulls().last(),
        unit=pl.col("canonical_unit").first(),
        valid_hours=pl.col("is_valid").sum().cast(pl.Int32),
    )


def days_of_points(values: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Join what a day's hours say of each point with what became of its readings."""
    kept = counts.select(
        "point_id",
        "business_date",
        *(pl.col(name).cast(pl.Int64) for name in COUNTS),
        "last_measured_at",
        "last_received_at",
        "data_origin",
    )
    return kept.join(values, on=["point_id", "business_date"], how="left").sort("point_id")


def heard_most(hours: pl.DataFrame) -> pl.DataFrame:
    """Keep one row per point and hour: of a point that speaks in another zone than its own, the one that heard most.

    Args:
        hours: point_id, measured_at, zone_id and the counts of minutes, of all zones.
    """
    heard = pl.sum_horizontal("valid_minutes", "suspect_minutes", "failed_minutes")
    return (
        hours.with_columns(_heard=heard)
        .sort("point_id", "measured_at", "_heard", "zone_id")
        .unique(["point_id", "measured_at"], keep="last", maintain_order=True)
        .drop("_heard")
    )


def added_up(counts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per point and day: what two zones count of a point is added up, except what it owes.

    Args:
        counts: the rows of the table of days of all zones: point_id, business_date, the counts, when it was last heard,
            data_origin.
    """
    if not counts.select("point_id", "business_date").is_duplicated().any():
        return counts
    owed = ("readings_expected", "minutes_online", "offline_episodes")
    sums = [pl.col(name).max() if name in owed else pl.col(name).sum() for name in COUNTS if name != "readings_missing"]
    return (
        counts.group_by("point_id", "business_date", maintain_order=True)
        .agg(
            *sums,
            pl.col("last_measured_at", "last_received_at").max(),
            pl.col("data_origin").max(),  # measured < replayed < simulated: the weakest
        )
        .with_columns(readings_missing=(pl.col("readings_expected") - pl.col("readings_received")).clip(lower_bound=0))
    )
