"""Which pieces are stale, in the order in which they must be made, and their commit.

A day is judged by what the days before left behind (how chains of readings ended, what is usual), so days go one after
the other; the zones of a day are independent and can be worked on beside each other. A piece is stale when the digest
of its inputs is not the one it was made from. What a late file changes is its own piece, and later days only where
the changed tail or baseline really makes their digest another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl

from ingestion.readers import DayRange
from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.staged_files import commit
from methods.preprocessing import PieceTime
from methods.quality_control.history import MEASURES, baseline
from methods.quality_control.judgement import CHAINS, TAIL_COLUMNS, QualityRules
from orchestration.telemetry.pieces import (
    BATCHES_DIGEST,
    PIECE_TABLES,
    PIECES,
    ZONE_DAYS,
    PieceJob,
    PieceOutcome,
    PieceSource,
    stage_note,
)
from orchestration.telemetry.register import PointRegister, owes_readings, rules_digest, silence_limits
from orchestration.telemetry.streams import ReadingStream, reading_streams
from orchestration.telemetry.unknown import covered_since, set_aside, settle, waiting

EDITION = "1"  # raise it when a method changes: every piece is then made again
TAILS = [f"{chain}_{name}" for chain in CHAINS for name in TAIL_COLUMNS]

_NOTHING_BEFORE: dict[str, pl.DataType] = {
    "point_id": pl.String(),
    "business_date": pl.String(),
    **dict.fromkeys(MEASURES, pl.Float64()),
    **{name: pl.Float64() if name.endswith("value") else pl.Datetime("us", "UTC") for name in TAILS},
    "is_day_before": pl.Boolean(),
}

EVERY_DAY = DayRange(date.min, date.max)
Piece = tuple[str, str]  # label of the business date, zone
Mapper = Callable[[Sequence[PieceJob]], Iterable[PieceOutcome]]


@dataclass
class TelemetryRefresh:
    """What one refresh did.

    Attributes:
        pieces: pieces made again, day and zone.
        unchanged: how many pieces were left alone.
        readings: readings in the pieces made.
        unknown: received rows of unknown points or units.
        quarantined: how many of them were put into quarantine now.
        seconds: time spent reading, judging and writing, summed over workers.
    """

    pieces: list[Piece] = field(default_factory=list)
    unchanged: int = 0
    readings: int = 0
    unknown: list[pl.DataFrame] = field(default_factory=list)
    quarantined: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def count(self, outcome: PieceOutcome) -> None:
        """Add one piece."""
        self.pieces.append((outcome.label, outcome.zone))
        self.readings += outcome.readings
        if outcome.unknown.height:
            self.unknown.append(outcome.unknown)
        for name, value in outcome.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value


@dataclass(frozen=True)
class _DayRules:
    """What holds on one business date, worked out once."""

    rules: QualityRules
    owes: pl.Series
    digests: dict[str, str] = field(default_factory=dict)

    def expected_in(self, zone: str) -> pl.Series:
        """Tell of each point whether it is known in a zone on that day; others may speak there all the same."""
        settings = self.rules.settings
        return ((settings["zone_id"] == zone) & ~settings["is_later"]).fill_null(value=False)

    def digest_of(self, zone: str) -> str:
        """Return a digest of the rules and of the register's entries of a zone."""
        if zone not in self.digests:
            entries = self.rules.settings.filter(self.expected_in(zone))
            self.digests[zone] = _digest(EDITION, rules_digest(), entries.write_csv())
        return self.digests[zone]


