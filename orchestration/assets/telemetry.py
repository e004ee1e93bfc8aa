"""Telemetry: pieces of a day and zone judged and resampled, hours and days of all points, loaded into the warehouse."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST, piece_digests
from lakehouse.staged_files import forget_unnamed
from lakehouse.warehouse import Role, Warehouse
from orchestration.partitions import SINGLE_RUN, days_of, labels_between, partitions_of
from orchestration.platform import Platform
from orchestration.telemetry.days import FUSED_HOURS, POINT_DAYS, POINT_HOURS, TelemetryDays, stale_days
from orchestration.telemetry.loaded import LOADED
from orchestration.telemetry.pieces import PIECE_TABLES, PIECES, TREATMENTS, ZONE_DAYS, ZONE_HOURS
from orchestration.telemetry.refresh import TelemetryPieces
from orchestration.telemetry.register import REGISTER, PointRegister
from orchestration.telemetry.streams import reading_streams
from orchestration.telemetry.workers import open_mapper

STREAMS = reading_streams()
SOURCES = {stream.source for stream in STREAMS}
SOURCE = load_sources()["telemetry_archive"]
STREAM = SOURCE.streams["point_readings"]
PARTITIONS = partitions_of(STREAM.partition.run_by, STREAM.partition.first)
READINGS_WORTH_A_PROCESS = 20_000_000
GROUP = "telemetry"
KEPT_UNNAMED_S = 7 * 86_400  # a reader or a run that began a week ago has ended
DAY_TABLES = (POINT_HOURS, FUSED_HOURS, POINT_DAYS)
LABEL = STREAM.partition.by.column

TITLES = {
    "telemetry__point_minutes": "监测点分钟值，附实时与最终两种质量标记。Minutes with causal and final flags.",
    "telemetry__zone_hours": "分区小时值（未经跨点校核）。Hours before points are compared with each other.",
    "telemetry__treatments": "处理计数：剔除、存疑、换算了多少读数，为什么。What was done to readings, counted.",
    "telemetry__exceptions": "被剔除或存疑的读数，可追到文件与行。The readings behind the counts.",
    "telemetry__zone_days": "读数计数、常态与序列末态。Counts, what is usual, how chains ended.",
    POINT_HOURS: "监测点小时值，含衰减、漂移、互斥、邻点检验。Hours of all points, judged beside their peers.",
    FUSED_HOURS: "冗余测点融合小时值及其不确定度。One value of redundant points, with its uncertainty.",
    POINT_DAYS: "监测点日值与在线情况。Days of all points, with their time online.",
}


def telemetry_pieces(platform: Platform) -> TelemetryPieces:
    """Return the pieces of the platform.

    Raises:
        RegisterMissingError: the register of devices has not landed yet.
    """
    return TelemetryPieces(platform.lake, PointRegister.read(platform.lake), platform.present, STREAMS)


def _specs(names: Sequence[str], deps: Sequence[list[str]]) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            ["silver", name],
            deps=[dg.AssetKey(key) for key in deps],
            group_name=GROUP,
            kinds={"delta", "polars"},
            owners=[SOURCE.owner],
            description=TITLES[name],
        )
        for name in names
    ]


@dg.multi_asset(
    name="telemetry_pieces",
    specs=_specs(list(PIECE_TABLES), [["bronze", stream.slug] for stream in STREAMS]),
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
)
def telemetry_piece_tables(
    context: dg.AssetExecutionContext, platform: Platform
) -> Iterator[dg.MaterializeResult[Any]]:
    """Judge and resample the pieces whose inputs changed, the zones of a day beside each other."""
    pieces = telemetry_pieces(platform)
    days = days_of(context)
    with open_mapper(platform.settings, pieces.readings_to_judge(days), READINGS_WORTH_A_PROCESS) as mapper:
        done = pieces.refresh(days, mapper, context.log.info)
    metadata = {
        "readings": done.readings,
        "pieces_computed": len(done.pieces),
        "pieces_unchanged": done.unchanged,
        "rows_quarantined": done.quarantined,
        **{f"seconds_{name}": round(value, 1) for name, value in done.seconds.items()},
    }
    for name in PIECE_TABLES:
        yield dg.MaterializeResult(asset_key=["silver", name], metadata=metadata)


@dg.multi_asset(
    name="telemetry_days",
    specs=_specs(DAY_TABLES, [["silver", ZONE_HOURS], ["silver", ZONE_DAYS]]),
    partitions_def=PARTITIONS,
    backfill_policy=SINGLE_RUN,
)
def telemetry_day_tables(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
    """Judge the hours of the days that changed and make days of them."""
    days = TelemetryDays(platform.lake, PointRegister.read(platform.lake))
    done = days.refresh(days_of(context), context.log.info)
    for name in (*PIECE_TABLES, PIECES, *DAY_TABLES):  # what killed runs and replaced pieces left behind
        forget_unnamed(platform.lake, f"silver/{name}", KEPT_UNNAMED_S)
    for name in DAY_TABLES:
        yield dg.MaterializeResult(
            asset_key=["silver", name],
            metadata={"hours": done.hours, "days_computed": len(done.days), "days_unchanged": done.unchanged},
        )


def _raw_asset(table: str, title: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["raw", table],
        deps=[["silver", table]],
        group_name=GROUP,
        kinds={"postgres"},
        owners=[SOURCE.owner],
        description=f"{title}，按日装入仓库。Loaded into the warehouse by days.",
        partitions_def=PARTITIONS,
        backfill_policy=SINGLE_RUN,
    )
    def load(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        days = labels_between(STREAM.partition.by, days_of(context))
        with platform.warehouse() as warehouse:
            ensure_telemetry_tables(warehouse)
            to_load = _days_to_load(platform.lake, warehouse, table)
            stale = [label for label in days if label in to_load]
            rows = 0
            for label in stale:
                frame = platform.lake.scan(f"silver/{table}", {LABEL: [label]}).collect()
                rows += warehouse.replace_pieces(
                    table, _shaped(frame, table, to_load[label]), LABEL, [label]
                ).rows_written
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, "days_loaded": len(stale)})

    return load


def telemetry_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of this room."""
    return [
        telemetry_piece_tables,
        telemetry_day_tables,
        _raw_asset(POINT_HOURS, "监测点小时值"),
        _raw_asset(FUSED_HOURS, "冗余测点融合小时值"),
        _raw_asset(POINT_DAYS, "监测点日值"),
        _raw_asset(TREATMENTS, "遥测处理计数"),
    ]


