"""A park day of minute telemetry from bronze to hours, beside a bare DuckDB group-by over the same files.

It is the refresh that the asset runs, with the same worker processes, on a lake of its own. Four days are made: on the
first nothing is known of the points, so only the tests that need no history can speak; on the fourth every point has
a baseline. Then a late file arrives for one zone.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from ingestion.landing import Landing
from ingestion.readers import DayRange
from ingestion.readers.daily_archive import DailyArchive
from ingestion.simulated_park.telemetry_archive import STREAM, faultless_devices, write_telemetry_day
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from lakehouse.staged_files import StagedFile, commit, stage
from orchestration.telemetry.refresh import TelemetryPieces
from orchestration.telemetry.register import PointRegister
from orchestration.telemetry.workers import local_mapper
from tests.benchmarks.figures import TELEMETRY_BASELINE, Figure, median_figure

LAST_DAY = date(2026, 11, 21)
PRESENT = datetime(2026, 11, 22, tzinfo=UTC)
DAYS_OF_HISTORY = 3
BASELINE_RUNS = 3
SEED = 20260301
POINTS_OF_A_PARK, ZONES_OF_A_PARK = 25_000, 10
POINTS_OF_THE_NATION, ZONES_OF_THE_NATION = 555_556, 222  # 0.8 billion readings a day, safety reference 3.3
LATE_SHARE = 0.01


@dataclass(frozen=True)
class TelemetrySize:
    """How many points in how many zones, and how many days come before the one with history."""

    points: int
    zones: int
    days_before: int


PARK_DAY = TelemetrySize(POINTS_OF_A_PARK, ZONES_OF_A_PARK, DAYS_OF_HISTORY)
NATION_DAY = TelemetrySize(POINTS_OF_THE_NATION, ZONES_OF_THE_NATION, 0)


@dataclass(frozen=True)
class Bench:
    """A lake with some days of bronze."""

    folder: Path
    lake: Lake
    size: TelemetrySize

    @cached_property
    def readings(self) -> int:
        """How many readings the last day has."""
        return int(pl.scan_parquet(self.files).select(pl.len()).collect().item())

    @property
    def files(self) -> list[str]:
        """The bronze files of the last day."""
        return [str(path) for path in (self.folder / "lake" / BRONZE).glob(f"business_date={LAST_DAY}/*/*.parquet")]


SLUG = f"telemetry_archive__{STREAM}"
BRONZE = f"bronze/{SLUG}"


def measure_telemetry(folder: Path, size: TelemetrySize) -> Iterator[Figure]:
    """Measure one size in a folder that `prepare` filled."""
    bench = Bench(folder, Lake(folder / "lake"), size)
    yield _bare_duckdb(bench)
    pieces = TelemetryPieces(bench.lake, PointRegister(_register(size)), PRESENT)
    started = time.perf_counter()
    with local_mapper(bench.readings, 0) as mapper:
        yield _figure("workers", "start of the worker processes", time.perf_counter() - started)
        for back in range(size.days_before, -1, -1):
            day = LAST_DAY - timedelta(days=back)
            started = time.perf_counter()
            done = pieces.refresh(DayRange(day, day), mapper)
            seconds = time.perf_counter() - started
            if back == size.days_before:
                remark = f"range, time, flat line, source flag; {_spent(done.seconds)}"
                yield _figure(
                    "cheap", "bronze to minutes and hours, nothing known before", seconds, done.readings, remark
                )
            elif back == 0:
                remark = f"rate, spike and habit of each point as well; {_spent(done.seconds)}"
                yield _figure("history", "bronze to minutes and hours, with history", seconds, done.readings, remark)
        late = _late_rows(bench)
        bench.lake.append(BRONZE, late, ["business_date", "zone_id"], {"late": "1"})
        started = time.perf_counter()
        again = pieces.refresh(DayRange(LAST_DAY, LAST_DAY), mapper)
        seconds = time.perf_counter() - started
        remark = f"{late.height:,} late readings; {len(again.pieces)} of {size.zones} pieces made again"
        yield _figure("late_file", "a late file of one zone", seconds, again.readings, remark)
    yield _landing(bench)
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    yield _figure("memory", f"peak memory: {workers:.2f} GB in a worker, {own:.2f} GB in the parent", None)


def prepare(folder: Path, size: TelemetrySize) -> None:
    """Write one day and lay it into bronze, for the other days the same readings moved by whole days."""
    lake = Lake(folder / "lake")
    written = write_telemetry_day(folder / "archive", LAST_DAY, points=size.points, zones=size.zones, seed=SEED)
    for back in range(size.days_before, -1, -1):
        staged: list[StagedFile] = []
        for path in written.files:
            rows = _as_landed(pl.read_parquet(path), path, back)
            zone = path.name.split(".")[1]
            day = (LAST_DAY - timedelta(days=back)).isoformat()
            staged.append(stage(lake, BRONZE, rows, {"business_date": day, "zone_id": zone}))
        commit(lake, staged)


def _as_landed(rows: pl.DataFrame, path: Path, days_back: int) -> pl.DataFrame:
    """Return the rows of an archive file as landing leaves them."""
    moments = [
        (pl.col(name).dt.convert_time_zone("UTC") - timedelta(days=days_back)).alias(name)
        for name in ("measured_at", "received_at")
    ]
    digest = f"{path.name}/{days_back}"
    return (
        rows.drop("zone_id")
        .with_columns(
            *moments,
            pl.lit(path.name).cast(pl.Categorical).alias("_source_uri"),
            pl.lit(digest).cast(pl.Categorical).alias("_digest"),
            pl.lit(digest).cast(pl.Categorical).alias("_batch_id"),
            pl.lit(PRESENT).cast(pl.Datetime("us", "UTC")).alias("_loaded_at"),
        )
        .with_row_index("_row_number", offset=1)
        .with_columns(pl.col("_row_number").cast(pl.Int64))
    )


def _register(size: TelemetrySize) -> pl.DataFrame:
    devices = faultless_devices(points=size.points, zones=size.zones, seed=SEED)
    records = [device.as_record(LAST_DAY) for zone in devices.values() for device in zone]
    rows = pl.DataFrame(records, infer_schema_length=None)
    return rows.with_columns(
        pl.col("installed_on").str.to_date(),
        update_time=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")),
        _loaded_at=pl.lit(PRESENT).cast(pl.Datetime("us", "UTC")),
        _row_number=pl.lit(1),
    )


def _bare_duckdb(bench: Bench) -> Figure:
    query = (
        "select point_id_iot, date_trunc('hour', measured_at) as hour, count(*), avg(value), max(value) "
        "from read_parquet(?) group by all"
    )
    seconds = []
    for _ in range(BASELINE_RUNS):
        with duckdb.connect() as connection:
            started = time.perf_counter()
            connection.execute(f"create table hours as {query}", [bench.files])
            seconds.append(time.perf_counter() - started)
    title = f"bare DuckDB: count, mean and maximum of every point and hour, {bench.size.zones} files"
    return median_figure(TELEMETRY_BASELINE, title, seconds, readings=bench.readings)


def _late_rows(bench: Bench) -> pl.DataFrame:
    """Return a hundredth of a zone's readings as if their first delivery had missed them by a second."""
    rows = bench.lake.scan(BRONZE, {"business_date": [LAST_DAY.isoformat()], "zone_id": ["Z1"]}).collect()
    return rows.gather_every(round(1 / LATE_SHARE)).with_columns(
        pl.col("measured_at") + timedelta(seconds=1),
        _batch_id=pl.lit("late"),
        _source_uri=pl.lit("late"),
        _digest=pl.lit("late"),
    )


