"""One YAML file adds one source: what it promises, how it is read, who owns it.

A source file names the reader, the streams and, for every column, type, nullability and sensitivity. The file is
checked when it is loaded; an error names file, stream, field and remedy.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lakehouse.settings import PROJECT_ROOT
from security.personal_fields import FieldKind

SOURCES = PROJECT_ROOT / "ingestion" / "sources"
DURATION_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
UNDIVIDED = "all"  # label of the one piece of a stream without a time
COLUMN_TYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "decimal": pl.Decimal(28, 6),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
}


class SourceFileError(ValueError):
    """A source file is not usable; the message names file, place and remedy."""


class Grain(StrEnum):
    """Calendar piece by which a stream is kept and replaced (Asia/Shanghai)."""

    DAY = "day"
    MONTH = "month"

    def label(self, day: date) -> str:
        """Return the partition label of a business date: 2026-03-01 or 2026-03."""
        return day.isoformat() if self is Grain.DAY else day.isoformat()[:7]

    def first_day(self, label: str) -> date:
        """Return the first business date of a partition label."""
        return date.fromisoformat(label if self is Grain.DAY else f"{label}-01")

    @property
    def column(self) -> str:
        """Name of the partition column."""
        return f"business_{'date' if self is Grain.DAY else 'month'}"


class RunBy(StrEnum):
    """By which calendar piece Dagster plans, shows and backfills a stream.

    Dagster writes an event per asset and piece, at some 20 ms each: a stream with years of history is planned by
    years, although it is kept, compared and replaced by months.
    """

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Strict(BaseModel):
    """Base of all parts: an unknown word in a source file is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(Strict):
    """The same name in Chinese and English."""

    zh: str
    en: str


class Column(Strict):
    """One promised column.

    `protect` says what personal data become on landing: ciphertext (`<name>_encrypted`), keyed hash
    (`<name>_digest`), or both, by how they are read; `kind` says what the value is, which decides its one spelling.
    `pattern` is a regular expression that a text must meet, such as a month's six digits.
    Money is `decimal` (28 digits, 6 of them decimals), so that no yuan is lost in a binary fraction.
    """

    type: Literal["text", "integer", "number", "decimal", "boolean", "date", "timestamp"]
    required: bool = False
    protect: Literal["encrypt", "digest", "encrypt_and_digest"] | None = None
    kind: FieldKind | None = None
    pattern: str | None = None

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Column:
        if (self.protect is None) != (self.kind is None):
            message = "`protect` and `kind` (phone, id_number, person_name, text) go together; write both or neither"
            raise ValueError(message)
        if (self.protect or self.pattern) is not None and self.type != "text":
            message = f"a column with `protect` or `pattern` is text, not {self.type}"
            raise ValueError(message)
        return self

    @property
    def data_type(self) -> pl.DataType:
        """The Polars type of the received column."""
        return COLUMN_TYPES[self.type]

    def landed(self, name: str) -> dict[str, pl.DataType]:
        """Return the columns that this one becomes in bronze, with their types."""
        if self.protect is None:
            return {name: self.data_type}
        suffixes = [suffix for suffix in ("encrypt", "digest") if suffix in self.protect]
        columns: dict[str, pl.DataType] = {
            f"{name}_{'encrypted' if suffix == 'encrypt' else 'digest'}": pl.String() for suffix in suffixes
        }
        if self.kind is FieldKind.ID_NUMBER:
            columns[f"{name}_is_valid"] = pl.Boolean()
        return columns


class DeliveryKind(StrEnum):
    """What a delivery of the stream is, and so which rows of bronze count.

    `files`: each stands for itself. `snapshot`: all there is of one piece at one time; the newest batch counts, and a
    row that is not in it is gone. `changes`: a feed of new and corrected rows; the newest row of each key counts.
    """

    FILES = "files"
    SNAPSHOT = "snapshot"
    CHANGES = "changes"


class Partition(Strict):
    """By which piece the stream is kept and planned, and which column gives the time.

    `zone` names a column that divides a piece further, where a whole day of the park would be too much at once.
    `column` is missing where a stream has no time of its own (a list of units): it is then one piece. `format` reads a
    text column that names a month, such as %Y%m. What is older than `first` is kept with the first piece.
    """

    by: Grain
    run_by: RunBy
    column: str | None = None
    format: str | None = None
    zone: str | None = None
    first: date

    @property
    def columns(self) -> list[str]:
        """The columns by which bronze is kept apart."""
        return [self.by.column, *([self.zone] if self.zone else [])]


