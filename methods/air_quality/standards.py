"""The dated rows of the air standards: reading them with types, and picking those valid on a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import polars as pl

from lakehouse.settings import PARK_TIME_ZONE

POLLUTANTS = ("so2", "no2", "co", "o3", "pm10", "pm25")
"""The six basic items, in the order in which they are published."""

_DATED: dict[str, pl.DataType] = {"standard_code": pl.String(), "valid_from": pl.Date(), "valid_to": pl.Date()}
SEED_SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "std_aqi_editions": {
        "report_code": pl.String(),
        "aqi_minimum": pl.Int64(),
        "aqi_maximum": pl.Int64(),
        "primary_above": pl.Int64(),
        "unmeasured_items": pl.String(),
        "publish_incomplete_above": pl.Int64(),
    },
    "std_aqi_items": {
        "report_code": pl.String(),
        "pollutant_code": pl.String(),
        "averaging_period": pl.String(),
        "beyond_last_period": pl.String(),
        "is_required": pl.Boolean(),
        "concentration_decimals": pl.Int64(),
        "unit": pl.String(),
    },
    "std_aqi_breakpoints": {
        "pollutant_code": pl.String(),
        "averaging_period": pl.String(),
        "aqi_low": pl.Int64(),
        "aqi_high": pl.Int64(),
        "concentration_low": pl.Float64(),
        "concentration_high": pl.Float64(),
        "unit": pl.String(),
    },
    "std_aqi_levels": {"aqi_level": pl.Int64(), "aqi_level_name": pl.String(), "aqi_low": pl.Int64()},
    "std_ambient_limits": {
        "zone_class": pl.Int64(),
        "pollutant_code": pl.String(),
        "averaging_period": pl.String(),
        "limit_value": pl.Float64(),
        "concentration_decimals": pl.Int64(),
        "unit": pl.String(),
    },
    "std_air_validity": {"statistic_code": pl.String(), "minimum_count": pl.Int64()},
}
"""Columns this package reads from each seed, beside standard_code, valid_from and valid_to."""


class StandardRowsError(ValueError):
    """The rows of a standard do not say what a day needs: none, several, or rows that contradict each other."""


class ReadingsError(ValueError):
    """A frame of concentrations does not have the promised shape."""


def typed_rows(seed: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Take from a seed's rows the columns that are read here, with their types.

    Args:
        seed: Name of the seed, a key of `SEED_SCHEMAS`.
        rows: Its rows, as a CSV reader or the warehouse gives them.

    Returns:
        The columns of `SEED_SCHEMAS[seed]` and the dated ones.

    Raises:
        StandardRowsError: A column is missing or holds a value of another type.
    """
    schema = _DATED | SEED_SCHEMAS[seed]
    missing = sorted(set(schema) - set(rows.columns))
    if missing:
        raise StandardRowsError(f"seed {seed}: column {', '.join(missing)} is missing; add it to the seed's header")
    try:
        return rows.select(_cast(rows.schema[name], name, dtype) for name, dtype in schema.items())
    except pl.exceptions.InvalidOperationError as error:
        raise StandardRowsError(f"seed {seed}: {error}; correct the value in the seed's row") from error


def _cast(found: pl.DataType, name: str, dtype: pl.DataType) -> pl.Expr:
    """Read a column with its type; a reader that infers no types hands over text."""
    column = pl.col(name)
    if found == pl.String and dtype == pl.Date:
        return column.str.to_date("%Y-%m-%d")
    if found == pl.String and dtype == pl.Boolean:
        return column.replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
    return column.cast(dtype)


@dataclass(frozen=True)
class IndexStandards:
    """The rows that turn concentrations into an air-quality index, all editions together."""

    editions: pl.DataFrame
    items: pl.DataFrame
    breakpoints: pl.DataFrame
    levels: pl.DataFrame

    @classmethod
    def from_seeds(cls, seeds: Mapping[str, pl.DataFrame]) -> Self:
        """Read the four `std_aqi_` seeds out of a mapping from seed name to rows.

        Raises:
            StandardRowsError: A seed or one of its columns is missing.
        """
        names = {kind: f"std_aqi_{kind}" for kind in ("editions", "items", "breakpoints", "levels")}
        absent = sorted(set(names.values()) - set(seeds))
        if absent:
            raise StandardRowsError(f"air-quality index: seed {', '.join(absent)} was not handed over; load it first")
        return cls(**{kind: typed_rows(name, seeds[name]) for kind, name in names.items()})

    def tables(self) -> dict[str, pl.DataFrame]:
        """The four frames by their kind."""
        return {
            "editions": self.editions,
            "items": self.items,
            "breakpoints": self.breakpoints,
            "levels": self.levels,
        }


