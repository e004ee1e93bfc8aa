"""Files that are written first and become part of a table later, all in one commit.

A heavy step writes one file a piece, in its own process if it likes; nobody sees the file. When all pieces of a step
stand, one commit takes their old files out of the table and puts the new ones in. A step that is killed leaves files
that no table names (`forget_unnamed` removes them) and tables as they were.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from lakehouse.lake import Lake

COMMIT_ATTEMPTS = 5


@dataclass(frozen=True)
class StagedFile:
    """One written file of one piece.

    Attributes:
        table: `layer/name` of the table it is meant for.
        path: where it lies, relative to the table; None when the piece has no rows.
        size: bytes.
        rows: rows in it.
        partition: value of each partition column.
        columns: name and Polars type of each column in the file.
    """

    table: str
    path: str | None
    size: int
    rows: int
    partition: Mapping[str, str]
    columns: Mapping[str, pl.DataType]


def stage(lake: Lake, table: str, frame: pl.DataFrame, partition: Mapping[str, str]) -> StagedFile:
    """Write the rows of one piece of a local lake; they are in no table yet.

    Args:
        lake: the lake; its root is a folder.
        table: `layer/name`.
        frame: the rows, without the partition columns.
        partition: value of each partition column.
    """
    columns = {name: _kept_type(data_type) for name, data_type in frame.schema.items()}
    if frame.is_empty():
        return StagedFile(table, None, 0, 0, dict(partition), columns)
    # As Delta does: whatever a value holds, its folder lies in the table and is read back as the value.
    folder = "/".join(f"{name}={quote(value, safe='')}" for name, value in partition.items())
    path = Path(lake.uri(table)) / folder / f"{uuid.uuid4().hex}.zstd.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Partitions find the file and a whole file is read: statistics would cost a quarter of the time for nothing.
    frame.write_parquet(path, compression="zstd", compression_level=1, statistics=False)
    return StagedFile(table, f"{folder}/{path.name}", path.stat().st_size, frame.height, dict(partition), columns)


def commit(lake: Lake, staged: Sequence[StagedFile]) -> None:
    """Put staged files of one table in the place of everything their pieces had, in one commit.

    A column that the table lacks is added to it before: older pieces have null there.
    """
    if not staged:
        return
    (table,) = {file.table for file in staged}
    columns = list(staged[0].partition)
    schema = Schema.from_arrow(_arrow_schema(staged))
    now = int(time.time() * 1000)
    additions = [
        AddAction(
            path=file.path,
            size=file.size,
            partition_values=dict(file.partition),
            modification_time=now,
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for file in staged
        if file.path is not None
    ]
    if not lake.exists(table):
        create_table_with_add_actions(lake.uri(table), schema, additions, partition_by=columns)
        return
    _add_columns(DeltaTable(lake.uri(table)), schema)
    for attempt in range(1, COMMIT_ATTEMPTS + 1):
        standing = DeltaTable(lake.uri(table))
        removals = _removals(standing, staged, now)
        try:
            standing.create_write_transaction([*additions, *removals], "append", schema, columns)
        except CommitFailedError:  # somebody committed other pieces meanwhile; ours are ours alone
            if attempt == COMMIT_ATTEMPTS:
                raise
        else:
            return


def forget_unnamed(lake: Lake, table: str, older_than_s: float) -> int:
    """Remove files below a local table that it does not name and that nobody can still be writing; return how many.

    Files that an old version of the table names are kept as long as that version is young.
    """
    if not lake.exists(table):
        return 0
    root = Path(lake.uri(table))
    standing = DeltaTable(lake.uri(table))
    limit = time.time() - older_than_s
    named = {Path(uri).name for uri in standing.file_uris()} | _removed_since(root, limit)
    gone = [
        path
        for path in root.rglob("*.parquet")
        if "_delta_log" not in path.parts and path.name not in named and path.stat().st_mtime < limit
    ]
    for path in gone:
        path.unlink()
    return len(gone)


def _add_columns(standing: DeltaTable, schema: Schema) -> None:
    known = {column.name for column in standing.schema().fields}
    new = [column for column in schema.fields if column.name not in known]
    if new:
        standing.alter.add_columns(new)


def _removed_since(root: Path, limit: float) -> set[str]:
    """Return the names of the files that versions written after a moment took out of the table."""
    logs = [log for log in (root / "_delta_log").glob("*.json") if log.stat().st_mtime >= limit]
    actions = (json.loads(line) for log in logs for line in log.read_text("utf-8").splitlines())
    return {Path(action["remove"]["path"]).name for action in actions if "remove" in action}


def _removals(standing: DeltaTable, staged: Sequence[StagedFile], now: int) -> list[RemoveAction]:
    """Return the removal of every file that the staged pieces have in the table."""
    columns = list(staged[0].partition)
    files = pl.DataFrame(pl.from_arrow(pa.table(standing.get_add_actions(flatten=True))))
    pieces = {tuple(file.partition[name] for name in columns) for file in staged}
    rows = files.select("path", *(f"partition.{name}" for name in columns)).iter_rows()
    return [
        RemoveAction(
            unquote(path),  # the log names files percent-encoded, actions name them as they lie on disk
            data_change=True,
            deletion_timestamp=now,
            partition_values=dict(zip(columns, values, strict=True)),
        )
        for path, *values in rows
        if tuple(values) in pieces
    ]


def _kept_type(data_type: pl.DataType) -> pl.DataType:
    return pl.String() if data_type in (pl.Categorical, pl.Enum) else data_type


def _arrow_schema(staged: Sequence[StagedFile]) -> pa.Schema:
    first = staged[0]
    schema = {**first.columns, **dict.fromkeys(first.partition, pl.String())}
    return pa.schema(pl.DataFrame(schema=schema).to_arrow().schema)