@dataclass(frozen=True)
class TelemetryPieces:
    """The pieces of all streams of readings.

    Args:
        lake: where they lie.
        register: the register of devices.
        present: the present moment.
        streams: the streams; by default those of the source files.
    """

    lake: Lake
    register: PointRegister
    present: datetime
    streams: Sequence[ReadingStream] = field(default_factory=reading_streams)
    _by_date: dict[date, _DayRules] = field(default_factory=dict, repr=False, compare=False)

    def batches(self, days: DayRange) -> dict[Piece, str]:
        """Return a digest of the batches of every piece of some days; an undivided stream is in all its zones."""
        by_piece: dict[Piece, list[str]] = {}
        days_of: dict[str, set[str]] = {}
        for stream in sorted(self.streams, key=lambda stream: stream.follows is not None):
            for label, zone, batches in stream.batches(self.lake, days):
                days_of.setdefault(stream.slug, set()).add(label)
                if stream.follows is not None and label not in days_of.get(stream.follows, ()):
                    continue
                zones = [zone] if zone is not None else sorted(self._zones_of(stream, date.fromisoformat(label)))
                for own in zones:
                    by_piece.setdefault((label, own), []).append(f"{stream.slug} {batches}")
        return {piece: _digest(*sorted(parts)) for piece, parts in by_piece.items()}

    def _zones_of(self, stream: ReadingStream, day: date) -> set[str]:
        """Return the zones of the points whose vitals come by a stream."""
        settings = self._on(day).rules.settings
        return set(settings.filter(source_stream=stream.slug)["zone_id"].drop_nulls())

    def standing(self, column: str = INPUT_DIGEST) -> dict[Piece, str]:
        """Return a digest of every piece that stands."""
        table = f"silver/{PIECES}"
        if not self.lake.exists(table):
            return {}
        rows = self.lake.query(
            f"select business_date, zone_id, any_value({column}) from made group by 1, 2",  # noqa: S608
            {"made": table},
        )
        return {(label, zone): digest for label, zone, digest in rows.iter_rows()}

    def oldest_stale_day(self) -> date | None:
        """Return the oldest day with a piece whose own readings, rules or register are no longer those it was made of.

        What a change does to later days shows when they come up themselves.
        """
        batches = self.batches(EVERY_DAY)
        standing = self.standing(BATCHES_DIGEST)
        stale = [
            label
            for label, zones in self._by_day(batches, EVERY_DAY)
            for zone in zones
            if standing.get((label, zone)) != self._own_digest(label, zone, batches)
        ]
        stale += [label for label, _ in self._covered_since(waiting(self.lake, self.streams))]
        return date.fromisoformat(min(stale)) if stale else None

    def readings_to_judge(self, days: DayRange) -> int:
        """Return how many readings the divided streams have, to decide how many workers they are worth."""
        query = "select count(*) from landed where business_date between ? and ?"
        period = [days.first.isoformat(), days.last.isoformat()]
        divided = [stream for stream in self.streams if stream.zone_column is not None]
        tables = [stream.table for stream in divided if self.lake.exists(stream.table)]
        return sum(int(self.lake.query(query, {"landed": table}, period).item()) for table in tables)

    def refresh(
        self, days: DayRange, mapper: Mapper, report: Callable[[str], None] = lambda _: None
    ) -> TelemetryRefresh:
        """Make the stale pieces of some days again, day by day.

        Args:
            days: business dates to look at.
            mapper: works on the jobs of one day and yields what became of them, in any order.
            report: receives a sentence after each day.
        """
        done = TelemetryRefresh()
        batches, standing = self.batches(days), self.standing()
        waits = waiting(self.lake, self.streams)
        covered = self._covered_since(waits)
        for label, zones in self._by_day(batches, days):
            jobs = []
            for job in self._jobs(label, zones, batches):
                is_made = standing.get((label, job.zone)) == job.digests[INPUT_DIGEST]
                if is_made and (label, job.zone) not in covered:
                    done.unchanged += 1
                else:
                    jobs.append(job)
            if not jobs:
                continue
            outcomes = self._with_strangers(list(mapper(jobs)), mapper)
            # Quarantine first: a run killed before its last commit makes the pieces again and adds no row twice.
            unknown = [outcome.unknown for outcome in outcomes if outcome.unknown.height]
            if unknown:
                done.quarantined += set_aside(self.lake, self.streams, label, pl.concat(unknown))
            still_unknown = {outcome.zone: outcome.unknown for outcome in outcomes}
            for job in jobs if waits else []:
                settle(self.lake, self.streams, waits, job, still_unknown[job.zone])
            for table in PIECE_TABLES:
                commit(self.lake, [outcome.staged[table] for outcome in outcomes])
            commit(self.lake, [stage_note(self.lake, outcome) for outcome in outcomes])
            for outcome in outcomes:
                done.count(outcome)
            report(f"遥测质控 {label}：{'、'.join(sorted(outcome.zone for outcome in outcomes))}")
        return done

    def _covered_since(self, waits: Mapping[str, pl.DataFrame]) -> set[Piece]:
        return covered_since(self.lake, self.streams, waits, self.register.entries["record_id"].unique())

    def _on(self, day: date) -> _DayRules:
        if day not in self._by_date:
            rules = self.register.rules_on(day)
            owes = owes_readings(rules.settings, day, [stream.slug for stream in self.streams])
            self._by_date[day] = _DayRules(rules, owes)
        return self._by_date[day]

    def _own_digest(self, label: str, zone: str, batches: Mapping[Piece, str]) -> str:
        day = date.fromisoformat(label)
        # What was made before the day was over lacks the hours that came after: it is made again when it is.
        state = "over" if day <= self._last_full_day else "going on"
        return _digest(self._on(day).digest_of(zone), batches.get((label, zone), ""), state)

    @property
    def _last_full_day(self) -> date:
        return self.present.astimezone(PARK_TIME_ZONE).date() - timedelta(days=1)

    def _by_day(self, batches: Mapping[Piece, str], days: DayRange) -> list[tuple[str, list[str]]]:
        """Return the days from the first delivery to the last full day, with the zones that delivered or owe."""
        delivering = [stream for stream in self.streams if stream.follows is None]
        oldest = [day for stream in delivering if (day := stream.first_day(self.lake)) is not None]
        if not oldest:
            return []
        labels = {label for label, _ in batches}
        first = max(min(oldest), days.first)
        last = min(max([self._last_full_day, *map(date.fromisoformat, labels)]), days.last)
        result = []
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            label = day.isoformat()
            if day > self._last_full_day and label not in labels:
                continue
            owing = self._owing_zones(day)
            result.append((label, sorted({zone for known, zone in batches if known == label} | owing)))
        return result

    def _owing_zones(self, day: date) -> set[str]:
        held = self._on(day)
        return set(held.rules.settings.filter(held.owes)["zone_id"].drop_nulls())

    def _jobs(self, label: str, zones: Sequence[str], batches: Mapping[Piece, str]) -> Iterator[PieceJob]:
        day = date.fromisoformat(label)
        settings = self._on(day).rules.settings
        before = self._days_before(day, int(settings["baseline_days"].max() or 0))  # type: ignore[arg-type]
        for zone in zones:
            own = self._own_digest(label, zone, batches)
            job = self._job(label, zone, self._on(day).expected_in(zone), before)
            context = _context_digest(job.days_before, job.rules.settings)
            yield replace(job, digests={BATCHES_DIGEST: own, INPUT_DIGEST: _digest(own, context)})

    def _job(self, label: str, zone: str, chosen: pl.Series, before: pl.DataFrame) -> PieceJob:
        """Return the job of a zone with some of the points of the register."""
        day = date.fromisoformat(label)
        held = self._on(day)
        settings = held.rules.settings.filter(chosen)
        return PieceJob(
            lake=self.lake,
            sources=list(self._sources(label, zone, settings["point_id"])),
            label=label,
            zone=zone,
            when=PieceTime(day, self.present),
            rules=QualityRules(settings, held.rules.conversions, held.rules.source_flags),
            expected=held.owes.filter(chosen) & (settings["zone_id"] == zone).fill_null(value=False),
            silence=silence_limits(settings, day),
            days_before=before.filter(pl.col("point_id").is_in(settings["point_id"].implode())),
            digests={},
        )

    def _sources(self, label: str, zone: str, points: pl.Series) -> Iterator[PieceSource]:
        """Yield what a piece takes from each stream; the first zone of an undivided one also takes its strangers."""
        day = date.fromisoformat(label)
        for stream in self.streams:
            if not self.lake.exists(stream.table):
                continue
            if stream.zone_column is not None:
                yield PieceSource(stream)
                continue
            zones = sorted(self._zones_of(stream, day))
            if zone in zones:
                settings = self._on(day).rules.settings
                registered = settings.filter(~pl.col("is_later"))["point_id"]
                yield PieceSource(stream, points, registered if zone == zones[0] else None)

    def _with_strangers(self, outcomes: Sequence[PieceOutcome], mapper: Mapper) -> list[PieceOutcome]:
        """Make pieces again in which others than the zone's own points speak, with what the register says of them."""
        again: dict[Piece, PieceJob] = {}
        for outcome in outcomes:
            day = date.fromisoformat(outcome.label)
            settings = self._on(day).rules.settings
            spoken = outcome.unknown.filter(reason_code="unknown_point")["point_id_iot"].unique()
            strangers = settings["point_id"].is_in(spoken.implode())
            if strangers.any():
                own_zone = self._on(day).expected_in(outcome.zone)
                before = self._days_before(day, int(settings["baseline_days"].max() or 0))  # type: ignore[arg-type]
                job = self._job(outcome.label, outcome.zone, own_zone | strangers, before)
                again[outcome.label, outcome.zone] = replace(job, digests=outcome.digests)
        if not again:
            return list(outcomes)
        kept = [outcome for outcome in outcomes if (outcome.label, outcome.zone) not in again]
        return [*kept, *mapper(list(again.values()))]

    def _days_before(self, day: date, days: int) -> pl.DataFrame:
        """Return what the last days say of each point; only the newest of them has tails that matter.

        A point that spoke in another zone than its own has two rows of that day: the one that heard of it last counts.
        """
        table = f"silver/{ZONE_DAYS}"
        columns = ["point_id", "business_date", *MEASURES, *TAILS]
        if not self.lake.exists(table):
            return pl.DataFrame(schema=_NOTHING_BEFORE)
        labels = [(day - timedelta(days=back)).isoformat() for back in range(1, days + 1)]
        rows = self.lake.scan(table, {"business_date": labels}).select(columns).collect()
        yesterday = (day - timedelta(days=1)).isoformat()
        return (
            rows.with_columns(is_day_before=pl.col("business_date") == yesterday)
            .sort("point_id", "business_date", "causal_last_time", "final_last_time")
            .unique(["point_id", "business_date"], keep="last", maintain_order=True)
        )


def _context_digest(context: pl.DataFrame, settings: pl.DataFrame) -> str:
    """Return a digest of what a piece takes over from the days before: the baseline as it is rounded, and the tails."""
    if context.is_empty():
        return ""
    usual = baseline(context.select("point_id", "business_date", *MEASURES), settings)
    tails = context.filter(pl.col("is_day_before")).select("point_id", *TAILS).sort("point_id")
    return _digest(usual.write_csv(), tails.write_csv())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