class Stream(Strict):
    """One promised stream of a source."""

    title: Label
    path: str
    primary_key: list[str] = Field(min_length=1)
    partition: Partition
    look_back: timedelta
    fresh_within: timedelta
    sensitivity: Literal["public", "internal", "restricted", "personal"]
    delivery: DeliveryKind = DeliveryKind.FILES
    columns: dict[str, Column]
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("look_back", "fresh_within", mode="before")
    @classmethod
    def _duration(cls, value: object) -> timedelta:
        text = str(value)
        if not text[:-1].isdigit() or text[-1:] not in DURATION_UNITS:
            message = f"{text!r} is no duration; write a whole number and m, h or d, such as 26h"
            raise ValueError(message)
        return timedelta(**{DURATION_UNITS[text[-1]]: int(text[:-1])})

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: dict[str, Any]) -> dict[str, Any]:
        """`name: text` is short for `name: {type: text}`."""
        return {name: {"type": spec} if isinstance(spec, str) else spec for name, spec in value.items()}

    @model_validator(mode="after")
    def _names_exist(self) -> Stream:
        time_columns = [] if self.partition.column is None else [self.partition.column]
        zone_columns = [] if self.partition.zone is None else [self.partition.zone]
        for name in (*self.primary_key, *time_columns, *zone_columns):
            if name not in self.columns:
                message = f"column {name!r} is used as key or partition but is not among the columns"
                raise ValueError(message)
            if self.columns[name].protect is not None:
                message = f"column {name!r} is personal and can be neither key nor partition"
                raise ValueError(message)
        for name in zone_columns:
            if self.columns[name].type != "text" or not self.columns[name].required:
                message = f"zone column {name!r}: pieces are kept apart by it, so it must be a required text"
                raise ValueError(message)
        for name in time_columns:
            is_text = self.columns[name].type == "text"
            if is_text == (self.partition.format is None):
                message = f"partition column {name!r}: a text column needs `format` (%Y%m), another must not have one"
                raise ValueError(message)
        if self.delivery is DeliveryKind.CHANGES and not time_columns:
            message = "a feed of changes needs a partition column: it tells the newest row"
            raise ValueError(message)
        return self

    @property
    def time_column(self) -> str:
        """Name of the column that gives the time.

        Raises:
            SourceFileError: the stream has no time of its own.
        """
        if self.partition.column is None:
            message = (
                f"Stream {self.path!r} has no partition column, which its reader needs; add it to the source file."
            )
            raise SourceFileError(message)
        return self.partition.column

    @property
    def landed_columns(self) -> dict[str, pl.DataType]:
        """The columns of bronze that come from the source, with their types."""
        return {
            landed: data_type for name, spec in self.columns.items() for landed, data_type in spec.landed(name).items()
        }

    @property
    def personal_columns(self) -> dict[str, Column]:
        """The promised columns that may not be kept as they come."""
        return {name: spec for name, spec in self.columns.items() if spec.protect is not None}


class Source(Strict):
    """One source system."""

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Label
    owner: str = Field(pattern=r"^team:[a-z-]+$")
    reader: str
    location: str = Field(description="Name of the setting that holds the address.")
    streams: dict[str, Stream]

    def slug(self, stream: str) -> str:
        """Return the one name of a stream, from bronze to test: `<source>__<stream>`."""
        return f"{self.source}__{stream}"

    def name_of(self, stream: Stream) -> str:
        """Return the name under which this source promises `stream`."""
        return next(name for name, promised in self.streams.items() if promised == stream)


def load_source(path: Path) -> Source:
    """Read and check one source file.

    Raises:
        SourceFileError: broken YAML, an unknown or missing field, a key that is no column.
    """
    try:
        source = Source.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except yaml.YAMLError as error:
        message = f"{path}: is not valid YAML: {error}"
        raise SourceFileError(message) from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())
        message = f"{path}: {faults}. Compare with ingestion/sources/iot_archive.yaml."
        raise SourceFileError(message) from error
    if source.source != path.stem:
        message = f"{path}: names the source {source.source!r}; the file must be called {source.source}.yaml."
        raise SourceFileError(message)
    return source


def load_sources(folder: Path = SOURCES) -> dict[str, Source]:
    """Read every source file of a folder, by source name, in alphabetical order."""
    return {source.source: source for source in map(load_source, sorted(folder.glob("*.yaml")))}
