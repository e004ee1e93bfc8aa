"""Raw of the reported streams: what counts in bronze, loaded into the warehouse by months, one asset per stream.

One factory for every stream that is delivered as a snapshot or as changes; nothing is computed on the way, because
figures that people report are cleaned in dbt, where their rules and their reasons can be read.
"""

from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ingestion.quarantine import SCHEMA
from ingestion.source_file import UNDIVIDED, DeliveryKind, Source, Stream, load_sources
from ingestion.standing import StandingRows
from lakehouse.pieces import INPUT_DIGEST
from lakehouse.warehouse import Role, Warehouse
from orchestration.partitions import SINGLE_RUN, days_of, labels_between, partitions_of
from orchestration.platform import Platform

METHOD_EDITION = "1"  # raise it when what counts as the newest row changes: every piece is then loaded again
PROVENANCE = ("_source_uri", "_row_number", "_batch_id", "_loaded_at")


def reported_streams() -> list[tuple[Source, str]]:
    """Return source and stream name of everything that is loaded here."""
    return [
        (source, name)
        for source in load_sources().values()
        for name, stream in source.streams.items()
        if stream.delivery is not DeliveryKind.FILES
    ]


def reported_assets() -> list[dg.AssetsDefinition]:
    """Return the loading assets of all reported streams."""
    return [_raw(source, name) for source, name in reported_streams()]


def ensure_raw_tables(warehouse: Warehouse) -> None:
    """Make the raw tables that do not stand yet, empty: dbt can then build whatever source has not been read so far."""
    standing = warehouse.read(Role.LOADER, "select tablename from pg_tables where schemaname = 'raw'")
    present = set(standing["tablename"]) if standing.height else set()
    for source, name in reported_streams():
        if source.slug(name) not in present:
            warehouse.replace_pieces(source.slug(name), _empty(source.streams[name]), INPUT_DIGEST, [])


def _raw(source: Source, stream_name: str) -> dg.AssetsDefinition:
    stream, slug = source.streams[stream_name], source.slug(stream_name)

    @dg.asset(
        key=["raw", slug],
        deps=[["bronze", slug]],
        group_name="ingestion",
        kinds={"postgres"},
        owners=[source.owner],
        tags={"source": source.source, "sensitivity": stream.sensitivity},
        description=f"{stream.title.zh}，取当前有效行装入仓库。{stream.title.en}: the rows that count, loaded.",
        partitions_def=partitions_of(stream.partition.run_by, stream.partition.first),
        backfill_policy=SINGLE_RUN,
        metadata={"source_file": f"ingestion/sources/{source.source}.yaml"},
    )
    def load(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        """Load the pieces whose batches changed."""
        standing = StandingRows(platform.lake, source, stream_name)
        wanted = _within(context, stream, standing.piece_digests(METHOD_EDITION))
        with platform.warehouse() as warehouse:
            ensure_raw_tables(warehouse)
            loaded = _loaded_digests(warehouse, stream, slug)
            stale = sorted(label for label, digest in wanted.items() if loaded.get(label) != digest)
            if not stale:
                return _evidence(0, [], len(wanted))
            rows = _with_digest(standing.rows(stale), stream, wanted)
            label_column = None if _is_one_piece(stream) else stream.partition.by.column
            written = warehouse.replace_pieces(slug, rows, label_column, stale)
        return _evidence(written.rows_written, stale, len(wanted) - len(stale))

    return load


def oldest_stale_day(platform: Platform, source: Source) -> date | None:
    """Return the first day of the oldest piece of a source that the warehouse does not hold as it is now."""
    stale: set[date] = set()
    with platform.warehouse() as warehouse:
        ensure_raw_tables(warehouse)
        for name, stream in source.streams.items():
            if stream.delivery is DeliveryKind.FILES:
                continue
            wanted = StandingRows(platform.lake, source, name).piece_digests(METHOD_EDITION)
            loaded = _loaded_digests(warehouse, stream, source.slug(name))
            labels = {label for label, digest in wanted.items() if loaded.get(label) != digest}
            first = stream.partition.first
            stale |= {first if label == UNDIVIDED else stream.partition.by.first_day(label) for label in labels}
    return min(stale, default=None)


def _is_one_piece(stream: Stream) -> bool:
    return stream.delivery is DeliveryKind.CHANGES or stream.partition.column is None


def _within(context: dg.AssetExecutionContext, stream: Stream, wanted: dict[str, str]) -> dict[str, str]:
    """Return the pieces that this run's partitions cover; what is older than the first goes with the first."""
    days = days_of(context)
    labels = set(labels_between(stream.partition.by, days)) | {UNDIVIDED}
    oldest = stream.partition.by.label(stream.partition.first)
    return {
        label: digest
        for label, digest in wanted.items()
        if label in labels or (days.first <= stream.partition.first and label < oldest)
    }


def _loaded_digests(warehouse: Warehouse, stream: Stream, slug: str) -> dict[str, str]:
    label = f"'{UNDIVIDED}'" if _is_one_piece(stream) else stream.partition.by.column
    query = f"select distinct {label}, {INPUT_DIGEST} from raw.{slug}"  # noqa: S608
    return dict(warehouse.read(Role.LOADER, query).iter_rows())


def _with_digest(rows: pl.DataFrame, stream: Stream, wanted: dict[str, str]) -> pl.DataFrame:
    columns = [*stream.landed_columns, stream.partition.by.column, *PROVENANCE]
    if _is_one_piece(stream):
        return rows.select(*columns, pl.lit(wanted[UNDIVIDED]).alias(INPUT_DIGEST))
    label = pl.col(stream.partition.by.column)
    return rows.select(*columns, label.replace_strict(wanted, return_dtype=pl.String).alias(INPUT_DIGEST))


def _empty(stream: Stream) -> pl.DataFrame:
    provenance = {name: SCHEMA.get(name, pl.String()) for name in PROVENANCE}
    schema = {**stream.landed_columns, stream.partition.by.column: pl.String(), **provenance, INPUT_DIGEST: pl.String()}
    return pl.DataFrame(schema=schema)


def _evidence(rows: int, pieces: list[str], unchanged: int) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        metadata={"dagster/row_count": rows, "pieces_computed": len(pieces), "pieces_unchanged": unchanged}
    )