def _landing(bench: Bench) -> Figure:
    """Measure landing on one zone file of the archive."""
    source = load_sources()["telemetry_archive"]
    archive = bench.folder / "one_zone"
    first = next((bench.folder / "archive").rglob("*.Z1.parquet"))
    target = archive / STREAM / first.name
    target.parent.mkdir(parents=True)
    shutil.copy(first, target)
    landing = Landing(Lake(bench.folder / "landed"), source, STREAM, PRESENT)
    started = time.perf_counter()
    reader = DailyArchive(archive, "telemetry_archive_url")
    landed = landing.land(reader.deliveries(source, source.streams[STREAM], DayRange(LAST_DAY, LAST_DAY)))
    seconds = time.perf_counter() - started
    return _figure("landing", "landing one zone file in bronze", seconds, landed.rows_landed)


def _figure(name: str, title: str, seconds: float | None, readings: int | None = None, remark: str = "") -> Figure:
    return Figure(f"telemetry.{name}", f"· {title}", seconds, 1, readings, remark, TELEMETRY_BASELINE)


def _spent(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items()) + " summed over workers"


def main() -> int:
    """Prepare or measure, each in a process of its own: the memory of one is not taken for that of the other.

    python -m tests.benchmarks.telemetry prepare|measure FOLDER small|nation|<points> FIGURES
    """
    task, folder, name, found = sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    size = NATION_DAY if name == "nation" else PARK_DAY
    if name.isdigit():
        size = TelemetrySize(int(name), ZONES_OF_A_PARK, DAYS_OF_HISTORY)
    if task == "prepare":
        prepare(folder, size)
        return 0
    figures: list[dict[str, object]] = []
    for figure in measure_telemetry(folder, size):
        figures.append(vars(figure))
        found.write_text(json.dumps(figures), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
