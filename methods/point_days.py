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
