"""The dated rows that judged a figure: edition, clause and period of validity."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from lakehouse.reference import SEEDS, seed_rows
from orchestration.trace.steps import Step, Target

STANDARD_COLUMNS = ("standard_code", "limit_standard_code")
VALUES = (
    *("pollutant_code", "averaging_period", "zone_class", "limit_value", "unit", "aqi_low", "aqi_high"),
    *("concentration_low", "concentration_high", "aqi_level_name", "statistic_code", "minimum_count"),
)
PERIODS = {"hourly": ("1h", "24h"), "latest": ("1h", "24h"), "daily": ("24h", "8h")}
"""Averaging periods an index of each cadence draws on; the hourly one judges particles by their 24-hour columns."""


def rule_steps(target: Target, row: dict[str, Any]) -> list[Step]:
    """Return one step per standard's seed with the rows that were in force for this figure."""
    day = target.day()
    codes = {str(row[name]) for name in STANDARD_COLUMNS if row.get(name)}
    if day is None or not codes:
        return []
    steps = []
    for path in sorted((SEEDS / "standards").glob("std_*.csv")):
        rows = _in_force(seed_rows(path.stem), day).filter(pl.col("standard_code").is_in(codes))
        rows = _about(rows, target, row)
        lines = [_sentence(record) for record in rows.iter_rows(named=True)]
        if lines:
            steps.append(Step("规则", f"reference.{path.stem}（{day} 有效的行）", lines))
    return steps


def _sentence(record: dict[str, Any]) -> str:
    values = "，".join(f"{name}={record[name]}" for name in VALUES if record.get(name) is not None)
    until = record["valid_to"] or "今"
    mark = f"；出处 {record['source_mark']}" if record.get("source_mark") else ""
    return (
        f"{record['standard_code']}（{record.get('clause') or '—'}）：{values}；{record['valid_from']} 至 {until}{mark}"
    )


def _in_force(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    dates = rows.with_columns(pl.col("valid_from", "valid_to").cast(pl.Date))
    started = pl.col("valid_from").is_null() | (pl.col("valid_from") <= day)
    return dates.filter(started & (pl.col("valid_to").is_null() | (pl.col("valid_to") > day)))


def _about(rows: pl.DataFrame, target: Target, row: dict[str, Any]) -> pl.DataFrame:
    """Keep the rows that speak of the figure: its pollutant, averaging period, limit, and segment of its value."""
    column, cadence = target.column, target.mart.rpartition("_")[2]
    if "averaging_period" in rows.columns and cadence in PERIODS:
        rows = rows.filter(pl.col("averaging_period").is_in(PERIODS[cadence]))
    if "report_code" in rows.columns:
        rows = rows.filter(report_code="daily" if cadence == "daily" else "hourly")
    if "statistic_code" in rows.columns and cadence != "daily":
        return rows.clear()
    if "limit_value" in rows.columns:
        limits = [value for name, value in row.items() if "_limit_" in name and isinstance(value, float)]
        rows = rows.filter(pl.col("limit_value").cast(pl.Float64).is_in(limits))
    if "pollutant_code" in rows.columns:
        codes = rows["pollutant_code"].unique().to_list()
        own = [code for code in codes if column.startswith(f"{code}_")]
        primary = str(row.get("primary_pollutants") or "").split(",")
        rows = rows.filter(pl.col("pollutant_code").is_in(own or [code for code in codes if code in primary]))
    value = row.get(column)
    segment = ("concentration_low", "concentration_high")
    if set(segment) <= set(rows.columns) and isinstance(value, int | float) and column != "aqi":
        low, high = (pl.col(name).cast(pl.Float64) for name in segment)
        rows = rows.filter((low < value) & (high >= value))
    if "aqi_level" in rows.columns and row.get("aqi_level") is not None:
        rows = rows.filter(pl.col("aqi_level") == row["aqi_level"])
    return rows
