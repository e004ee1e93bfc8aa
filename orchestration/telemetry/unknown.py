"""Readings that no register entry or conversion covers: they go to quarantine, each with its stream."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ingestion import quarantine
from lakehouse.lake import Lake
from orchestration.telemetry.streams import ReadingStream

RECORD = ("point_id_iot", "measured_at", "value", "unit", "source_flag")


def set_aside(lake: Lake, streams: Sequence[ReadingStream], label: str, unknown: pl.DataFrame) -> int:
    """Put readings of one business date into quarantine and return how many were not there yet.

    Args:
        lake: the lake.
        streams: the streams that they may have come by.
        label: partition label of the date.
        unknown: rows of `PieceOutcome.unknown`.
    """
    if unknown.is_empty():
        return 0
    found = unknown.with_columns(record=pl.struct(RECORD).struct.json_encode())
    added = 0
    for stream in streams:
        if not lake.exists(stream.table):
            continue
        rows = lake.scan(stream.table, stream.partitions(label))
        files = rows.select("_source_uri", "_loaded_at", "_digest").unique().collect()
        own = found.join(files, on=["_source_uri", "_loaded_at"])
        for (loaded_at,), part in own.group_by("_loaded_at"):
            refused = quarantine.quarantined(
                part,
                source=stream.source,
                stream=stream.name,
                loaded_at=loaded_at,
                nothing_landed=False,
            )
            added += quarantine.add(lake, refused)
    return added
