"""Readings as received become arrays in the order of point and time, in canonical units, with their arrival in mind.

Everything that follows walks these arrays; a piece of a park day (a zone) has millions of rows, so nothing here or
there looks at a row by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from methods.quality_control.scheme import Mask

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Micros = npt.NDArray[np.int64]
CODING = ("_code", "_time", "_received")
ARRIVAL = ("_loaded_at", "_source_uri", "_row_number")
Kind = TypeVar("Kind", bound=np.generic)

MICROS_PER_SECOND = 1_000_000
MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND


@dataclass(frozen=True)
class Series:
    """Rows of one point after another, in the order of time.

    Attributes:
        codes: row number of each row's point in the settings.
        times: when it was measured, microseconds since the epoch, UTC.
        values: in the canonical unit of the point.
    """

    codes: Ints
    times: Micros
    values: Floats

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def is_first(self) -> Mask:
        """Whether a row is the first of its point."""
        first = np.empty(len(self), dtype=np.bool_)
        first[:1] = True
        np.not_equal(self.codes[1:], self.codes[:-1], out=first[1:])
        return first

    @cached_property
    def starts(self) -> Ints:
        """Position of the first row of each point."""
        return np.flatnonzero(self.is_first)

    @cached_property
    def lengths(self) -> Ints:
        """Number of rows of each point."""
        return np.diff(np.append(self.starts, len(self)))

    @cached_property
    def points(self) -> Ints:
        """The points that have rows, in order."""
        return self.codes[self.starts]

    def spread(self, by_point: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
        """Return a setting (one value a point of the settings) for every row."""
        return np.repeat(by_point[self.points], self.lengths)

    def take(self, kept: Mask | Ints) -> Series:
        """Return the rows of a mask, or at rising positions."""
        return Series(self.codes[kept], self.times[kept], self.values[kept])


@dataclass(frozen=True)
class Arrangement:
    """All readings of a piece, arranged.

    Attributes:
        rows: the received rows in this order, for whoever must show one.
        series: point, time and value of each row.
        received: when it arrived, microseconds since the epoch, UTC.
        unknown: received rows whose unit cannot be converted, with `reason_code`; they are in nothing else.
        converted: whether the value was multiplied or moved to come into the canonical unit.
    """

    rows: pl.DataFrame
    series: Series
    received: Micros
    unknown: pl.DataFrame
    converted: Mask

    @cached_property
    def is_repeated(self) -> Mask:
        """Whether the row before has the same point and time."""
        series = self.series
        repeated = np.zeros(len(series), dtype=np.bool_)
        np.equal(series.times[1:], series.times[:-1], out=repeated[1:])
        return repeated & ~series.is_first

    def overtaken_by(self, trusted: Mask) -> Mask:
        """Tell of each reading whether a trusted one that was measured later had arrived before."""
        received, first = self.received, self.series.is_first
        arrived = received if trusted.all() else np.where(trusted, received, received.max())
        steps_back = (arrived[1:] < arrived[:-1]) & ~first[1:]
        if not steps_back.any():
            return np.zeros(len(received), dtype=np.bool_)
        # One running minimum from the end over all points: the shift by point keeps them from mixing.
        span = int(received.max() - received.min()) + 1
        shift = np.cumsum(first) * span - received.min()
        earliest_after = np.minimum.accumulate((arrived + shift)[::-1])[::-1]
        overtaken = np.zeros(len(received), dtype=np.bool_)
        np.greater((received + shift)[:-1], earliest_after[1:], out=overtaken[:-1])
        return overtaken


@dataclass(frozen=True)
class Coded:
    """The readings of a piece in the order of point and time, with the number of their point.

    Attributes:
        rows: the received rows and `_code, _time, _received` (microseconds UTC).
        unknown: rows of points that the settings do not have, with `reason_code`.
    """

    rows: pl.DataFrame
    unknown: pl.DataFrame

    def blocks(self, points: int, rows_per_block: int) -> Iterator[tuple[int, int, pl.DataFrame]]:
        """Yield first point, number of points and rows of consecutive blocks of about `rows_per_block` rows.

        The arithmetic walks its arrays many times over; blocks that fit into the processor's cache halve its time.
        """
        code = self.rows["_code"].to_numpy()
        per_block = max(1, round(points * rows_per_block / max(len(code), 1)))
        for first in range(0, max(points, 1), per_block):  # without any point, one block without rows
            count = min(per_block, points - first)
            begin, end = np.searchsorted(code, [first, first + count])
            yield first, count, self.rows.slice(int(begin), int(end - begin))


def code_readings(readings: pl.DataFrame, point_ids: pl.Series) -> Coded:
    """Recognise the points and put the readings in order; gateways write them in order, which costs only a look.

    Args:
        readings: point_id_iot, measured_at, value, unit, received_at (null: as measured), and what belongs to the
            row; rows of one moment stand in the order of received_at, `_loaded_at, _source_uri, _row_number`.
        point_ids: the points of the settings, sorted.
    """
    code = pl.col("point_id_iot").cast(pl.Enum(point_ids), strict=False).to_physical().cast(pl.Int64)
    coded = readings.with_columns(code.alias("_code"), _micros("measured_at").alias("_time")).with_columns(
        pl.coalesce(_micros("received_at"), pl.col("_time")).alias("_received")
    )
    is_unknown = coded["_code"].is_null()
    unknown = coded.filter(is_unknown).drop(CODING).with_columns(reason_code=pl.lit("unknown_point"))
    if is_unknown.any():
        coded = coded.filter(~is_unknown)
    if not _is_arranged(coded):
        coded = coded.sort(*CODING, *(name for name in ARRIVAL if name in coded.columns))
    return Coded(coded, unknown)


def arrange(
    coded: pl.DataFrame, settings: pl.DataFrame, conversions: pl.DataFrame, first_point: int = 0
) -> Arrangement:
    """Turn coded rows into arrays in canonical units.

    Args:
        coded: rows of `Coded`, all of points of the settings.
        settings: the rows of `point_settings`, sorted by point_id.
        conversions: the rows of `conversions_on`.
        first_point: the code of the settings' first point, where they are a block of more.
    """
    factor, offset, known = _scales(coded, settings, conversions, first_point)
    unknown = coded.clear()
    if not known.all():
        unknown = coded.filter(~pl.Series(known))
        coded, factor, offset = coded.filter(pl.Series(known)), factor[known], offset[known]
    converted = (factor != 1.0) | (offset != 0.0)
    values = coded["value"].cast(pl.Float64).to_numpy()
    if converted.any():
        values = values * factor + offset
    code = coded["_code"].to_numpy()
    series = Series(code - first_point if first_point else code, coded["_time"].to_numpy(), values)
    received = coded["_received"].to_numpy()
    unknown = unknown.drop(CODING).with_columns(reason_code=pl.lit("unknown_unit"))
    return Arrangement(coded.drop(CODING), series, received, unknown, converted)


def _micros(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("us", "UTC")).to_physical()


def _is_arranged(coded: pl.DataFrame) -> bool:
    """Tell whether rows stand by point, time and arrival already, as gateways write them; no two arrive as one."""
    code, time, received = (coded[name].to_numpy() for name in ("_code", "_time", "_received"))
    same = code[1:] == code[:-1]
    in_time = (time[1:] > time[:-1]) | ((time[1:] == time[:-1]) & (received[1:] > received[:-1]))
    return bool(np.all((code[1:] > code[:-1]) | (same & in_time)))


def _scales(
    coded: pl.DataFrame, settings: pl.DataFrame, conversions: pl.DataFrame, first_point: int
) -> tuple[Floats, Floats, Mask]:
    """Return factor and offset of every row, and whether its unit can be converted at all.

    Rows of one point share their unit nearly always: the table is asked once for each run of equal rows.
    """
    code = coded["_code"].to_numpy() - first_point
    begins = np.ones(len(code), dtype=np.bool_)
    np.not_equal(code[1:], code[:-1], out=begins[1:])
    if len(code) and not coded["unit"].eq_missing(coded["unit"][0]).all():
        unit = coded["unit"].cast(pl.Categorical).to_physical().to_numpy()
        begins[1:] |= unit[1:] != unit[:-1]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, len(code)))
    # A point without a registered unit keeps what its readings say.
    asked = pl.DataFrame(
        {
            "unit": coded["unit"].gather(starts),
            "canonical_unit": settings["canonical_unit"].gather(code[starts]),
            "registered_unit": settings["registered_unit"].gather(code[starts]),
        }
    ).with_columns(pl.coalesce("unit", "registered_unit"))
    asked = asked.with_columns(pl.coalesce("canonical_unit", "unit"))
    answered = asked.join(
        conversions,
        left_on=["unit", "canonical_unit"],
        right_on=["source_unit", "canonical_unit"],
        how="left",
        maintain_order="left",
    ).with_columns(
        factor=pl.when(pl.col("unit") == pl.col("canonical_unit")).then(1.0).otherwise("factor"),
        offset=pl.when(pl.col("unit") == pl.col("canonical_unit")).then(0.0).otherwise("offset"),
    )
    factor = answered["factor"].fill_null(np.nan).to_numpy()
    offset = answered["offset"].fill_null(0.0).to_numpy()
    spread = np.repeat(factor, lengths)
    return spread, np.repeat(offset, lengths), ~np.isnan(spread)
