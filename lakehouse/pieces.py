"""Derived tables by pieces: a partition is computed again only when what it was made from has changed.

Every derived row carries `_input_digest`, the digest of everything its piece was made from: the bronze batches, the
reference rows, the method's edition. The digest lies in the table itself, so it is written in the same commit as the
rows and can never disagree with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lakehouse.lake import Lake

INPUT_DIGEST = "_input_digest"
PIECES_PER_COMMIT = 12


@dataclass(frozen=True)
class Refresh:
    """What one refresh did.

    Attributes:
        pieces: labels of the pieces computed again.
        rows: rows written.
        unchanged: how many pieces were left alone.
    """

    pieces: list[str]
    rows: int
    unchanged: int


def batch_digests(lake: Lake, table: str, partition_column: str, *context: str) -> dict[str, str]:
    """Return for each bronze partition the digest of its batches and of `context` (seed digests, method editions)."""
    if not lake.exists(table):
        return {}
    rows = lake.query(
        f"select {partition_column} as label, string_agg(distinct _batch_id, ',' order by _batch_id) as batches "  # noqa: S608
        "from landed group by 1",
        {"landed": table},
    )
    return {label: _digest(batches, *context) for label, batches in rows.iter_rows()}


def piece_digests(lake: Lake, table: str, partition_column: str, *context: str) -> dict[str, str]:
    """Return the input digest of each piece of a derived table, combined with `context` when there is any."""
    if not lake.exists(table):
        return {}
    rows = lake.query(
        f"select distinct {partition_column} as label, {INPUT_DIGEST} as digest from derived",  # noqa: S608
        {"derived": table},
    )
    return {label: _digest(digest, *context) if context else digest for label, digest in rows.iter_rows()}


def refresh_pieces(
    lake: Lake,
    target: str,
    partition_column: str,
    wanted: Mapping[str, str],
    build: Callable[[Sequence[str]], pl.DataFrame],
    *,
    report: Callable[[str], None] = lambda _: None,
) -> Refresh:
    """Compute the pieces of `target` whose digest is not the wanted one.

    Args:
        lake: the lake.
        target: the derived table.
        partition_column: its partition column.
        wanted: label → digest of the inputs as they are now.
        build: makes the rows of some pieces, with the partition column in them.
        report: receives a sentence after each commit.
    """
    standing = piece_digests(lake, target, partition_column)
    stale = sorted(label for label, digest in wanted.items() if standing.get(label) != digest)
    written = 0
    for labels in _chunks(stale):
        digests = {label: wanted[label] for label in labels}
        rows = build(labels).with_columns(
            pl.col(partition_column).replace_strict(digests, return_dtype=pl.String).alias(INPUT_DIGEST)
        )
        lake.replace_partitions(target, rows, partition_column, labels)
        written += rows.height
        report(f"{target}：{labels[0]} – {labels[-1]}")
    return Refresh(stale, written, len(wanted) - len(stale))


def _chunks(labels: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(labels), PIECES_PER_COMMIT):
        yield labels[start : start + PIECES_PER_COMMIT]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
