"""Data quality for the steward: what waits in quarantine, counted by reason, loaded into the warehouse.

It runs in the job that builds and publishes, before dbt: rows are put aside while sources land and while methods work,
and all of that is over by then. The counts are replaced as a whole, so a row that found its way is gone from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from ingestion import quarantine
from ingestion.source_file import Source, load_sources
from lakehouse.warehouse import Role, Warehouse
from orchestration.assets.vitals import silver_readings
from orchestration.platform import Platform
from orchestration.telemetry.pieces import TREATMENTS

REASON_COUNTS = "quarantine__reason_counts"
KEY = ["raw", REASON_COUNTS]
COLUMNS: dict[str, pl.DataType] = {
    "source": pl.String(),
    "stream": pl.String(),
    "source_title": pl.String(),
    "stream_title": pl.String(),
    "reason_code": pl.String(),
    "reason": pl.String(),
    "remedy": pl.String(),
    "rows_waiting": pl.Int64(),
    "deliveries_waiting": pl.Int64(),
    "first_loaded_at": pl.Datetime("us", "UTC"),
    "last_loaded_at": pl.Datetime("us", "UTC"),
    "example_uri": pl.String(),
    "example_row_number": pl.Int64(),
    "example_finding": pl.String(),
}
_GROUP = ("source", "stream", "reason_code")
_SHOWN = ("source_title", "stream_title", "reason", "rows_waiting", "deliveries_waiting", "example_uri")


def reason_counts(waiting: pl.DataFrame, sources: Mapping[str, Source]) -> pl.DataFrame:
    """Count what waits by source, stream and reason.

    Args:
        waiting: open rows of the quarantine (`ingestion.quarantine.SCHEMA`); a null row number is a whole delivery.
        sources: the source files by name, for the titles; a source that is gone is called by its name.

    Returns:
        One row per source, stream and reason in the columns of `COLUMNS`, most rows first. `reason` and `remedy` are
        today's sentences of the closed list; `example_*` is the newest row, `example_finding` what was found there.
    """
    is_delivery = pl.col("_row_number").is_null()
    newest_last = waiting.sort("_loaded_at", "_source_uri", "_row_number", nulls_last=True)
    counted = newest_last.group_by(_GROUP, maintain_order=True).agg(
        rows_waiting=(~is_delivery).sum(),
        deliveries_waiting=is_delivery.sum(),
        first_loaded_at=pl.col("_loaded_at").min(),
        last_loaded_at=pl.col("_loaded_at").max(),
        example_uri=pl.col("_source_uri").last(),
        example_row_number=pl.col("_row_number").last(),
        example_finding=pl.col("reason").last(),
        remedy_then=pl.col("remedy").last(),
    )
    streams = [(source, name) for source in sources.values() for name in source.streams]
    titles = pl.DataFrame(
        [(s.source, name, s.title.zh, s.streams[name].title.zh) for s, name in streams],
        schema=["source", "stream", "source_title", "stream_title"],
        orient="row",
    )
    words = pl.DataFrame(
        [(reason.code, reason.text, reason.remedy) for reason in quarantine.REASONS.values()],
        schema=["reason_code", "reason", "remedy"],
        orient="row",
    )
    named = counted.join(titles, on=["source", "stream"], how="left").join(words, on="reason_code", how="left")
    shown = named.with_columns(
        pl.coalesce("source_title", "source").alias("source_title"),
        pl.coalesce("stream_title", "stream").alias("stream_title"),
        pl.coalesce("reason", "example_finding").alias("reason"),
        pl.coalesce("remedy", "remedy_then").alias("remedy"),
    )
    order = pl.col("rows_waiting") + pl.col("deliveries_waiting")
    return shown.sort(order, *_GROUP, descending=[True, False, False, False]).select(
        pl.col(name).cast(data_type) for name, data_type in COLUMNS.items()
    )


def ensure_quality_tables(warehouse: Warehouse) -> None:
    """Make the table of counts, empty, where it does not stand yet: dbt builds before anything was put aside."""
    standing = warehouse.read(Role.LOADER, "select to_regclass(%s) is not null as stands", (f"raw.{REASON_COUNTS}",))
    if not standing.item():
        warehouse.replace_pieces(REASON_COUNTS, pl.DataFrame(schema=COLUMNS))


@dg.asset(
    key=KEY,
    deps=[
        *(["bronze", source.slug(name)] for source in load_sources().values() for name in source.streams),
        silver_readings,  # methods put aside what they do not know: stations, points, units
        ["silver", TREATMENTS],
    ],
    group_name="quality",
    kinds={"postgres"},
    owners=["team:data"],
    description=(
        "隔离区待处理数据：按来源、数据流和原因计数，附补救办法。"
        "What waits in quarantine, counted by source, stream and reason, with the way back."
    ),
)
def quarantine_reason_counts(platform: Platform) -> dg.MaterializeResult[Any]:
    """Replace the counts by those of now."""
    counts = reason_counts(quarantine.open_rows(platform.lake), load_sources())
    with platform.warehouse() as warehouse:
        warehouse.replace_pieces(REASON_COUNTS, counts)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": counts.height,
            "rows_waiting": int(counts["rows_waiting"].sum()),
            "deliveries_waiting": int(counts["deliveries_waiting"].sum()),
            "reasons": dg.MetadataValue.md(_table(counts)),
        }
    )


def quality_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of this room."""
    return [quarantine_reason_counts]


def _table(counts: pl.DataFrame) -> str:
    """Return the counts as the table that a steward reads on the asset's page."""
    if counts.is_empty():
        return "隔离区没有待处理的数据。"
    lines = ["| 来源 | 数据流 | 原因 | 待处理行 | 整份交付 | 例 |", "|---|---|---|---:|---:|---|"]
    cells = counts.select(pl.col(_SHOWN).cast(pl.String).fill_null("").str.replace_all("|", "\\|", literal=True))
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells.iter_rows())])
