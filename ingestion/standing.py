"""What stands of a stream in bronze: the newest batch of each delivery, or the newest row of each key.

Bronze keeps everything that was ever delivered; this module says which of it counts now (see `DeliveryKind`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ingestion.source_file import UNDIVIDED, DeliveryKind, Source, Stream
from lakehouse.lake import Lake


@dataclass(frozen=True)
class Batch:
    """The newest batch of one delivery address."""

    uri: str
    digest: str
    batch_id: str
    label: str


@dataclass(frozen=True)
class StandingRows:
    """The rows of one stream that count.

    Args:
        lake: where bronze lies.
        source: the source.
        stream_name: name of the stream in the source file.
    """

    lake: Lake
    source: Source
    stream_name: str

    @property
    def stream(self) -> Stream:
        """The promised stream."""
        return self.source.streams[self.stream_name]

    @property
    def table(self) -> str:
        """The bronze table."""
        return f"bronze/{self.source.slug(self.stream_name)}"

    @property
    def label_column(self) -> str:
        """The column that names a row's piece."""
        return self.stream.partition.by.column

    def newest_batches(self) -> dict[str, Batch]:
        """Return the newest batch of every delivery address."""
        if not self.lake.exists(self.table):
            return {}
        rows = self.lake.query(
            "select _source_uri, arg_max(_digest, _loaded_at) as digest, arg_max(_batch_id, _loaded_at) as batch_id, "  # noqa: S608
            f"arg_max({self.label_column}, _loaded_at) as label from landed group by 1 order by 1",
            {"landed": self.table},
        )
        return {row[0]: Batch(*row) for row in rows.iter_rows()}

    def newest_moment(self) -> datetime | None:
        """Return the newest time in the partition column, None before anything has landed."""
        if not self.lake.exists(self.table):
            return None
        newest = self.lake.scan(self.table).select(pl.col(self.stream.time_column).max()).collect().item()
        return newest if isinstance(newest, datetime) else None

    def piece_digests(self, *context: str) -> dict[str, str]:
        """Return for each piece the digest of the batches that it is made of and of `context`.

        A feed of changes is one piece, because the newest row of a key may lie in any month.
        """
        if self.stream.delivery is DeliveryKind.CHANGES:
            if not self.lake.exists(self.table):
                return {}
            batches = self.lake.query("select distinct _batch_id from landed order by 1", {"landed": self.table})
            return {UNDIVIDED: _digest(*batches["_batch_id"], *context)} if batches.height else {}
        by_label: dict[str, list[str]] = {}
        for batch in self.newest_batches().values():
            by_label.setdefault(batch.label, []).append(batch.batch_id)
        return {label: _digest(*sorted(ids), *context) for label, ids in sorted(by_label.items())}

    def rows(self, labels: Collection[str]) -> pl.DataFrame:
        """Return the rows that count, of the pieces `labels` (a feed of changes: of all).

        Raises:
            TableNotFoundError: nothing of the stream has landed yet.
        """
        if self.stream.delivery is DeliveryKind.CHANGES:
            order = [self.stream.time_column, "_loaded_at", "_row_number"]
            newest = self.lake.scan(self.table).sort(*order).unique(self.stream.primary_key, keep="last")
            return newest.sort(*self.stream.primary_key).collect()
        batches = [batch.batch_id for batch in self.newest_batches().values() if batch.label in labels]
        rows = self.lake.scan(self.table, {self.label_column: sorted(labels)})
        return rows.filter(pl.col("_batch_id").is_in(batches)).sort("_source_uri", "_row_number").collect()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
