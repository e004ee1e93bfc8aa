"""Formats of rows: which one a request asks for, and files written batch by batch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from api.marts.access import Privacy, mask_kind
from api.marts.columns import Column
from api.marts.errors import ExportTooLargeError, FormatNotOfferedError, SelectionInvalidError
from api.marts.rendering import Rendering
from security.masking import mask_column

MOST_EXPORT_ROWS = 5_000_000
SPOOL_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Format(StrEnum):
    """A format of rows, by the name that `format=` takes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return _MEDIA_TYPES[self]

    @property
    def rendering(self) -> Rendering:
        """How values are selected for it."""
        return {Format.JSON: Rendering.JSON, Format.CSV: Rendering.CSV}.get(self, Rendering.ARROW)


_MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}
_BY_MEDIA_TYPE = {media_type.partition(";")[0]: each for each, media_type in _MEDIA_TYPES.items()}


@dataclass(frozen=True)
class File:
    """A finished file of rows, in memory while small, else on disk until it is closed."""

    content: IO[bytes]
    byte_count: int
    row_count: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the content."""
        while chunk := self.content.read(CHUNK_BYTES):
            yield chunk


def choose_format(name: str | None, accept: str | None) -> Format:
    """Return the format that `format=` names, else the one the Accept header prefers, JSON where it does not care.

    Raises:
        SelectionInvalidError: there is no format of this name.
        FormatNotOfferedError: nothing that is accepted is offered.
    """
    if name is not None:
        try:
            return Format(name.strip().lower())
        except ValueError:
            raise SelectionInvalidError(
                f"参数 format：没有格式 {name}。",
                remedy=f"可用的格式：{'、'.join(Format)}。",
                parameter="format",
                available=list(Format),
            ) from None
    preferences = sorted(_preferences(accept or "*/*"), key=lambda each: -each[1])
    for media_range, quality in preferences:
        if quality <= 0:
            continue
        if media_range in _BY_MEDIA_TYPE:
            return _BY_MEDIA_TYPE[media_range]
        if media_range in ("*/*", "application/*"):
            return Format.JSON
        if media_range == "text/*":
            return Format.CSV
    raise FormatNotOfferedError(
        f"请求头 Accept 的 {accept} 均不支持。",
        remedy=f"可用的类型：{'、'.join(_BY_MEDIA_TYPE)}，或用参数 format。",
        available=sorted(_BY_MEDIA_TYPE),
    )


def _preferences(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        yield media_range, quality


def write_file(
    reader: pa.RecordBatchReader,
    *,
    columns: Sequence[Column],
    target: Format,
    with_byte_order_mark: bool,
    facts: Mapping[str, str],
) -> File:
    """Write all rows of a reader into a file; memory holds one batch at a time.

    The file is finished before the first byte is sent: a failure half-way is a clear answer instead of a file that
    looks whole, and the table is held only as long as the database needs, not as long as a slow client.

    Args:
        reader: batches with the given columns.
        columns: the columns, of which personal ones are masked.
        target: CSV, Parquet or Arrow stream.
        with_byte_order_mark: begin a CSV so that Excel reads it as UTF-8.
        facts: written into the schema of Parquet and Arrow.

    Raises:
        ExportTooLargeError: there are more than `MOST_EXPORT_ROWS` rows.
    """
    spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 - File owns it
    try:
        if target is Format.CSV:
            rows = _write_csv(spool, reader, columns, with_byte_order_mark=with_byte_order_mark)
        else:
            rows = _write_arrow(spool, reader, columns, target, facts)
    except BaseException:
        spool.close()
        raise
    byte_count = spool.tell()
    spool.seek(0)
    return File(spool, byte_count, rows)


def _write_csv(
    sink: IO[bytes], reader: pa.RecordBatchReader, columns: Sequence[Column], *, with_byte_order_mark: bool
) -> int:
    if with_byte_order_mark:
        sink.write(BYTE_ORDER_MARK)
    # A header of its own: an empty result has no batch, and people still want to see the columns.
    sink.write(pl.DataFrame(schema=[column.name for column in columns]).write_csv(line_terminator="\r\n").encode())
    rows = 0
    for batch in reader:
        rows = _counted(rows, batch.num_rows)
        frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        for column in columns:
            if column.privacy is Privacy.MASKED:
                frame = frame.with_columns(_masked(frame[column.name]))
        sink.write(frame.write_csv(include_header=False, line_terminator="\r\n").encode())
    return rows


def _write_arrow(
    sink: IO[bytes],
    reader: pa.RecordBatchReader,
    columns: Sequence[Column],
    target: Format,
    facts: Mapping[str, str],
) -> int:
    # The driver's own notes about PostgreSQL types mean nothing to those who read the file.
    fields = [pa.field(field.name, field.type, field.nullable) for field in reader.schema]
    schema = pa.schema(fields, metadata=dict(facts))
    rows = 0
    writer: Any
    with (
        pq.ParquetWriter(sink, schema, compression="zstd")
        if target is Format.PARQUET
        else pa.ipc.new_stream(sink, schema)
    ) as writer:
        for batch in reader:
            rows = _counted(rows, batch.num_rows)
            arrays = [
                pa.array(
                    _masked(pl.Series(column.name, batch.column(index).to_pylist(), pl.String)).to_list(), pa.string()
                )
                if column.privacy is Privacy.MASKED
                else batch.column(index)
                for index, column in enumerate(columns)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return rows


def _masked(values: pl.Series) -> pl.Series:
    kind = mask_kind(values.name)
    if kind is None:
        raise ValueError(f"{values.name}: is no personal column and has no mask.")
    return mask_column(values, kind=kind)


def _counted(before: int, more: int) -> int:
    if before + more > MOST_EXPORT_ROWS:
        raise ExportTooLargeError(
            f"符合条件的数据超过 {MOST_EXPORT_ROWS:,} 行。", remedy="请用筛选条件（如按 business_date）分段导出。"
        )
    return before + more
