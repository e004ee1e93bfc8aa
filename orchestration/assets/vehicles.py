"""Silver and raw of the vehicles: positions in order and judged, hours of moving and standing, by days.

A track does not end at midnight. A day's positions are judged from the day before on, and its hours look at the day
before and the day after, so a day whose neighbour changed is made again, too.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl

from ingestion.readers import DayRange
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST, Refresh, batch_digests, piece_digests, refresh_pieces
from lakehouse.reference import seed_rows, seeds_digest
from lakehouse.warehouse import Role, Warehouse
from methods.vehicle_tracks import TrackRules, judged_positions, vehicle_hours
from orchestration.partitions import SINGLE_RUN, days_of, labels_between, partitions_of
from orchestration.platform import Platform

SOURCE = load_sources()["vehicle_tracking"]
STREAM = SOURCE.streams["vehicle_positions"]
RECEIVED = SOURCE.slug("vehicle_positions")
GRAIN = STREAM.partition.by
LABEL = GRAIN.column
POSITIONS, HOURS = "vehicles__positions", "vehicles__hours"
METHOD_EDITION = "1"  # raise it when a method changes: every piece is then computed again
RULES, ZONES = "rule_vehicle_tracks", "ref_zones"
POSITION_DAYS, HOUR_DAYS = (-1, 0), (-1, 0, 1)  # days that a day's positions and hours are made of

_TEXT, _NUMBER, _COUNT, _TRUTH = pl.String(), pl.Float64(), pl.Int64(), pl.Boolean()
_MOMENT = pl.Datetime("us", "UTC")
LOADED: dict[str, dict[str, pl.DataType]] = {
    POSITIONS: {
        "terminal_id_jt808": _TEXT,
        "measured_at": _MOMENT,
        LABEL: pl.Date(),
        "longitude": _NUMBER,
        "latitude": _NUMBER,
        "speed_km_per_h": _NUMBER,
        "direction_deg": _NUMBER,
        "mileage_km": _NUMBER,
        "alarm_names": _TEXT,
        "status_names": _TEXT,
        "is_resent": _TRUTH,
        "fault_code": _TEXT,
        "is_usable": _TRUTH,
        "distance_m": _NUMBER,
        "seconds_since_previous": _NUMBER,
        "speed_between_km_per_h": _NUMBER,
        "standing_since_at": _MOMENT,
        "zone_id": _TEXT,
        "is_in_park": _TRUTH,
        "data_origin": _TEXT,
    },
    HOURS: {
        "terminal_id_jt808": _TEXT,
        "measured_at": _MOMENT,
        LABEL: pl.Date(),
        "positions_received": _COUNT,
        "positions_usable": _COUNT,
        "positions_in_park": _COUNT,
        "positions_above_limit": _COUNT,
        "positions_with_alarm": _COUNT,
        "alarm_names": _TEXT,
        "highest_speed_km_per_h": _NUMBER,
        "distance_km": _NUMBER,
        "minutes_moving": _NUMBER,
        "minutes_stopped": _NUMBER,
        "is_in_park": _TRUTH,
        "data_origin": _TEXT,
    },
}
"""Columns that the warehouse gets of each table."""


def _daily_asset(
    key: list[str], deps: Sequence[dg.AssetsDefinition | list[str]], kinds: set[str], description: str
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of an asset of this room: by days, owned by the source's team."""
    return dg.asset(
        key=key,
        deps=deps,
        kinds=kinds,
        description=description,
        group_name="vehicles",
        owners=[SOURCE.owner],
        tags={"source": SOURCE.source, "sensitivity": STREAM.sensitivity},
        partitions_def=partitions_of(STREAM.partition.run_by, STREAM.partition.first),
        backfill_policy=SINGLE_RUN,
    )


