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
import pyarrow as pa
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

    def tables(self) -> list[str]:
        """Return the names of all tables of a local lake, sorted."""
        root = Path(self.root)
        return sorted(log.parent.relative_to(root).as_posix() for log in root.glob("*/*/_delta_log"))

    def version(self, table: str) -> int | None:
        """Return the Delta version of the table, None before its first commit."""
        return self._open(table).version() if self.exists(table) else None

    def append(self, table: str, frame: pl.DataFrame, partition_by: Sequence[str], evidence: dict[str, str]) -> None:
        """Append rows in one commit; `evidence` is kept in the commit's metadata.

        A column that the table lacks is added to it: older rows have null there. One that the rows lack becomes null.

        Raises:
            DeltaError: a column has another type than in the table.
        """
        write_deltalake(
            self.uri(table),
            frame.to_arrow(),
            mode="append",
            schema_mode="merge",
            partition_by=list(partition_by),
            commit_properties=CommitProperties(custom_metadata=evidence),
        )

    def replace_partitions(
        self, table: str, frame: pl.DataFrame, partition_column: str, partitions: Sequence[str]
    ) -> None:
        """Replace the rows of `partitions` by `frame` in one commit; every row must lie in one of them.

        Raises:
            DeltaError: a row lies in another partition, or a column has another type than in the table.
        """
        if not partitions and frame.is_empty():
            return
        listed = ", ".join(_literal(partition) for partition in partitions)
        standing = self.exists(table)
        write_deltalake(
            self.uri(table),
            frame.to_arrow(),
            mode="overwrite",
            schema_mode="merge" if standing else None,
            partition_by=[partition_column],
            predicate=f"{partition_column} in ({listed})" if standing else None,
        )

    def scan(self, table: str, partitions: Mapping[str, Sequence[str]] | None = None) -> pl.LazyFrame:
        """Return a lazy frame over the table, reading only the files of `partitions`.

        Raises:
            TableNotFoundError: the table has not been written yet.
        """
        files = self._files(table, partitions)
        schema = self._schema(table)
        if not files:
            return pl.DataFrame(schema=schema).lazy()
        partition_schema = {name: schema[name] for name in self._open(table).metadata().partition_columns}
        rows = pl.scan_parquet(
            files,
            schema={name: data_type for name, data_type in schema.items() if name not in partition_schema},
            missing_columns="insert",  # files written before a column was added
            cast_options=pl.ScanCastOptions(categorical_to_string="allow"),  # staged files keep names as a dictionary
            hive_partitioning=True,
            hive_schema=partition_schema,
        )
        return rows.select(list(schema))

    def labels(self, table: str, partition_column: str) -> set[str]:
        """Return the values that a partition column has, from the table's log: no row is read."""
        return {partition[partition_column] for partition in self._open(table).partitions()}

    def query(self, statement: str, tables: dict[str, str], parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """Run DuckDB SQL over lake tables; `tables` maps the names used in the statement to `layer/name`."""
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            for name, table in tables.items():
                self._create_view(connection, name, table)
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

    def _create_view(self, connection: duckdb.DuckDBPyConnection, name: str, table: str) -> None:
        files = self._files(table, None)
        schema = self._schema(table)
        if not files:
            connection.from_arrow(pl.DataFrame(schema=schema).to_arrow()).create_view(name)
            return
        columns = ", ".join(_identifier(column) for column in schema)
        listed = ", ".join(_literal(file) for file in files)
        # Partition labels are text: left alone, DuckDB would make dates and numbers of 2026-03-01 and 2026.
        connection.execute(
            f"create view {_identifier(name)} as select {columns} from read_parquet([{listed}], "  # noqa: S608
            "hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
        )

    def _schema(self, table: str) -> dict[str, pl.DataType]:
        """Return column names and types as the table's log has them, the same whatever its files hold."""
        empty = pa.schema(self._open(table).schema().to_arrow()).empty_table()
        return dict(pl.DataFrame(pl.from_arrow(empty)).schema)


def _identifier(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


__all__ = ["Lake", "TableNotFoundError"]
