"""Hours of redundant points become one hour of their quantity."""

from __future__ import annotations

import polars as pl

from methods.fusion.redundancy import fused_points

FUSED_COLUMNS = (
    *("redundancy_group", "measured_at", "business_date", "zone_id", "vital_code", "object_id", "unit", "value"),
    *("standard_uncertainty", "flag_final", "sources_used", "sources_dropped", "is_in_conflict"),
    *("has_hazardous_outlier", "dropped_sources", "data_origin"),
)


def fused_hours(
    hours: pl.DataFrame, settings: pl.DataFrame, directions: pl.DataFrame, rules: pl.DataFrame
) -> pl.DataFrame:
    """Fuse the hourly means of the points of each redundancy group.

    Args:
        hours: judged hours of one business date: point_id, measured_at, business_date, zone_id, value_mean,
            flag_final, unit, data_origin.
        settings: the rows of `point_settings`: point_id, vital_code, object_id, redundancy_group, accuracy (taken as
            standard uncertainty; the hour's own scatter is in the mean already).
        directions: rows of rule_hazard_directions in force: vital_prefix, hazard_direction.
        rules: rule_fusion_settings, all editions.

    Returns:
        The columns of `FUSED_COLUMNS`, one row per group and hour: `value` with its `standard_uncertainty`, how many
        sources stand behind it, and which were left out and why (`dropped_sources`: point and reason, by commas).
    """
    grouped = settings.filter(pl.col("redundancy_group").is_not_null()).select(
        "point_id", "vital_code", "object_id", "redundancy_group", "accuracy", _direction(directions)
    )
    sources = hours.join(grouped, on="point_id").with_columns(
        fused_at=pl.col("measured_at"),
        value=pl.col("value_mean"),
        flag=pl.col("flag_final").cast(pl.Int64),
        residual=pl.lit(None, pl.Float64),
    )
    fused = fused_points(sources, rules)
    dropped = (
        fused.treatments.filter(pl.col("effect") == "dropped")
        .with_columns(said=pl.concat_str("point_id", pl.lit(" "), "reason_code"))
        .group_by("redundancy_group", "fused_at")
        .agg(dropped_sources=pl.col("said").str.join(","))
    )
    described = sources.group_by("redundancy_group", "fused_at").agg(
        *(pl.col(name).sort_by("point_id").first() for name in ("business_date", "zone_id", "vital_code", "object_id")),
        pl.col("unit").sort_by("point_id").first(),
        pl.col("data_origin").max(),  # measured < replayed < simulated: the weakest
    )
    keys = ["redundancy_group", "fused_at"]
    joined = fused.values.join(dropped, on=keys, how="left").join(described, on=keys, how="left")
    renamed = joined.rename({"fused_at": "measured_at", "flag": "flag_final"})
    return renamed.select(FUSED_COLUMNS).sort("redundancy_group", "measured_at")


def _direction(directions: pl.DataFrame) -> pl.Expr:
    """Return the dangerous side of each point's vital: the row with the longest prefix of its code decides."""
    ordered = directions.with_columns(pl.col("vital_prefix").fill_null("")).sort(
        pl.col("vital_prefix").str.len_chars(), descending=True
    )
    code = pl.col("vital_code").fill_null("")
    return pl.coalesce(
        pl.when(code.str.starts_with(prefix)).then(pl.lit(direction))
        for prefix, direction in ordered.select("vital_prefix", "hazard_direction").iter_rows()
    ).alias("hazard_direction")