@_daily_asset(
    ["silver", POSITIONS],
    [["bronze", RECEIVED]],
    {"delta", "polars"},
    "车辆位置：取最新一次交付，排序，标记漂移与不可能的位置。Positions in order, impossible ones marked.",
)
def silver_positions(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    """Judge the positions of the days whose batches changed."""
    lake = platform.lake
    outlines = dict(seed_rows(ZONES).select("zone_id", "boundary_geojson").iter_rows())

    def build(label: str) -> pl.DataFrame:
        received = lake.scan(f"bronze/{RECEIVED}", {LABEL: _beside(label, POSITION_DAYS)}).collect()
        return judged_positions(received, _rules_on(label), outlines).filter(pl.col(LABEL) == label)

    return _evidence(_refresh(context, lake, POSITIONS, _wanted_positions(lake), build))


@_daily_asset(
    ["silver", HOURS],
    [silver_positions],
    {"delta", "polars"},
    "车辆小时行驶：里程、行驶与停车时长、超速与报警。Hours of vehicles: way, moving and standing, alarms.",
)
def silver_hours(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    """Make the hours of the days of which the positions changed, or those of a day beside them."""
    lake = platform.lake

    def build(label: str) -> pl.DataFrame:
        positions = lake.scan(f"silver/{POSITIONS}", {LABEL: _beside(label, HOUR_DAYS)}).collect()
        local = pl.col("measured_at").dt.convert_time_zone("Asia/Shanghai").dt.to_string("%Y-%m-%d").alias(LABEL)
        return vehicle_hours(positions, _rules_on(label)).with_columns(local).filter(pl.col(LABEL) == label)

    return _evidence(_refresh(context, lake, HOURS, _wanted_hours(lake), build))


def _raw_asset(table: str, upstream: dg.AssetsDefinition, title: str) -> dg.AssetsDefinition:
    @_daily_asset(
        ["raw", table], [upstream], {"postgres"}, f"{title}，按日装入仓库。Loaded into the warehouse by days."
    )
    def load(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        wanted = _within(context, piece_digests(platform.lake, f"silver/{table}", LABEL))
        with platform.warehouse() as warehouse:
            ensure_vehicle_tables(warehouse)
            stale = sorted(_stale(wanted, _loaded(warehouse, table)))
            rows = 0
            for label in stale:
                frame = platform.lake.scan(f"silver/{table}", {LABEL: [label]}).collect()
                shaped = _shaped(frame, table, wanted[label])
                rows += warehouse.replace_pieces(table, shaped, LABEL, [label]).rows_written
        return _evidence(Refresh(stale, rows, len(wanted) - len(stale)))

    return load


raw_positions = _raw_asset(POSITIONS, silver_positions, "车辆位置")
raw_hours = _raw_asset(HOURS, silver_hours, "车辆小时行驶")


def vehicles_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of this room."""
    return [silver_positions, silver_hours, raw_positions, raw_hours]


def ensure_vehicle_tables(warehouse: Warehouse) -> None:
    """Make the raw tables that do not stand yet, empty: dbt builds whatever has not been read so far."""
    standing = warehouse.read(Role.LOADER, "select tablename from pg_tables where schemaname = 'raw'")
    present = set(standing["tablename"]) if standing.height else set()
    for table, columns in LOADED.items():
        if table not in present:
            empty = pl.DataFrame(schema={**columns, INPUT_DIGEST: pl.String()})
            warehouse.replace_pieces(table, empty, LABEL, [])


def oldest_stale_day(platform: Platform) -> date | None:
    """Return the oldest day with something to make or to load, None when all is as it should be."""
    lake = platform.lake
    stale = _stale(_wanted_positions(lake), piece_digests(lake, f"silver/{POSITIONS}", LABEL))
    stale |= _stale(_wanted_hours(lake), piece_digests(lake, f"silver/{HOURS}", LABEL))
    with platform.warehouse() as warehouse:
        ensure_vehicle_tables(warehouse)
        for table in LOADED:
            stale |= _stale(piece_digests(lake, f"silver/{table}", LABEL), _loaded(warehouse, table))
    return GRAIN.first_day(min(stale)) if stale else None


def _wanted_positions(lake: Lake) -> dict[str, str]:
    received = batch_digests(lake, f"bronze/{RECEIVED}", LABEL, METHOD_EDITION, seeds_digest(RULES, ZONES))
    return _with_neighbours(received, POSITION_DAYS)


def _wanted_hours(lake: Lake) -> dict[str, str]:
    positions = piece_digests(lake, f"silver/{POSITIONS}", LABEL, METHOD_EDITION, seeds_digest(RULES))
    return _with_neighbours(positions, HOUR_DAYS)


def _with_neighbours(digests: Mapping[str, str], days: Iterable[int]) -> dict[str, str]:
    """Return for each day the digest of all days that it is made of; a day that is not there is one, too."""
    return {
        label: hashlib.sha256(
            "\n".join(digests.get(beside, "") for beside in _beside(label, days)).encode()
        ).hexdigest()[:16]
        for label in digests
    }


def _beside(label: str, days: Iterable[int]) -> list[str]:
    return [GRAIN.label(GRAIN.first_day(label) + timedelta(days=offset)) for offset in days]


def _rules_on(label: str) -> TrackRules:
    return TrackRules.on(seed_rows(RULES), GRAIN.first_day(label))


def _refresh(
    context: dg.AssetExecutionContext,
    lake: Lake,
    table: str,
    wanted: dict[str, str],
    build: Callable[[str], pl.DataFrame],
) -> Refresh:
    """Make the stale days one by one, so that what a day is does not depend on which others are made with it."""

    def build_all(labels: Sequence[str]) -> pl.DataFrame:
        return pl.concat(build(label) for label in labels)

    report = context.log.info
    return refresh_pieces(lake, f"silver/{table}", LABEL, _within(context, wanted), build_all, report=report)


def _within(context: dg.AssetExecutionContext, wanted: dict[str, str]) -> dict[str, str]:
    """Return the pieces that this run covers: its days and those beside them, which are made of them, too."""
    days = days_of(context)
    one_day = timedelta(days=1)
    labels = set(labels_between(GRAIN, DayRange(days.first - one_day, days.last + one_day)))
    return {label: digest for label, digest in wanted.items() if label in labels}


def _stale(wanted: dict[str, str], standing: dict[str, str]) -> set[str]:
    return {label for label, digest in wanted.items() if standing.get(label) != digest}


def _loaded(warehouse: Warehouse, table: str) -> dict[str, str]:
    query = f"select distinct {LABEL}::text, {INPUT_DIGEST} from raw.{table}"  # noqa: S608
    return dict(warehouse.read(Role.LOADER, query).iter_rows())


def _shaped(frame: pl.DataFrame, table: str, digest: str) -> pl.DataFrame:
    """Return the rows with the columns and types that the warehouse gets."""
    dated = frame.with_columns(pl.col(LABEL).str.to_date())
    columns = [pl.col(name).cast(data_type) for name, data_type in LOADED[table].items()]
    return dated.select(*columns, pl.lit(digest).alias(INPUT_DIGEST))


def _evidence(refresh: Refresh) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": refresh.rows,
            "pieces_computed": len(refresh.pieces),
            "pieces_unchanged": refresh.unchanged,
        }
    )
