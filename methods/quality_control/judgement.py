"""The judgement of one piece: every reading of some points on one business date, causally and finally.

Tests T01 to T08 (safety reference 4.3) speak of single readings and run here; those that need peers or half a day
run on hours (`hours.py`). The causal flag is a fold over arrivals: a reading that comes in order is judged against the
two that came before and moves the state on; one that comes late is judged by itself and moves nothing. So the same
arrivals give the same flags, live or in a batch. The final flag knows the whole piece.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from methods.quality_control.arrangement import (
    MICROS_PER_MINUTE,
    MICROS_PER_SECOND,
    Arrangement,
    Floats,
    Micros,
    Series,
)
from methods.quality_control.history import MEASURES
from methods.quality_control.scheme import Flag, Mask, Rank, Test, Verdict
from methods.quality_control.sequences import Limits, Tail, judge_causally, judge_finally

MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
POWERS_OF_TEN = (-3, -1, 1, 3)  # T03: kilo and a digit too many or too few
TAIL_COLUMNS = ("last_time", "last_value", "previous_time", "previous_value", "flat_since")
BINARY_NOISE = 1e-9
CHAINS = ("causal", "final")


@dataclass(frozen=True)
class QualityRules:
    """What holds on one business date.

    Attributes:
        settings: the rows of `point_settings`, sorted by point.
        conversions: the rows of `conversions_on`.
        source_flags: what the source's letters mean (seed std_source_flags): letter → published flag.
    """

    settings: pl.DataFrame
    conversions: pl.DataFrame
    source_flags: Mapping[str, int]

    def block(self, first: int, count: int) -> QualityRules:
        """Return the rules of consecutive points."""
        return QualityRules(self.settings.slice(first, count), self.conversions, self.source_flags)


@dataclass(frozen=True)
class Memory:
    """What is known of the points before this piece: how both chains ended, and what is usual."""

    causal: Tail
    final: Tail
    usual: Mapping[str, Floats]

    @classmethod
    def of(cls, settings: pl.DataFrame, tails: pl.DataFrame | None, usual: pl.DataFrame | None) -> Memory:
        """Lay tails (`tails_frame`) and baseline (`history.baseline`) beside the settings; None: nothing is known."""
        points = settings.select("point_id")
        measures = dict.fromkeys(MEASURES, np.full(points.height, np.nan))
        if usual is not None and usual.height:
            laid = points.join(usual, on="point_id", how="left", maintain_order="left")
            measures = {name: laid[name].fill_null(np.nan).to_numpy() for name in MEASURES}
        if tails is None or tails.is_empty():
            return cls(Tail.none(points.height), Tail.none(points.height), measures)
        laid = points.join(tails, on="point_id", how="left", maintain_order="left")
        return cls(_tail(laid, "causal"), _tail(laid, "final"), measures)

    def block(self, first: int, count: int) -> Memory:
        """Return what is known of consecutive points."""
        part = slice(first, first + count)
        usual = {name: values[part] for name, values in self.usual.items()}
        return Memory(self.causal.block(part), self.final.block(part), usual)


@dataclass(frozen=True)
class JudgedPiece:
    """All readings of a piece with their judgement.

    Attributes:
        arrangement: the readings in order; everything below stands row by row beside them.
        counts: whether a row is the one that counts for its point and time: the first of equal ones, which came in
            its turn, and the newest where they differ.
        is_late: it came after the watermark or after a later one.
        is_disputed: its moment was delivered with different values, or with different letters of the source.
        causal, final: the two verdicts; `final` of a row that does not count is that of its first look.
        tails: how both chains ended, for the next piece.
    """

    arrangement: Arrangement
    counts: Mask
    is_late: Mask
    is_disputed: Mask
    causal: Verdict
    final: Verdict
    tails: Mapping[str, Tail]

    @property
    def passed(self) -> Series:
        """The readings that count and passed every test."""
        return self.arrangement.series.take(self.counts & (self.final.ranks == Rank.PASS))


def judge(arrangement: Arrangement, rules: QualityRules, memory: Memory, present: datetime) -> JudgedPiece:
    """Judge every reading of a piece, or of a block of its points.

    Args:
        arrangement: the readings in order; `source_flag` may be among the columns of its rows.
        rules: what holds on the piece's day, of these points.
        memory: what is known of these points before.
        present: the present moment; a reading ahead of its arrival, or of the present, has a wrong clock.
    """
    settings = rules.settings
    series = arrangement.series
    by_name = {name: settings[name] for name in settings.columns}
    limits = _limits(by_name, memory)
    late_after = _numbers(by_name, "late_after_s") * MICROS_PER_SECOND
    latency = arrangement.received - series.times
    clock_ahead = series.spread(_numbers(by_name, "clock_ahead_s") * MICROS_PER_SECOND)
    now = int(present.timestamp() * MICROS_PER_SECOND)
    has_wrong_clock = (-latency > clock_ahead) | (series.times - now > clock_ahead)
    is_overtaken = arrangement.overtaken_by(~has_wrong_clock)  # one that claims to be of tomorrow makes nobody late
    is_late = is_overtaken | arrangement.is_repeated | (latency > series.spread(late_after))
    first_look = _judge_alone(arrangement, by_name, memory, has_wrong_clock, latency)
    if "source_flag" in arrangement.rows.columns:
        _judge_source(arrangement.rows["source_flag"], rules.source_flags, first_look)
    counts, is_disputed = _counting(arrangement)
    causal = first_look.copy()
    in_order = ~is_late & (first_look.ranks != Rank.FAIL) & (first_look.ranks != Rank.MISSING)
    causal_tail = _on_chain(judge_causally, series, in_order, (limits, memory.causal), causal)
    final = first_look
    final.hold(is_disputed & counts, Rank.SUSPECT, Test.TIME)
    standing = counts & (final.ranks != Rank.FAIL) & (final.ranks != Rank.MISSING)
    final_tail = _on_chain(judge_finally, series, standing, (limits, memory.final), final)
    tails = {"causal": causal_tail, "final": final_tail}
    return JudgedPiece(arrangement, counts, is_late, is_disputed, causal, final, tails)


def tails_frame(tails: Mapping[str, Tail], settings: pl.DataFrame) -> pl.DataFrame:
    """Return how the chains ended as a table: point_id and `<chain>_<column>`, null where nothing is known."""
    columns: dict[str, pl.Series] = {"point_id": settings["point_id"]}
    for chain, tail in tails.items():
        arrays = (tail.last_times, tail.last_values, tail.previous_times, tail.previous_values, tail.flat_since)
        for name, array in zip(TAIL_COLUMNS, arrays, strict=True):
            column = pl.Series(array)
            columns[f"{chain}_{name}"] = (
                pl.select(pl.when(column > 0).then(column).cast(pl.Datetime("us", "UTC"))).to_series()
                if column.dtype == pl.Int64
                else column.fill_nan(None)
            )
    known = pl.any_horizontal(pl.col(f"{chain}_last_time").is_not_null() for chain in tails)
    return pl.DataFrame(columns).filter(known)


def _tail(laid: pl.DataFrame, chain: str) -> Tail:
    def times(name: str) -> Micros:
        return laid[f"{chain}_{name}"].cast(pl.Datetime("us", "UTC")).to_physical().fill_null(0).to_numpy()

    def values(name: str) -> Floats:
        return laid[f"{chain}_{name}"].cast(pl.Float64).fill_null(np.nan).to_numpy()

    return Tail(
        times("last_time"), values("last_value"), times("previous_time"), values("previous_value"), times("flat_since")
    )


def _on_chain(
    view: Callable[[Series, Limits, Tail, Verdict], Tail],
    series: Series,
    chosen: Mask,
    known: tuple[Limits, Tail],
    verdict: Verdict,
) -> Tail:
    """Judge the chosen rows as one chain and write the result back among all rows."""
    if chosen.all():
        return view(series, *known, verdict)
    part = Verdict(verdict.ranks[chosen], verdict.marks[chosen])
    after = view(series.take(chosen), *known, part)
    verdict.ranks[chosen], verdict.marks[chosen] = part.ranks, part.marks
    return after


def _judge_alone(
    arrangement: Arrangement, settings: Mapping[str, pl.Series], memory: Memory, has_wrong_clock: Mask, latency: Micros
) -> Verdict:
    """Judge each reading by itself: T02 time, T03 power of ten, T04 and T05 ranges."""
    series = arrangement.series
    verdict = Verdict.of(len(series))
    verdict.ranks[~series.spread(_is_evaluated(settings, memory.usual))] = Rank.NOT_EVALUATED
    verdict.hold(has_wrong_clock, Rank.FAIL, Test.TIME)
    oldest = series.spread(_numbers(settings, "oldest_days") * MICROS_PER_DAY)
    verdict.hold(latency > oldest, Rank.SUSPECT, Test.TIME)
    _judge_ranges(series, settings, verdict)
    _judge_usual(series, settings, memory.usual, verdict)
    return verdict


def _is_evaluated(settings: Mapping[str, pl.Series], usual: Mapping[str, Floats]) -> Mask:
    """Tell of which points at least a range or a habit is known: a reading of the others has passed nothing."""
    known = ~np.isnan(usual["step_spread"])
    for name in ("range_low", "range_high", "operating_low", "operating_high", "rate_limit_per_min"):
        known |= ~np.isnan(_numbers(settings, name))
    return known


def _judge_source(flags: pl.Series, known: Mapping[str, int], verdict: Verdict) -> None:
    """T01: what the source says of its own value; an unknown letter is suspect, no letter says nothing."""
    harmless = [letter for letter, flag in known.items() if flag == Flag.PASS]
    spoken = flags.is_not_null() & ~flags.is_in(harmless)
    if not spoken.any():
        return
    ranks = {letter: int(Rank[Flag(flag).name]) for letter, flag in known.items()}
    places = spoken.arg_true().to_numpy()
    found = flags.gather(places).replace_strict(ranks, default=int(Rank.SUSPECT), return_dtype=pl.UInt8).to_numpy()
    for rank in (Rank.SUSPECT, Rank.MISSING, Rank.FAIL):
        against = np.zeros(len(flags), dtype=np.bool_)
        against[places[found == rank]] = True
        verdict.hold(against, rank, Test.SOURCE)


def _judge_ranges(series: Series, settings: Mapping[str, pl.Series], verdict: Verdict) -> None:
    """T04: what the sensor cannot measure fails, but above the range of a fail-safe point it is an alarm; T05."""
    values = series.values
    low, high = (series.spread(_numbers(settings, f"range_{end}")) for end in ("low", "high"))
    above, below = values > high, values < low
    if above.any():
        is_fail_safe = series.spread(settings["is_fail_safe"].to_numpy())
        verdict.hold(above & is_fail_safe, Rank.SUSPECT, Test.GROSS_RANGE)
        verdict.hold(above & ~is_fail_safe, Rank.FAIL, Test.GROSS_RANGE)
    verdict.hold(below, Rank.FAIL, Test.GROSS_RANGE)
    outside = values > series.spread(_numbers(settings, "operating_high"))
    outside |= values < series.spread(_numbers(settings, "operating_low"))
    verdict.hold(outside, Rank.SUSPECT, Test.OPERATING_RANGE)


def _judge_usual(
    series: Series, settings: Mapping[str, pl.Series], usual: Mapping[str, Floats], verdict: Verdict
) -> None:
    """T05 far outside what was usual on the last days; T03 if it is there by about a power of ten."""
    resolution = 2 * np.nan_to_num(_numbers(settings, "accuracy"))
    width = np.maximum(usual["usual_high"] - usual["usual_low"], np.maximum(usual["spread"], resolution))
    width = np.where(width > 0, width, np.nan)  # a signal that has never moved has no habit to leave
    reach = _numbers(settings, "usual_range_factor") * width
    low, high = usual["usual_low"] - reach, usual["usual_high"] + reach
    values = series.values
    unusual = (values > series.spread(high)) | (values < series.spread(low))
    if not unusual.any():
        return
    is_fail_safe = series.spread(settings["is_fail_safe"].to_numpy())
    # An alarm of gas is not unusual, it is an alarm.
    verdict.hold(unusual & ~is_fail_safe, Rank.SUSPECT, Test.OPERATING_RANGE)
    places = np.flatnonzero(unusual)
    codes = series.codes[places]
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.log10(np.abs(values[places] / usual["median"][codes]))
    tolerance = np.log10(1 + _numbers(settings, "unit_jump_tolerance"))[codes]
    jumped = np.zeros(len(series), dtype=np.bool_)
    jumped[places] = np.any([np.abs(power - step) <= tolerance for step in POWERS_OF_TEN], axis=0)
    verdict.hold(jumped, Rank.SUSPECT, Test.UNIT)


def _counting(arrangement: Arrangement) -> tuple[Mask, Mask]:
    """Return which row counts for its point and time, and whether the rows of its moment differ."""
    repeated = arrangement.is_repeated
    counts = ~repeated
    if counts.all():
        return counts, repeated
    places = np.flatnonzero(repeated)
    values = arrangement.series.values
    differs = np.zeros(len(repeated), dtype=np.bool_)
    differs[places] = values[places] != values[places - 1]
    if "source_flag" in arrangement.rows.columns:
        letters = arrangement.rows["source_flag"]
        differs[places] |= letters.gather(places).ne_missing(letters.gather(places - 1)).to_numpy()
    # A moment is disputed when any two of its rows differ: carry that on to all of them.
    moment = np.cumsum(~repeated) - 1
    of_moment = np.zeros(moment[-1] + 1, dtype=np.bool_)
    of_moment[moment[differs]] = True
    is_disputed = of_moment[moment]
    is_newest = np.append(~repeated[1:], True)
    return np.where(is_disputed, is_newest, counts), is_disputed


def _limits(settings: Mapping[str, pl.Series], memory: Memory) -> Limits:
    minutes = _numbers(settings, "period_s") / 60  # from one reading to the next
    usual_rate = _numbers(settings, "rate_sigma_factor") * memory.usual["step_spread"]
    usual_spike = _numbers(settings, "spike_mad_factor") * memory.usual["step_spread"] * minutes
    # Two true readings may differ by twice the instrument's accuracy, however quiet the signal has been.
    resolution = 2 * np.nan_to_num(_numbers(settings, "accuracy")) * (1 + BINARY_NOISE)
    floor = np.fmax(_numbers(settings, "spike_floor"), resolution)
    physical = _numbers(settings, "rate_limit_per_min")
    usual_spike_limit = np.where(np.isnan(usual_spike), _numbers(settings, "spike_floor"), np.fmax(usual_spike, floor))
    usual_limit = np.where(np.isnan(usual_rate), np.nan, np.fmax(usual_rate, resolution / minutes))
    return Limits(
        rate=np.fmin(physical, np.where(usual_limit > 0, usual_limit, np.nan)),
        rate_fail=2 * physical,
        spike=np.where(usual_spike_limit > 0, usual_spike_limit, np.nan),
        flat_tolerance=_numbers(settings, "flat_tolerance"),
        flat_suspect=_numbers(settings, "flat_suspect_min") * MICROS_PER_MINUTE,
        flat_fail=_numbers(settings, "flat_fail_min") * MICROS_PER_MINUTE,
        flat_exempt_below=_numbers(settings, "flat_exempt_below"),
        gap=_numbers(settings, "gap_periods") * _numbers(settings, "period_s") * MICROS_PER_SECOND,
        is_fail_safe=settings["is_fail_safe"].to_numpy(),
    )


def _numbers(settings: Mapping[str, pl.Series], name: str) -> Floats:
    """Return a column as numbers, NaN where nothing is set: a comparison with NaN holds nothing against anyone."""
    return settings[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
