"""One piece of telemetry (a business date of one zone) from received readings to judged minutes, hours and counts.

A pure function of its arguments, so that it runs the same locally, on a cluster, and again. A piece walks its points
in blocks that fit into the processor's cache; nothing needs a whole day of the park in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from methods.quality_control.arrangement import MICROS_PER_MINUTE, MICROS_PER_SECOND, Ints, arrange, code_readings
from methods.quality_control.history import day_measures
from methods.quality_control.judgement import JudgedPiece, Memory, QualityRules, judge, tails_frame
from methods.quality_control.scheme import FLAG_OF_RANK, TEST_CODES, Mask, Rank
from methods.resampling import day_start, to_hours, to_minutes

ROWS_PER_BLOCK = 300_000
MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class PieceTables:
    """What a piece becomes.

    Attributes:
        minutes: see `resampling.Minutes.frame`.
        hours: see `resampling.to_hours`.
        days: one row a point: point_id, the counts of its readings, minutes_online, offline_episodes, when the last
            one was measured and received, data_origin (the worst present), what is usual (`history.day_measures`) and
            how its chains ended (`judgement.tails_frame`).
        treatments: point_id, treatment_code, effect, readings, first_at, last_at: every value that did not pass as it
            came, counted by what was done to it.
        exceptions: the readings behind them: the received row, value in the canonical unit, both flags, tests, and
            `treatment` (duplicate, superseded, late; null when only tests spoke).
        unknown: received rows that no register entry or conversion covers, with `reason_code`.
    """

    minutes: pl.DataFrame
    hours: pl.DataFrame
    days: pl.DataFrame
    treatments: pl.DataFrame
    exceptions: pl.DataFrame
    unknown: pl.DataFrame


@dataclass(frozen=True)
class PieceTime:
    """Which day a piece is, and what is the present.

    Attributes:
        day: business date (Asia/Shanghai).
        present: the present moment; hours that begin later are not due yet.
    """

    day: date
    present: datetime


@dataclass(frozen=True)
class _Owed:
    """Which points owe readings, and after how many microseconds of silence each is offline."""

    expected: Mask
    silence: Ints

    def block(self, part: slice) -> _Owed:
        return _Owed(self.expected[part], self.silence[part])


def process_piece(
    readings: pl.DataFrame, rules: QualityRules, memory: Memory, when: PieceTime, *, expected: Mask, silence: Ints
) -> PieceTables:
    """Judge and resample the readings of one piece.

    Args:
        readings: as `code_readings` wants them, with data_origin and provenance; all of one business date.
        rules: what holds on that day.
        memory: what is known of the points from the days before.
        when: day and present.
        expected: by point of the settings: whether it owes readings on that day.
        silence: by point: microseconds after which it counts as offline (rule_device_states).
    """
    coded = code_readings(readings, rules.settings["point_id"])
    owed = _Owed(expected, silence)
    parts: list[PieceTables] = []
    for first, count, rows in coded.blocks(rules.settings.height, ROWS_PER_BLOCK):
        block, known = rules.block(first, count), memory.block(first, count)
        arrangement = arrange(rows, block.settings, rules.conversions, first)
        piece = judge(arrangement, block, known, when.present)
        parts.append(_tables(piece, block.settings, known, when, owed.block(slice(first, first + count))))
    names = ("minutes", "hours", "days", "treatments", "exceptions")
    tables = {name: pl.concat([getattr(part, name) for part in parts]) for name in names}
    return PieceTables(**tables, unknown=pl.concat([coded.unknown, *(part.unknown for part in parts)]))


def _tables(piece: JudgedPiece, settings: pl.DataFrame, memory: Memory, when: PieceTime, owed: _Owed) -> PieceTables:
    minutes = to_minutes(piece, settings)
    days = (
        _day_counts(piece, settings, memory, when, owed)
        .join(day_measures(piece.passed, settings["point_id"]), on="point_id", how="left", maintain_order="left")
        .join(tails_frame(piece.tails, settings), on="point_id", how="left", maintain_order="left")
    )
    return PieceTables(
        minutes=minutes.frame(settings),
        hours=to_hours(minutes, settings, when.day, owed.expected, when.present),
        days=days,
        treatments=_treatments(piece, settings),
        exceptions=_exceptions(piece, settings),
        unknown=piece.arrangement.unknown,
    )


def _day_counts(
    piece: JudgedPiece, settings: pl.DataFrame, memory: Memory, when: PieceTime, owed: _Owed
) -> pl.DataFrame:
    series, points = piece.arrangement.series, settings.height
    counted = series.codes if piece.counts.all() else series.codes[piece.counts]
    ranks = piece.final.ranks if piece.counts.all() else piece.final.ranks[piece.counts]

    def by_point(rows: Mask, codes: Ints = series.codes) -> Ints:
        return np.bincount(codes[rows], minlength=points)

    received = np.bincount(counted, minlength=points)
    start = day_start(when.day)
    end = min(start + MINUTES_PER_DAY * MICROS_PER_MINUTE, int(when.present.timestamp() * MICROS_PER_SECOND))
    periods = max(end - start, 0) // (settings["period_s"].to_numpy() * MICROS_PER_SECOND)
    due = np.where(owed.expected, periods, received).astype(np.int64)
    online, episodes = _online(piece, memory, (start, end), owed.silence)
    last = np.zeros(points, dtype=np.int64), np.zeros(points, dtype=np.int64)
    if len(series):
        last[0][series.points] = series.times[series.starts + series.lengths - 1]
        last[1][series.points] = np.maximum.reduceat(piece.arrangement.received, series.starts)
    table = pl.DataFrame(
        {
            "point_id": settings["point_id"],
            "business_date": pl.repeat(when.day, points, dtype=pl.Date, eager=True),
            "readings_expected": due,
            "readings_received": received,
            "readings_passed": by_point(ranks <= Rank.PASS, counted),
            "readings_suspect": by_point(ranks == Rank.SUSPECT, counted),
            "readings_failed": by_point(ranks == Rank.FAIL, counted),
            "readings_missing": np.maximum(due - received, 0) + by_point(ranks == Rank.MISSING, counted),
            "readings_late": by_point(piece.is_late & piece.counts),
            "readings_superseded": by_point(~piece.counts),
            "minutes_online": online,
            "offline_episodes": episodes,
            "last_measured_at": _moments(last[0]),
            "last_received_at": _moments(last[1]),
            "data_origin": _origins(piece, points),
        }
    )
    return table.filter(pl.Series(owed.expected | (received > 0)))


def _online(piece: JudgedPiece, memory: Memory, day: tuple[int, int], silence: Ints) -> tuple[Ints, Ints]:
    """Return the minutes of the day with a message young enough, and how often it fell silent (safety reference 4.7).

    A point is online for as long after each message as its silence lasts. It falls silent where the next one comes
    later than that, or none comes until the end; what fell silent before the day began is no episode of the day.
    """
    series, points = piece.arrangement.series, len(silence)
    start, end = day
    limit = np.repeat(silence[series.points], series.lengths)
    before = np.empty(len(series), dtype=np.int64)
    before[1:], before[:1] = series.times[:-1], 0
    before[series.starts] = memory.final.last_times[series.points]
    covered = np.minimum(before + limit, series.times) - np.maximum(before, start)
    online = np.bincount(series.codes, weights=np.maximum(covered, 0), minlength=points)
    went = (series.times - before > limit) & (before >= start - limit)
    episodes = np.bincount(series.codes[went], minlength=points)
    last = memory.final.last_times.copy()
    last[series.points] = series.times[series.starts + series.lengths - 1]
    online += np.maximum(np.minimum(last + silence, end) - np.maximum(last, start), 0)
    episodes += (end - last > silence) & (last >= start - silence)
    return np.round(online / MICROS_PER_MINUTE).astype(np.int64), episodes.astype(np.int64)


def _origins(piece: JudgedPiece, points: int) -> pl.Series:
    """Return the worst origin of each point: simulated before replayed before measured."""
    series, origins = piece.arrangement.series, piece.arrangement.rows["data_origin"]
    worst = np.full(points, -1, dtype=np.int64)
    for rank, origin in enumerate(("measured", "replayed", "simulated")):
        has_it = origins == origin
        if has_it.all():
            worst[series.points] = rank
        elif has_it.any():
            worst[np.unique(series.codes[has_it.to_numpy()])] = rank
    names = pl.Series(["measured", "replayed", "simulated", None])
    return names.gather(worst % len(names))


def _treatments(piece: JudgedPiece, settings: pl.DataFrame) -> pl.DataFrame:
    """Count, by point, what was done to values that did not pass as they came."""
    counts, dropped = piece.counts, np.flatnonzero(~piece.counts)
    held = np.flatnonzero((piece.final.marks != 0) & counts)  # few: everything below looks at these alone
    marks, ranks = piece.final.marks[held], piece.final.ranks[held]
    effects = ((Rank.FAIL, "failed"), (Rank.SUSPECT, "suspected"), (Rank.MISSING, "taken_as_missing"))
    found = [
        (code, effect, held[(marks & test != 0) & (ranks == rank)])
        for test, code in TEST_CODES.items()
        for rank, effect in effects
    ]
    found.append(("duplicate_equal", "dropped", dropped[~piece.is_disputed[dropped]]))
    found.append(("superseded", "dropped", dropped[piece.is_disputed[dropped]]))
    found.append(("late", "kept", np.flatnonzero(piece.is_late & counts)))
    found.append(("converted", "changed", np.flatnonzero(piece.arrangement.converted & counts)))
    tables = [_counted(piece, settings, code, effect, rows) for code, effect, rows in found if len(rows)]
    return pl.concat(tables) if tables else _counted(piece, settings, "", "", dropped[:0])


def _counted(piece: JudgedPiece, settings: pl.DataFrame, code: str, effect: str, rows: Ints) -> pl.DataFrame:
    part = piece.arrangement.series.take(rows)
    return pl.DataFrame(
        {
            "point_id": settings["point_id"].gather(part.points),
            "treatment_code": pl.repeat(code, len(part.points), dtype=pl.String, eager=True),
            "effect": pl.repeat(effect, len(part.points), dtype=pl.String, eager=True),
            "readings": part.lengths,
            "first_at": _moments(part.times[part.starts]),
            "last_at": _moments(part.times[part.starts + part.lengths - 1]),
        }
    )


def _exceptions(piece: JudgedPiece, settings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings against which a test spoke, or that were dropped or late, with all that was found."""
    final, causal = piece.final, piece.causal
    rows = np.flatnonzero((final.marks != 0) | (causal.marks != 0) | ~piece.counts | piece.is_late)
    received = piece.arrangement.rows[rows]
    treatment = np.select(
        [~piece.counts[rows] & piece.is_disputed[rows], ~piece.counts[rows], piece.is_late[rows]],
        ["superseded", "duplicate_equal", "late"],
        default="",
    )
    provenance = [name for name in ("_source_uri", "_row_number", "_batch_id") if name in received.columns]
    return received.select(
        point_id=settings["point_id"].gather(piece.arrangement.series.codes[rows]),
        measured_at=pl.col("measured_at"),
        received_at=pl.col("received_at"),
        reported_value=pl.col("value"),
        reported_unit=pl.col("unit").cast(pl.String),
        value=pl.Series(piece.arrangement.series.values[rows]),
        source_flag=pl.col("source_flag").cast(pl.String)
        if "source_flag" in received.columns
        else pl.lit(None, pl.String),
        flag_causal=pl.Series(FLAG_OF_RANK[causal.ranks[rows]].astype(np.int16)),
        flag_final=pl.Series(FLAG_OF_RANK[final.ranks[rows]].astype(np.int16)),
        tests=pl.Series(final.marks[rows] | causal.marks[rows]),
        treatment=pl.Series(treatment, dtype=pl.String).replace("", None),
        **{name: pl.col(name) for name in provenance},
    ).with_columns(tests=tests_text(pl.col("tests")))


def tests_text(marks: pl.Expr) -> pl.Expr:
    """Return marks as codes joined by commas, null where no test spoke."""
    codes = [pl.when(marks & int(test) != 0).then(pl.lit(code)) for test, code in TEST_CODES.items()]
    return pl.when(marks != 0).then(pl.concat_str(codes, separator=",", ignore_nulls=True))


def _moments(micros: Ints) -> pl.Series:
    column = pl.Series(micros)
    return pl.select(pl.when(column > 0).then(column).cast(pl.Datetime("us", "UTC"))).to_series()
