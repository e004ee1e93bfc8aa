"""Which streams of bronze carry readings of points, and how their rows are read: the source files say so.

A stream takes part when its `options` have `telemetry`:

=========  =========================================================================================
point      columns that name the point, joined by a hyphen (default: point_id_iot)
received   column that says when the reading arrived (default: received_at)
where      column → values that count, such as one kind of message out of several (default: all rows)
follows    slug of a stream that is divided by zones: only days on which it has come are judged (default: all days)
=========  =========================================================================================

A stream without a column `unit` means the unit that the register binds to the point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from ingestion.readers import DayRange
from ingestion.source_file import Grain, Source, SourceFileError, load_sources
from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE

READ: dict[str, pl.DataType] = {
    "point_id_iot": pl.String(),
    "measured_at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
    "unit": pl.String(),
    "source_flag": pl.String(),
    "received_at": pl.Datetime("us", "UTC"),
    "data_origin": pl.String(),
    "_source_uri": pl.String(),
    "_row_number": pl.Int64(),
    "_loaded_at": pl.Datetime("us", "UTC"),
}
"""Columns in which a piece reads its rows, whatever their stream calls them."""
OPTION = "telemetry"
_KNOWN = {"point", "received", "where", "follows"}
_LOCAL_DAY = f"strftime((measured_at at time zone '{PARK_TIME_ZONE.key}')::date, '%Y-%m-%d')"


@dataclass(frozen=True)
class ReadingStream:
    """One stream that carries readings.

    Attributes:
        source, name: the source and its stream.
        slug: its one name.
        zone_column: column of bronze that divides a day, None where the stream is not divided.
        point: columns that name the point.
        received: column of arrival.
        where: column → values that count.
        grain: by what bronze keeps it.
        follows: slug of the stream on whose days it is judged.
    """

    source: str
    name: str
    slug: str
    grain: Grain
    zone_column: str | None
    has_unit: bool
    point: Sequence[str] = ("point_id_iot",)
    received: str = "received_at"
    where: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    follows: str | None = None

    @property
    def table(self) -> str:
        """The bronze table."""
        return f"bronze/{self.slug}"

    def partitions(self, label: str) -> dict[str, list[str]]:
        """Return the partitions of bronze in which the readings of a day lie."""
        return {self.grain.column: [self.grain.label(date.fromisoformat(label))]}

    def scan(self, lake: Lake, label: str, zone: str | None) -> pl.LazyFrame:
        """Return the readings of a day, and of a zone where the stream is divided, in the columns of `READ`."""
        day = date.fromisoformat(label)
        partitions = self.partitions(label)
        if self.zone_column is not None and zone is not None:
            partitions[self.zone_column] = [zone]
        rows = lake.scan(self.table, partitions)
        if self.grain is not Grain.DAY:
            rows = rows.filter(pl.col("measured_at").dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date() == day)
        for column, values in self.where.items():
            rows = rows.filter(pl.col(column).is_in(list(values)))
        own = {
            "point_id_iot": pl.concat_str(list(self.point), separator="-")
            if len(self.point) > 1
            else pl.col(self.point[0]),
            "unit": pl.col("unit") if self.has_unit else pl.lit(None, pl.String),
            "received_at": pl.col(self.received),
        }
        return rows.select(own.get(name, pl.col(name)).alias(name) for name in READ)

    def first_day(self, lake: Lake) -> date | None:
        """Return the first day of the oldest partition of bronze, None before the first delivery."""
        labels = lake.labels(self.table, self.grain.column) if lake.exists(self.table) else set()
        return self.grain.first_day(min(labels)) if labels else None

    def batches(self, lake: Lake, days: DayRange) -> Iterator[tuple[str, str | None, str]]:
        """Yield business date, zone (None where the stream is not divided) and batches of what came for some days."""
        if not lake.exists(self.table):
            return
        column = self.grain.column
        day = column if self.grain is Grain.DAY else _LOCAL_DAY
        rows = lake.query(
            f"select {day} as day, {self.zone_column or 'null'}, "  # noqa: S608
            "string_agg(distinct _batch_id, ',' order by _batch_id) from landed "
            f"where {column} between ? and ? group by 1, 2",
            {"landed": self.table},
            [self.grain.label(days.first), self.grain.label(days.last)],
        )
        yield from (row for row in rows.iter_rows() if date.fromisoformat(row[0]) in days)


def reading_streams(sources: Mapping[str, Source] | None = None) -> list[ReadingStream]:
    """Return the streams that carry readings, in the order of their slugs.

    Raises:
        SourceFileError: a stream's option `telemetry` names a column that the stream does not promise.
    """
    found = []
    for source in (sources if sources is not None else load_sources()).values():
        for name, stream in source.streams.items():
            if OPTION not in stream.options:
                continue
            option = dict(stream.options[OPTION] or {})
            made = ReadingStream(
                source.source,
                name,
                source.slug(name),
                stream.partition.by,
                stream.partition.zone,
                "unit" in stream.columns,
                tuple(option.get("point", ("point_id_iot",))),
                option.get("received", "received_at"),
                option.get("where", {}),
                option.get("follows"),
            )
            named = {*made.point, made.received, *made.where}
            strangers = sorted({*option} - _KNOWN) or sorted(named - {*stream.columns})
            if strangers:
                message = (
                    f"ingestion/sources/{source.source}.yaml, stream {name}, options.telemetry: {', '.join(strangers)} "
                    "is neither an option nor a promised column; compare with telemetry_archive.yaml."
                )
                raise SourceFileError(message)
            found.append(made)
    return sorted(found, key=lambda stream: stream.slug)