def ensure_telemetry_tables(warehouse: Warehouse) -> None:
    """Make the raw tables that do not stand yet, empty: dbt builds whatever has not been read so far."""
    standing = warehouse.read(Role.LOADER, "select tablename from pg_tables where schemaname = 'raw'")
    present = set(standing["tablename"]) if standing.height else set()
    for table, columns in LOADED.items():
        if table not in present:
            empty = pl.DataFrame(schema={**columns, INPUT_DIGEST: pl.String()})
            warehouse.replace_pieces(table, empty, LABEL, [])


def oldest_stale_day(platform: Platform) -> date | None:
    """Return the oldest day with something to make or to load, None when all is as it should be.

    Without a register nothing can be made: that is left to the asset, which will be red.
    """
    if not any(platform.lake.exists(stream.table) for stream in STREAMS) or not platform.lake.exists(REGISTER):
        return None
    stale = [telemetry_pieces(platform).oldest_stale_day()]
    days = TelemetryDays(platform.lake, PointRegister.read(platform.lake))
    stale += [date.fromisoformat(label) for label in stale_days(days.wanted(), days.standing())[:1]]
    with platform.warehouse() as warehouse:
        ensure_telemetry_tables(warehouse)
        for table in LOADED:
            stale += [date.fromisoformat(label) for label in _days_to_load(platform.lake, warehouse, table)]
    return min((day for day in stale if day is not None), default=None)


def _days_to_load(lake: Lake, warehouse: Warehouse, table: str) -> dict[str, str]:
    """Return label → digest of the days that the warehouse lacks or has otherwise; a day without rows now has none."""
    if not lake.exists(f"silver/{table}"):
        return {}
    loaded = _loaded(warehouse, table)
    wanted = dict.fromkeys(loaded, "") | _digests_by_day(lake, table)
    return {label: wanted[label] for label in stale_days(wanted, loaded)}


def _digests_by_day(lake: Lake, table: str) -> dict[str, str]:
    """Return a digest of each day of a silver table, of all its zones where it has any."""
    if table != TREATMENTS:
        return piece_digests(lake, f"silver/{table}", LABEL)
    if not lake.exists(f"silver/{table}"):
        return {}
    query = (
        f"select {LABEL}, md5(string_agg(distinct zone_id || {INPUT_DIGEST}, ',' "  # noqa: S608
        f"order by zone_id || {INPUT_DIGEST})) from made group by 1"
    )
    return dict(lake.query(query, {"made": f"silver/{table}"}).iter_rows())


def _loaded(warehouse: Warehouse, table: str) -> dict[str, str]:
    query = f"select distinct {LABEL}::text, {INPUT_DIGEST} from raw.{table}"  # noqa: S608
    return dict(warehouse.read(Role.LOADER, query).iter_rows())


def _shaped(frame: pl.DataFrame, table: str, digest: str) -> pl.DataFrame:
    """Return the rows with the columns and types that the warehouse gets."""
    dated = frame.with_columns(pl.col(LABEL).str.to_date())
    columns = [pl.col(name).cast(data_type) for name, data_type in LOADED[table].items()]
    return dated.select(*columns, pl.lit(digest).alias(INPUT_DIGEST))
