"""Readings that no register entry or conversion covers: they go to quarantine, and are settled once one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ingestion import quarantine
from lakehouse.lake import Lake
from orchestration.telemetry.pieces import PieceJob
from orchestration.telemetry.streams import ReadingStream

POSITION = ("_source_uri", "_row_number")
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


def waiting(lake: Lake, streams: Sequence[ReadingStream]) -> dict[str, pl.DataFrame]:
    """Return by slug what waits in quarantine of the streams because nothing covered it here.

    A stream with a cleaned table of its own has its units judged there, by other reference rows.
    """
    found = {}
    for stream in streams:
        reasons = ["unknown_point"] if lake.exists(f"silver/{stream.slug}") else ["unknown_point", "unknown_unit"]
        rows = quarantine.open_rows(lake, stream.source, stream.name).filter(pl.col("reason_code").is_in(reasons))
        if rows.height:
            found[stream.slug] = rows
    return found


def covered_since(
    lake: Lake, streams: Sequence[ReadingStream], waits: Mapping[str, pl.DataFrame], registered: pl.Series
) -> set[tuple[str, str]]:
    """Return the pieces (label, zone) of divided streams in which a point spoke that was registered only afterwards.

    It may have been registered in another zone, whose pieces do not know of it. Of an undivided stream a piece takes
    the rows of its own points, and the register's entries are among its inputs.

    Args:
        lake: the lake.
        streams: the streams.
        waits: what waits, see `waiting`.
        registered: names of all points that have an entry by now.
    """
    pieces: set[tuple[str, str]] = set()
    for stream in streams:
        if stream.zone_column is None or stream.slug not in waits:
            continue
        point = pl.col("record").str.json_path_match("$.point_id_iot")
        rows = waits[stream.slug].filter((pl.col("reason_code") == "unknown_point") & point.is_in(registered.implode()))
        if rows.height:
            landed = lake.scan(stream.table).filter(pl.col("_source_uri").is_in(rows["_source_uri"].unique().implode()))
            found = landed.join(rows.lazy(), on=POSITION, how="semi").select("business_date", stream.zone_column)
            pieces.update(found.unique().collect().iter_rows())
    return pieces


def settle(
    lake: Lake,
    streams: Sequence[ReadingStream],
    waits: Mapping[str, pl.DataFrame],
    job: PieceJob,
    still_unknown: pl.DataFrame,
) -> int:
    """Settle what waited of a piece and has been judged with it now; return how many rows.

    Args:
        lake: the lake.
        streams: the streams.
        waits: what waited before, see `waiting`.
        job: the piece.
        still_unknown: `PieceOutcome.unknown` of it.
    """
    settled = 0
    for stream in streams:
        if stream.slug not in waits:
            continue
        rows = stream.scan(lake, job.label, job.zone)
        if stream.zone_column is None:  # the piece took the rows of its own points only
            rows = rows.filter(pl.col("point_id_iot").is_in(job.rules.settings["point_id"].implode()))
        # Whose point is known now but whose unit is not waits again, for that reason.
        gone = (
            waits[stream.slug]
            .join(rows.select(POSITION).collect(), on=POSITION, how="semi")
            .join(still_unknown, on=[*POSITION, "reason_code"], how="anti")
        )
        settled += quarantine.resolve(lake, gone, "landed", job.when.present)
    return settled
