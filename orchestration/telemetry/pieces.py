"""The work on one piece: from its bronze rows to staged files of its tables."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST
from lakehouse.staged_files import StagedFile, stage
from methods.preprocessing import PieceTables, PieceTime, process_piece
from methods.quality_control.history import MEASURES, baseline
from methods.quality_control.judgement import Memory, QualityRules
from orchestration.telemetry.streams import READ, ReadingStream

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
    ZONE_DAYS: "days",
}
"""Tables of a piece, in the order in which they are committed, and what of `PieceTables` goes in."""
PIECES = "telemetry__pieces"
"""One row a piece, committed after its tables: it says that the piece stands and what of, though it may hold no row."""

WITH_DIGEST = (ZONE_HOURS, TREATMENTS, ZONE_DAYS)
"""Tables from which others are made: their rows carry the digest of what they were made from."""


@dataclass(frozen=True)
class PieceSource:
    """What a piece takes from one stream.

    Attributes:
        stream: the stream.
        points: the points that it takes; None: all of a stream that is divided by zones.
        strangers: it also takes the rows of points that are registered nowhere (all but these points).
    """

    stream: ReadingStream
    points: pl.Series | None = None
    strangers: pl.Series | None = None

    def read(self, lake: Lake, label: str, zone: str) -> pl.DataFrame:
        """Return the readings."""
        rows = self.stream.scan(lake, label, zone)
        if self.points is not None:
            own = pl.col("point_id_iot").is_in(self.points.implode())
            foreign = pl.lit(value=False)
            if self.strangers is not None:
                foreign = ~pl.col("point_id_iot").is_in(self.strangers.implode())
            rows = rows.filter(own | foreign)
        return rows.collect()


@dataclass(frozen=True)
class PieceJob:
    """Everything that one piece is made from; it can be sent to another process.

    Attributes:
        lake: where the tables lie.
        sources: where its readings come from.
        label: partition label of the business date.
        zone: zone of the readings.
        when: day and present.
        rules: what holds on the day, of the points of the zone and whoever else speaks in it.
        expected, silence: by point of the settings, see `process_piece`.
        days_before: what the days that count for the baseline say of these points.
        digests: columns that say what the piece was made from.
    """

    lake: Lake
    sources: Sequence[PieceSource]
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
    """What became of a piece: files that wait for their commit, and the rows that nothing covers.

    Attributes:
        label, zone: which piece.
        staged: its file of each table.
        unknown: received rows without a register entry or conversion.
        digests: of the job.
        readings: how many it had.
        seconds: spent reading, judging and writing.
    """

    label: str
    zone: str
    staged: Mapping[str, StagedFile]
    unknown: pl.DataFrame
    digests: Mapping[str, str]
    readings: int
    seconds: Mapping[str, float] = field(default_factory=dict)


def run_piece(job: PieceJob) -> PieceOutcome:
    """Read, judge, resample and stage one piece."""
    started = time.perf_counter()
    found = [source.read(job.lake, job.label, job.zone) for source in job.sources]
    readings = found[0] if len(found) == 1 else pl.concat(found) if found else pl.DataFrame(schema=READ)
    read = time.perf_counter()
    tables = piece_tables(job, readings)
    judged = time.perf_counter()
    staged = {}
    for table, attribute in PIECE_TABLES.items():
        frame = getattr(tables, attribute)
        drop = [name for name in ("business_date",) if name in frame.columns]
        if table in WITH_DIGEST:
            frame = frame.with_columns(pl.lit(job.digests[INPUT_DIGEST]).cast(pl.Categorical).alias(INPUT_DIGEST))
        frame = frame.drop(drop)
        staged[table] = stage(job.lake, f"silver/{table}", frame, {"business_date": job.label, "zone_id": job.zone})
    seconds = {"read": read - started, "judge": judged - read, "write": time.perf_counter() - judged}
    return PieceOutcome(job.label, job.zone, staged, tables.unknown, job.digests, readings.height, seconds)


def stage_note(lake: Lake, outcome: PieceOutcome) -> StagedFile:
    """Stage the row that says that a piece stands: how many readings it had, how many nothing covers, its digests."""
    counts = {"readings": [outcome.readings], "unknown_readings": [outcome.unknown.height]}
    row = pl.DataFrame({**counts, **{name: [value] for name, value in outcome.digests.items()}})
    return stage(lake, f"silver/{PIECES}", row, {"business_date": outcome.label, "zone_id": outcome.zone})


def piece_tables(job: PieceJob, readings: pl.DataFrame) -> PieceTables:
    """Judge the readings by the points of the job."""
    memory = memory_of(job.rules.settings, job.days_before)
    return process_piece(
        readings, job.rules, memory, job.when, expected=job.expected.to_numpy(), silence=job.silence.to_numpy()
    )


def memory_of(settings: pl.DataFrame, days_before: pl.DataFrame) -> Memory:
    """Return what the days before say of the points: what is usual, and how yesterday's chains ended."""
    if days_before.is_empty():
        return Memory.of(settings, None, None)
    usual = baseline(days_before.select("point_id", "business_date", *MEASURES), settings)
    yesterday = days_before.filter(pl.col("is_day_before"))
    return Memory.of(settings, yesterday, usual)
