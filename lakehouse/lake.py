"""The lake: Delta tables below one folder or object-store address; the only place that knows where they lie.

A table is named `layer/name` (`bronze/iot_archive__air_readings`). Bronze is appended to; silver partitions are
replaced whole, in one Delta commit, so a killed writer leaves the old state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError


@dataclass(frozen=True)
class Lake:
    """All Delta tables of one platform.

    Args:
        root: a local folder or any address that delta-rs understands (s3://…).
    """

    root: Path | str

    def uri(self, table: str) -> str:
        """Return where `layer/name` lies."""
        return f"{str(self.root).rstrip('/')}/{table}"

    def exists(self, table: str) -> bool:
        """Tell whether the table has been written yet."""
        return bool(DeltaTable.is_deltatable(self.uri(table)))

    def version(self, table: str) -> int | None:
        """Return the Delta version of the table, None before its first commit."""
        return self._open(table).version() if self.exists(table) else None

    def append(self, table: str, frame: pl.DataFrame, partition_by: Sequence[str], evidence: dict[str, str]) -> None:
        """Append rows in one commit; `evidence` is kept in the commit's metadata."""
        write_deltalake(
            self.uri(table),
            frame.to_arrow(),
            mode="append",
            partition_by=list(partition_by),
            commit_properties=CommitProperties(custom_metadata=evidence),
        )

    def replace_partitions(
        self, table: str, frame: pl.DataFrame, partition_column: str, partitions: Sequence[str]
    ) -> None:
        """Replace the rows of `partitions` by `frame` in one commit; every row must lie in one of them."""
        listed = ", ".join(f"'{partition}'" for partition in partitions)
        standing = self.exists(table)
        write_deltalake(
            self.uri(table),
            frame.to_arrow(),
            mode="overwrite",
            partition_by=[partition_column],
            predicate=f"{partition_column} in ({listed})" if standing else None,
        )

    def scan(self, table: str, partitions: Mapping[str, Sequence[str]] | None = None) -> pl.LazyFrame:
        """Return a lazy frame over the table, reading only the files of `partitions`.

        Raises:
            TableNotFoundError: the table has not been written yet.
        """
        files = self._files(table, partitions)
        if not files:
            return pl.DataFrame(pl.from_arrow(self._open(table).schema().to_arrow().empty_table())).lazy()
        return pl.scan_parquet(files, hive_partitioning=True, hive_schema=self._partition_schema(table))

    def query(self, statement: str, tables: dict[str, str], parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """Run DuckDB SQL over lake tables; `tables` maps the names used in the statement to `layer/name`."""
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            for name, table in tables.items():
                relation = connection.read_parquet(self._files(table, None), hive_partitioning=True)
                relation.create_view(name)
            rows = connection.sql(statement, params=list(parameters)).to_arrow_table()
            return pl.DataFrame(pl.from_arrow(rows))

    def optimise(self, table: str) -> None:
        """Merge small files of the table into large ones; readers see no change."""
        self._open(table).optimize.compact()

    def _open(self, table: str) -> DeltaTable:
        return DeltaTable(self.uri(table))

    def _files(self, table: str, partitions: Mapping[str, Sequence[str]] | None) -> list[str]:
        filters = [(name, "in", list(values)) for name, values in (partitions or {}).items()]
        return list(self._open(table).file_uris(partition_filters=filters or None))

    def _partition_schema(self, table: str) -> dict[str, pl.DataType]:
        return {name: pl.String() for name in self._open(table).metadata().partition_columns}


__all__ = ["Lake", "TableNotFoundError"]
