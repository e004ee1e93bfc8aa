"""Silver and raw of the vitals: readings in canonical units, then the air-quality index of hours and days."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ingestion import quarantine
from ingestion.source_file import Grain, load_sources
from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST, Refresh, batch_digests, piece_digests, refresh_pieces
from lakehouse.reference import seed_rows, seeds_digest
from lakehouse.warehouse import Role, Warehouse
from methods.air_quality import IndexStandards, compare_with_limits, daily_index, daily_means, hourly_index
from methods.readings import clean_readings, hours_by_station, worst_origin
from orchestration.partitions import SINGLE_RUN, days_of, labels_between, partitions_of, window_of
from orchestration.platform import Platform

SOURCE = load_sources()["iot_archive"]
STREAM = SOURCE.streams["air_readings"]
READINGS = SOURCE.slug("air_readings")
GRAIN = STREAM.partition.by
HOURS = "air_quality__station_hours"
DAYS = "air_quality__station_days"
METHOD_EDITION = "1"  # raise it when a method changes: every piece is then computed again
INDEX_SEEDS = ("std_aqi_editions", "std_aqi_items", "std_aqi_breakpoints", "std_aqi_levels")
DAY_SEEDS = (*INDEX_SEEDS, "std_air_validity", "std_ambient_limits")
HOURLY_COLUMNS = {
    "so2": "so2_ug_per_m3",
    "no2": "no2_ug_per_m3",
    "co": "co_mg_per_m3",
    "o3": "o3_ug_per_m3",
    "pm10": "pm10_ug_per_m3",
    "pm25": "pm25_ug_per_m3",
    "air_temperature": "air_temperature_c",
    "wind_speed": "wind_speed_m_per_s",
    "wind_direction": "wind_direction_deg",
}


def _monthly_asset(
    key: list[str], deps: Sequence[dg.AssetsDefinition | list[str]], kinds: set[str], description: str
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of an asset of this room: by months, owned by the source's team."""
    return dg.asset(
        key=key,
        deps=deps,
        kinds=kinds,
        description=description,
        group_name="vitals",
        owners=[SOURCE.owner],
        partitions_def=partitions_of(STREAM.partition.run_by, STREAM.partition.first),
        backfill_policy=SINGLE_RUN,
    )


