"""Columns of a published table as the database knows them, and what may be done with each type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from api.marts.access import Privacy, privacy_of


class Family(StrEnum):
    """What a column's values are, as far as filters and order are concerned."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    UUID = "uuid"
    OTHER = "other"


_FAMILIES = {
    **dict.fromkeys(("int2", "int4", "int8"), Family.INTEGER),
    **dict.fromkeys(("float4", "float8", "numeric"), Family.NUMBER),
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), Family.TEXT),
    "bool": Family.BOOLEAN,
    "date": Family.DATE,
    "timestamptz": Family.INSTANT,
    "timestamp": Family.TIMESTAMP,
    "uuid": Family.UUID,
}


@dataclass(frozen=True)
class Column:
    """One column of a published table.

    Args:
        name: its name.
        type_name: the short name of its PostgreSQL type, e.g. `float8`.
        data_type: the type as SQL writes it, e.g. `numeric(12,2)`.
        is_nullable: whether it may be missing.
        comment: its description in the database.
    """

    name: str
    type_name: str
    data_type: str
    is_nullable: bool
    comment: str | None = None

    @property
    def family(self) -> Family:
        """What its values are."""
        return _FAMILIES.get(self.type_name, Family.OTHER)

    @cached_property
    def privacy(self) -> Privacy:
        """How it leaves."""
        return privacy_of(self.name, holds_text=self.family is Family.TEXT)


@dataclass(frozen=True)
class Table:
    """One published table, in the version that stands now.

    Args:
        mart: its name.
        mark: changes whenever the table is replaced.
        oid: its number in the database.
        columns: all columns, in the order of the table.
        key: the columns of a unique index, empty where there is none.
    """

    mart: str
    mark: str
    oid: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns that may leave, by name."""
        return {column.name: column for column in self.columns if column.privacy is not Privacy.WITHHELD}

    @cached_property
    def withheld(self) -> frozenset[str]:
        """Names of the columns that may not leave."""
        return frozenset(column.name for column in self.columns if column.privacy is Privacy.WITHHELD)
