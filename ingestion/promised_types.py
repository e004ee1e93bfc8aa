"""From the type that was delivered to the type that was promised, without guessing.

A value that cannot be had in the promised type becomes null, and landing refuses its row as `wrong_type`. What a
silent cast would distort is among them: 3.7 as an integer, an epoch number as a time, a time without a zone.
"""

from __future__ import annotations

import polars as pl

from lakehouse.settings import PARK_TIME_ZONE

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def as_json(shown: pl.DataFrame) -> pl.Series:
    """Return each row as JSON; what JSON lacks is written as text: NaN and infinity, and bytes as hexadecimal."""
    written = [_writable(column) for column in shown.iter_columns()]
    return pl.DataFrame(written).select(pl.struct(shown.columns).struct.json_encode()).to_series()


def as_promised(name: str, received: pl.DataType, promised: pl.DataType) -> pl.Expr:
    """Return the column in its promised type, null where it cannot be had.

    Args:
        name: the column.
        received: its delivered type.
        promised: its type in the source file.
    """
    return _converted(pl.col(name), received, promised).alias(name)


def _converted(column: pl.Expr, received: pl.DataType, promised: pl.DataType) -> pl.Expr:
    if received in (pl.Categorical, pl.Enum):  # dictionary-coded text: writers choose it by content, day by day
        column, received = column.cast(pl.String), pl.String()
    if received in (promised, pl.Null):
        return column.cast(promised)
    if received == pl.String:
        return _from_text(column.str.strip_chars(), promised)
    if received.is_numeric() and (promised.is_numeric() or promised == pl.Boolean):
        return _number(column, received, promised)
    if isinstance(received, pl.Datetime) and promised in (pl.Date, pl.Datetime):
        return _moment(column, received, promised)
    if promised == pl.String and (received.is_numeric() or received in (pl.Boolean, pl.Date, pl.Datetime, pl.Time)):
        return column.cast(promised)
    return pl.lit(None, dtype=promised)


def _writable(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Binary:
        return column.bin.encode("hex")
    if column.dtype.is_float() and not column.is_finite().all():
        return column.cast(pl.String)
    return column


def _moment(column: pl.Expr, received: pl.Datetime, promised: pl.DataType) -> pl.Expr:
    if promised == pl.Date:  # a date with midnight in it is what Oracle calls a DATE; another hour is no date
        local = column if received.time_zone is None else column.dt.convert_time_zone(PARK_TIME_ZONE.key)
        return pl.when(local == local.dt.truncate("1d")).then(local.dt.date())
    if received.time_zone is None:
        return pl.lit(None, dtype=promised)
    return column.dt.convert_time_zone("UTC").cast(promised)


def _number(column: pl.Expr, received: pl.DataType, promised: pl.DataType) -> pl.Expr:
    if promised == pl.Boolean:
        return pl.when(column == 1).then(pl.lit(value=True)).when(column == 0).then(pl.lit(value=False))
    cast = column.cast(promised, strict=False)
    if promised.is_integer() and not received.is_integer():
        return pl.when(cast.cast(received, strict=False) == column).then(cast)
    return cast


def _from_text(text: pl.Expr, promised: pl.DataType) -> pl.Expr:
    if isinstance(promised, pl.Datetime):
        return text.str.to_datetime("%+", time_unit="us", strict=False, time_zone="UTC")
    if promised == pl.Date:
        return text.str.to_date("%Y-%m-%d", strict=False)
    if promised == pl.Boolean:
        return text.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean)
    return text.cast(promised, strict=False)