def local_time(column: str) -> pl.Expr:
    """Asia/Shanghai wall time of a UTC column; its date is the day whose standard judges the row."""
    return pl.col(column).dt.convert_time_zone(PARK_TIME_ZONE.key)


def require_columns(frame: pl.DataFrame, columns: Mapping[str, type[pl.DataType]], what: str) -> None:
    """Refuse a frame without a column, or with another type in it.

    Raises:
        ReadingsError: Names the frame, the column and what was found.
    """
    for name, dtype in columns.items():
        if name not in frame.columns:
            raise ReadingsError(f"{what}: column {name} is missing; give it, all null where it is not measured")
        found = frame.schema[name]
        # A column without any value comes without a type, and is as good as one of nulls.
        if not isinstance(found, dtype) and found != pl.Null:
            raise ReadingsError(f"{what}: column {name} is {found}, expected {dtype.__name__}; cast it before")


def require_utc(frame: pl.DataFrame, column: str, what: str) -> None:
    """Refuse times without a zone: read as UTC they would be eight hours off without anybody noticing.

    Raises:
        ReadingsError: The column is missing, or is no datetime in UTC, or has nulls.
    """
    require_columns(frame, {column: pl.Datetime}, what)
    dtype = frame.schema[column]
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone != "UTC":
        raise ReadingsError(f"{what}: column {column} is {dtype}, expected a datetime in UTC; convert it before")
    _require_no_null(frame, column, what)


def require_day(frame: pl.DataFrame, column: str, what: str) -> None:
    """Refuse a frame whose days are missing or are no dates.

    Raises:
        ReadingsError: The column is missing, or is no date, or has nulls.
    """
    require_columns(frame, {column: pl.Date}, what)
    _require_no_null(frame, column, what)


def _require_no_null(frame: pl.DataFrame, column: str, what: str) -> None:
    if frame[column].null_count():
        place = frame[column].is_null().arg_true()[0]
        raise ReadingsError(f"{what}: row {place} has no {column}; without it no standard can be chosen")


def valid_slices(
    frame: pl.DataFrame, day: pl.Expr, tables: Mapping[str, pl.DataFrame]
) -> Iterator[tuple[pl.DataFrame, dict[str, pl.DataFrame]]]:
    """Cut a frame where a standard changes, and hand each part over with the rows valid on its days.

    Args:
        frame: Any rows.
        day: Asia/Shanghai date of each row, never null.
        tables: Dated rows (`valid_from` inclusive, empty: always; `valid_to` exclusive, empty: still open).

    Yields:
        A part of the frame, and the tables filtered to the rows valid on every day of that part. An empty frame is
        handed over once, with the newest rows, so that callers give it its columns all the same.
    """
    changes = sorted({moment for table in tables.values() for moment in _changes(table)})
    if frame.is_empty():
        yield frame, _valid_on(tables, max(_starts(tables), default=date.min))
        return
    days = frame.select(day.alias("day"))["day"]
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise ReadingsError(f"days are {days.dtype}, expected dates; give business_date as a date")
    starts = [first, *(moment for moment in changes if first < moment <= last)]
    ends = [*starts[1:], last + timedelta(days=1)]
    for start, end in zip(starts, ends, strict=True):
        part = frame.filter((days >= start) & (days < end))
        if not part.is_empty():
            yield part, _valid_on(tables, start)


def _changes(table: pl.DataFrame) -> list[date]:
    moments: list[date] = pl.concat([table["valid_from"], table["valid_to"]]).drop_nulls().unique().to_list()
    return moments


def _starts(tables: Mapping[str, pl.DataFrame]) -> list[date]:
    return [start for table in tables.values() for start in table["valid_from"].drop_nulls().to_list()]


def _valid_on(tables: Mapping[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= day)
    not_ended = pl.col("valid_to").is_null() | (pl.col("valid_to") > day)
    return {name: table.filter(begun & not_ended) for name, table in tables.items()}