@_monthly_asset(
    ["silver", READINGS],
    [["bronze", READINGS]],
    {"delta", "polars"},
    "空气站读数：取最新一次交付，换算为标准单位。Newest reading of each key, in canonical units.",
)
def silver_readings(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    """Clean the months whose batches changed."""
    lake = platform.lake
    wanted = _wanted_readings(lake)
    unknown_rows = 0

    def build(labels: Sequence[str]) -> pl.DataFrame:
        nonlocal unknown_rows
        received = lake.scan(f"bronze/{READINGS}", {GRAIN.column: labels}).collect()
        stations = seed_rows("ref_monitoring_stations")["station_id"].to_list()
        cleaned = clean_readings(received, seed_rows("ref_vital_factors"), stations)
        unknown_rows += _quarantine_unknown(lake, cleaned.unknown)
        return cleaned.readings.with_columns(_label("measured_at"))

    refresh = refresh_pieces(
        lake, f"silver/{READINGS}", GRAIN.column, _within(context, wanted), build, report=context.log.info
    )
    return _evidence(refresh, rows_quarantined=unknown_rows)


@_monthly_asset(
    ["silver", HOURS],
    [silver_readings],
    {"delta", "polars"},
    "空气站逐小时浓度与实时指数，按当时有效标准。Station hours with the index of the edition in force.",
)
def silver_station_hours(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    """Judge the hours of the months that changed."""
    lake = platform.lake
    wanted = _wanted_hours(lake)

    def build(labels: Sequence[str]) -> pl.DataFrame:
        readings = lake.scan(f"silver/{READINGS}", {GRAIN.column: labels}).collect()
        hours = hours_by_station(readings, HOURLY_COLUMNS).with_columns(_measured_items())
        standards = IndexStandards.from_seeds({name: seed_rows(name) for name in INDEX_SEEDS})
        return hourly_index(hours, standards).drop("measured_items").with_columns(_label("measured_at"))

    return _evidence(
        refresh_pieces(lake, f"silver/{HOURS}", GRAIN.column, _within(context, wanted), build, report=context.log.info)
    )


@_monthly_asset(
    ["silver", DAYS],
    [silver_station_hours],
    {"delta", "polars"},
    "空气站日均值、日指数与当日限值比较。Daily means and index, compared with the limits in force.",
)
def silver_station_days(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    """Average and judge the days of the months that changed; a day lies in one month, so months stand alone."""
    lake = platform.lake
    wanted = _wanted_days(lake)

    def build(labels: Sequence[str]) -> pl.DataFrame:
        hours = lake.scan(f"silver/{HOURS}", {GRAIN.column: labels}).collect()
        local_day = pl.col("measured_at").dt.convert_time_zone("Asia/Shanghai").dt.date().alias("business_date")
        origins = hours.group_by("station_id", local_day).agg(worst_origin("data_origin"))
        days = daily_means(hours, seed_rows("std_air_validity"))
        standards = IndexStandards.from_seeds({name: seed_rows(name) for name in INDEX_SEEDS})
        judged = daily_index(days.with_columns(_measured_items()), standards).drop("measured_items")
        compared = compare_with_limits(judged, seed_rows("std_ambient_limits"))
        label = pl.col("business_date").dt.to_string("%Y-%m").alias(GRAIN.column)
        return compared.join(origins, on=["station_id", "business_date"]).with_columns(label)

    return _evidence(
        refresh_pieces(lake, f"silver/{DAYS}", GRAIN.column, _within(context, wanted), build, report=context.log.info)
    )


def _raw_asset(table: str, time_column: str, upstream: dg.AssetsDefinition, title: str) -> dg.AssetsDefinition:
    @_monthly_asset(
        ["raw", table],
        [upstream],
        {"postgres"},
        f"{title}，装入仓库。Loaded into the warehouse by months, staging table then swap.",
    )
    def load(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        wanted = _within(context, piece_digests(platform.lake, f"silver/{table}", GRAIN.column))
        with platform.warehouse() as warehouse:
            stale = sorted(_stale(wanted, _loaded(warehouse, table)))
            if not stale:
                return _evidence(Refresh([], 0, len(wanted)))
            rows = platform.lake.scan(f"silver/{table}", {GRAIN.column: stale}).collect()
            if time_column == "business_date":
                rows = rows.with_columns(pl.col(time_column).cast(pl.Date))
            windows = [window_of(GRAIN, label, time_column) for label in stale]
            loaded = warehouse.replace_window(table, rows, windows)
        return _evidence(Refresh(stale, loaded.rows_written, len(wanted) - len(stale)))

    return load


raw_station_hours = _raw_asset(HOURS, "measured_at", silver_station_hours, "空气站小时指数")
raw_station_days = _raw_asset(DAYS, "business_date", silver_station_days, "空气站日指数")


def vitals_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of this room."""
    return [silver_readings, silver_station_hours, silver_station_days, raw_station_hours, raw_station_days]


def oldest_stale_day(platform: Platform) -> date | None:
    """Return the first day of the oldest month whose inputs changed since it was computed or loaded, None if none did.

    New deliveries are not all that can change: a standard's new edition, a method, or a warehouse that was lost and
    made anew leave months behind that no delivery points to.
    """
    lake = platform.lake
    stale = _stale(_wanted_readings(lake), piece_digests(lake, f"silver/{READINGS}", GRAIN.column))
    stale |= _stale(_wanted_hours(lake), piece_digests(lake, f"silver/{HOURS}", GRAIN.column))
    stale |= _stale(_wanted_days(lake), piece_digests(lake, f"silver/{DAYS}", GRAIN.column))
    with platform.warehouse() as warehouse:
        for table in (HOURS, DAYS):
            stale |= _stale(piece_digests(lake, f"silver/{table}", GRAIN.column), _loaded(warehouse, table))
    return GRAIN.first_day(min(stale)) if stale else None


def _wanted_readings(lake: Lake) -> dict[str, str]:
    seeds = seeds_digest("ref_vital_factors", "ref_monitoring_stations")
    return batch_digests(lake, f"bronze/{READINGS}", GRAIN.column, METHOD_EDITION, seeds)


def _wanted_hours(lake: Lake) -> dict[str, str]:
    return piece_digests(lake, f"silver/{READINGS}", GRAIN.column, METHOD_EDITION, seeds_digest(*INDEX_SEEDS))


def _wanted_days(lake: Lake) -> dict[str, str]:
    return piece_digests(lake, f"silver/{HOURS}", GRAIN.column, METHOD_EDITION, seeds_digest(*DAY_SEEDS))


def _loaded(warehouse: Warehouse, table: str) -> dict[str, str]:
    """Return the input digest of each month that stands in raw."""
    exists = warehouse.read(Role.LOADER, "select to_regclass(%s) is not null as found", (f"raw.{table}",))
    if not exists["found"][0]:
        return {}
    query = f"select distinct {GRAIN.column}, {INPUT_DIGEST} from raw.{table}"  # noqa: S608
    return dict(warehouse.read(Role.LOADER, query).iter_rows())


def _stale(wanted: dict[str, str], standing: dict[str, str]) -> set[str]:
    return {label for label, digest in wanted.items() if standing.get(label) != digest}


def _within(context: dg.AssetExecutionContext, wanted: dict[str, str]) -> dict[str, str]:
    labels = set(labels_between(GRAIN, days_of(context)))
    return {label: digest for label, digest in wanted.items() if label in labels}


def _label(time_column: str) -> pl.Expr:
    local = pl.col(time_column).dt.convert_time_zone("Asia/Shanghai")
    return local.dt.to_string("%Y-%m" if GRAIN is Grain.MONTH else "%Y-%m-%d").alias(GRAIN.column)


def _measured_items() -> pl.Expr:
    """Which items a station has instruments for, from the station register."""
    stations = seed_rows("ref_monitoring_stations")
    items = dict(stations.select("station_id", pl.col("measured_items").str.replace_all(" ", ",")).iter_rows())
    return pl.col("station_id").replace_strict(items, return_dtype=pl.String).alias("measured_items")


def _quarantine_unknown(lake: Lake, unknown: pl.DataFrame) -> int:
    """Put readings that no reference row covers aside; a second run over the same piece adds none twice."""
    if unknown.is_empty():
        return 0
    rows = unknown.with_columns(
        record=pl.struct("station_id_iot", "factor_code", "measured_at", "value", "unit").struct.json_encode()
    )
    refused = quarantine.quarantined(
        rows,
        source=SOURCE.source,
        stream="air_readings",
        loaded_at=rows["_loaded_at"].max(),  # type: ignore[arg-type]
        nothing_landed=False,
    )
    return quarantine.add(lake, refused)


def _evidence(refresh: Refresh, **more: int) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": refresh.rows,
            "pieces_computed": len(refresh.pieces),
            "pieces_unchanged": refresh.unchanged,
            **more,
        }
    )
