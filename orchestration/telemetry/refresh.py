"""Which pieces are stale, in the order in which they must be made, and their commit.

A day is judged by what the days before left behind (how chains of readings ended, what is usual), so days go one after
the other; the zones of a day are independent and can be worked on beside each other. A piece is stale when the digest
of its inputs is not the one it was made from. What a late file changes is its own piece, and later days only where
the changed tail or baseline really makes their digest another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from orchestration.telemetry.pieces import BATCHES_DIGEST, PIECE_TABLES, ZONE_DAYS, PieceJob, PieceOutcome
from orchestration.telemetry.register import PointRegister, owes_readings, rules_digest, silence_limits

EDITION = "1"  # raise it when a method changes: every piece is then made again
TAILS = [f"{chain}_{name}" for chain in CHAINS for name in TAIL_COLUMNS]

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
        seconds: time spent reading, judging and writing, summed over workers.
    """

    pieces: list[Piece] = field(default_factory=list)
    unchanged: int = 0
    readings: int = 0
    unknown: list[pl.DataFrame] = field(default_factory=list)
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
    digest: str


@dataclass(frozen=True)
class TelemetryPieces:
    """The pieces of one stream of readings.

    Args:
        lake: where they lie.
        stream: slug of the stream.
        register: the register of devices.
        present: the present moment.
    """

    lake: Lake
    stream: str
    register: PointRegister
    present: datetime
    _by_date: dict[date, _DayRules] = field(default_factory=dict, repr=False, compare=False)

    @property
    def bronze(self) -> str:
        """Table of the received readings."""
        return f"bronze/{self.stream}"

    def batches(self) -> dict[Piece, str]:
        """Return the digest of the batches of every piece that has any."""
        if not self.lake.exists(self.bronze):
            return {}
        rows = self.lake.query(
            "select business_date, zone_id, string_agg(distinct _batch_id, ',' order by _batch_id) from landed "
            "group by 1, 2",
            {"landed": self.bronze},
        )
        return {(label, zone): _digest(batches) for label, zone, batches in rows.iter_rows()}

    def standing(self, column: str = INPUT_DIGEST) -> dict[Piece, str]:
        """Return a digest of every piece that stands, by what the last table of a piece says."""
        table = f"silver/{ZONE_DAYS}"
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
        batches = self.batches()
        standing = self.standing(BATCHES_DIGEST)
        stale = [
            label
            for label, zones in self._by_day(batches, DayRange(date.min, date.max))
            for zone in zones
            if standing.get((label, zone)) != self._own_digest(label, zone, batches)
        ]
        return date.fromisoformat(min(stale)) if stale else None

    def readings_to_judge(self, days: DayRange) -> int:
        """Return how many readings the days have in bronze, for whoever must decide how many workers they are worth."""
        if not self.lake.exists(self.bronze):
            return 0
        count = self.lake.query(
            "select count(*) from landed where business_date between ? and ?",
            {"landed": self.bronze},
            [days.first.isoformat(), days.last.isoformat()],
        )
        return int(count.item())

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
        batches, standing = self.batches(), self.standing()
        for label, zones in self._by_day(batches, days):
            jobs = []
            for job in self._jobs(label, zones, batches):
                if standing.get((label, job.zone)) == job.digests[INPUT_DIGEST]:
                    done.unchanged += 1
                else:
                    jobs.append(job)
            if not jobs:
                continue
            outcomes = list(mapper(jobs))
            for table in PIECE_TABLES:
                commit(self.lake, [outcome.staged[table] for outcome in outcomes])
            for outcome in outcomes:
                done.count(outcome)
            report(f"遥测质控 {label}：{'、'.join(sorted(outcome.zone for outcome in outcomes))}")
        return done

    def _on(self, day: date) -> _DayRules:
        if day not in self._by_date:
            rules = self.register.rules_on(day)
            owes = owes_readings(rules.settings, day, self.stream)
            digest = _digest(EDITION, rules_digest(), rules.settings.write_csv())
            self._by_date[day] = _DayRules(rules, owes, digest)
        return self._by_date[day]

    def _own_digest(self, label: str, zone: str, batches: Mapping[Piece, str]) -> str:
        return _digest(self._on(date.fromisoformat(label)).digest, batches.get((label, zone), ""))

    def _by_day(self, batches: Mapping[Piece, str], days: DayRange) -> list[tuple[str, list[str]]]:
        """Return the days from the first delivery to the last full day, with the zones that delivered or owe."""
        labels = {label for label, _ in batches}
        if not labels:
            return []
        last_full = self.present.astimezone(PARK_TIME_ZONE).date() - timedelta(days=1)
        first, last = date.fromisoformat(min(labels)), max(last_full, date.fromisoformat(max(labels)))
        first, last = max(first, days.first), min(last, days.last)
        result = []
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            label = day.isoformat()
            if day > last_full and label not in labels:
                continue
            owing = self._owing_zones(day)
            result.append((label, sorted({zone for known, zone in batches if known == label} | owing)))
        return result

    def _owing_zones(self, day: date) -> set[str]:
        held = self._on(day)
        return set(held.rules.settings.filter(held.owes)["zone_id"].drop_nulls())

    def _jobs(self, label: str, zones: Sequence[str], batches: Mapping[Piece, str]) -> Iterator[PieceJob]:
        day = date.fromisoformat(label)
        held = self._on(day)
        settings = held.rules.settings
        before = self._days_before(day, int(settings["baseline_days"].max() or 0))  # type: ignore[arg-type]
        silence = silence_limits(settings, day)
        for zone in zones:
            own = self._own_digest(label, zone, batches)
            points = settings.filter(zone_id=zone)["point_id"]
            context = before.filter(pl.col("point_id").is_in(points.implode()))
            digests = {BATCHES_DIGEST: own, INPUT_DIGEST: _digest(own, _context_digest(context, settings))}
            yield PieceJob(
                lake=self.lake,
                bronze=self.bronze,
                label=label,
                zone=zone,
                when=PieceTime(day, self.present),
                rules=held.rules,
                expected=held.owes,
                silence=silence,
                days_before=before,
                digests=digests,
            )

    def _days_before(self, day: date, days: int) -> pl.DataFrame:
        """Return what the last days say of each point; only the newest of them has tails that matter."""
        table = f"silver/{ZONE_DAYS}"
        columns = ["point_id", "business_date", *MEASURES, *TAILS]
        if not self.lake.exists(table):
            times = {f"{chain}_{name}": pl.Datetime("us", "UTC") for chain in CHAINS for name in TAIL_COLUMNS if "value" not in name}
            schema = {"point_id": pl.String(), "business_date": pl.String(), **dict.fromkeys((*MEASURES, *TAILS), pl.Float64())}
            return pl.DataFrame(schema=schema | times | {"is_day_before": pl.Boolean()})
        labels = [(day - timedelta(days=back)).isoformat() for back in range(1, days + 1)]
        rows = self.lake.scan(table, {"business_date": labels}).select(columns).collect()
        yesterday = (day - timedelta(days=1)).isoformat()
        return rows.with_columns(is_day_before=pl.col("business_date") == yesterday).sort("point_id", "business_date")


def _context_digest(context: pl.DataFrame, settings: pl.DataFrame) -> str:
    """Return a digest of what a piece takes over from the days before: the baseline as it is rounded, and the tails."""
    if context.is_empty():
        return ""
    usual = baseline(context.select("point_id", "business_date", *MEASURES), settings)
    tails = context.filter(pl.col("is_day_before")).select("point_id", *TAILS).sort("point_id")
    return _digest(usual.write_csv(), tails.write_csv())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
