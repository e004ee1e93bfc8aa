"""The work on one piece: from its bronze rows to staged files of its tables."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST
from lakehouse.staged_files import StagedFile, stage
from methods.preprocessing import PieceTables, PieceTime, process_piece
from methods.quality_control.history import MEASURES, baseline
from methods.quality_control.judgement import Memory, QualityRules

BATCHES_DIGEST = "_batches_digest"
MINUTES = "telemetry__point_minutes"
ZONE_HOURS = "telemetry__zone_hours"
ZONE_DAYS = "telemetry__zone_days"
TREATMENTS = "telemetry__treatments"
EXCEPTIONS = "telemetry__exceptions"
PIECE_TABLES: dict[str, str] = {
    MINUTES: "minutes",
    ZONE_HOURS: "hours",
    TREATMENTS: "treatments",
    EXCEPTIONS: "exceptions",
    ZONE_DAYS: "days",  # the last one: its digest says that the piece is done
}
"""Tables of a piece, in the order in which they are committed, and what of `PieceTables` goes in."""

READ = (
    *("point_id_iot", "measured_at", "value", "unit", "source_flag", "received_at", "data_origin"),
    *("_source_uri", "_row_number", "_loaded_at"),
)


@dataclass(frozen=True)
class PieceJob:
    """Everything that one piece is made from; it can be sent to another process.

    Attributes:
        lake: where the tables lie.
        bronze: table of the received readings.
        label: partition label of the business date.
        zone: zone of the readings.
        when: day and present.
        rules: what holds on the day, of all points of the park.
        expected, silence: by point of the settings, see `process_piece`.
        days_before: rows of the table of days, of the days that count for the baseline.
        digests: columns that say what the piece was made from.
    """

    lake: Lake
    bronze: str
    label: str
    zone: str
    when: PieceTime
    rules: QualityRules
    expected: pl.Series
    silence: pl.Series
    days_before: pl.DataFrame
    digests: Mapping[str, str]


@dataclass(frozen=True)
class PieceOutcome:
    """What became of a piece: files that wait for their commit, and the rows that nothing covers."""

    label: str
    zone: str
    staged: Mapping[str, StagedFile]
    unknown: pl.DataFrame
    readings: int
    seconds: Mapping[str, float] = field(default_factory=dict)


def run_piece(job: PieceJob) -> PieceOutcome:
    """Read, judge, resample and stage one piece."""
    started = time.perf_counter()
    partitions = {"business_date": [job.label], "zone_id": [job.zone]}
    readings = (
        job.lake.scan(job.bronze, partitions).select(READ).collect()
        if job.lake.exists(job.bronze)
        else pl.DataFrame()
    )
    read = time.perf_counter()
    tables = piece_tables(job, readings)
    judged = time.perf_counter()
    staged = {}
    for table, attribute in PIECE_TABLES.items():
        frame = getattr(tables, attribute)
        drop = [name for name in ("business_date",) if name in frame.columns]
        digests = [pl.lit(value).cast(pl.Categorical).alias(name) for name, value in job.digests.items()]
        frame = frame.drop(drop).with_columns(digests)
        staged[table] = stage(job.lake, f"silver/{table}", frame, {"business_date": job.label, "zone_id": job.zone})
    seconds = {"read": read - started, "judge": judged - read, "write": time.perf_counter() - judged}
    return PieceOutcome(job.label, job.zone, staged, tables.unknown, readings.height, seconds)


def piece_tables(job: PieceJob, readings: pl.DataFrame) -> PieceTables:
    """Judge the readings by the points of the zone and by those that it speaks of, wherever they are registered."""
    settings = job.rules.settings
    seen = readings["point_id_iot"].unique()
    chosen = ((settings["zone_id"] == job.zone).fill_null(value=False)) | settings["point_id"].is_in(seen.implode())
    rules = QualityRules(settings.filter(chosen), job.rules.conversions, job.rules.source_flags)
    own_zone = (settings["zone_id"] == job.zone).fill_null(value=False)
    expected = (job.expected & own_zone).filter(chosen).to_numpy()
    memory = memory_of(rules.settings, job.days_before)
    return process_piece(readings, rules, memory, job.when, expected, job.silence.filter(chosen).to_numpy())


def memory_of(settings: pl.DataFrame, days_before: pl.DataFrame) -> Memory:
    """Return what the days before say of the points: what is usual, and how yesterday's chains ended."""
    if days_before.is_empty():
        return Memory.of(settings, None, None)
    usual = baseline(days_before.select("point_id", "business_date", *MEASURES), settings)
    yesterday = days_before.filter(pl.col("is_day_before"))
    return Memory.of(settings, yesterday, usual)
