from __future__ import annotations

import io

import polars as pl
import pyarrow as pa
import pytest

from api.marts import formats
from api.marts.access import Privacy
from api.marts.columns import Column
from api.marts.errors import ExportTooLargeError, FormatNotOfferedError, SelectionInvalidError
from api.marts.formats import Format, choose_format, write_file

COLUMNS = (
    Column("n", "int4", "integer", is_nullable=True),
    Column("worker_name", "text", "text", is_nullable=True),
)
SCHEMA = pa.schema([("n", pa.int32()), ("worker_name", pa.string())])


def reader(*batches: dict[str, list[object]]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(
        SCHEMA, [pa.RecordBatch.from_pydict(batch, schema=SCHEMA) for batch in batches]
    )


@pytest.mark.parametrize(
    ("name", "accept", "expected"),
    [
        (None, None, Format.JSON),
        (None, "*/*", Format.JSON),
        ("CSV", "application/json", Format.CSV),
        (None, "text/csv", Format.CSV),
        (None, "application/vnd.apache.arrow.stream;q=0.9, text/csv;q=0.1", Format.ARROW),
        (None, "application/json;q=0, application/vnd.apache.parquet", Format.PARQUET),
        (None, "text/html, */*;q=0.1", Format.JSON),
    ],
)
def test_the_format_is_the_one_asked_for(name: str | None, accept: str | None, expected: Format):
    assert choose_format(name, accept) is expected


def test_a_format_that_is_not_offered_is_refused():
    with pytest.raises(FormatNotOfferedError):
        choose_format(None, "image/png;q=x, application/json;q=0")
    with pytest.raises(SelectionInvalidError, match="parquet"):
        choose_format("xlsx", None)


@pytest.mark.parametrize("target", [Format.CSV, Format.PARQUET, Format.ARROW])
def test_batches_become_one_file_with_names_masked(target: Format):
    file = write_file(
        reader({"n": [1, None], "worker_name": ["张三丰", None]}, {"n": [3], "worker_name": ["欧阳锋"]}),
        columns=COLUMNS,
        target=target,
        with_byte_order_mark=False,
        facts={"mart": "fct"},
    )
    content = b"".join(file.chunks())
    assert (file.row_count, file.byte_count) == (3, len(content))
    readers = {Format.CSV: pl.read_csv, Format.PARQUET: pl.read_parquet, Format.ARROW: pl.read_ipc_stream}
    frame = readers[target](io.BytesIO(content))
    assert frame.to_dict(as_series=False) == {"n": [1, None, 3], "worker_name": ["张**", None, "欧阳*"]}


def test_too_many_rows_are_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(formats, "MOST_EXPORT_ROWS", 2)
    with pytest.raises(ExportTooLargeError):
        write_file(
            reader({"n": [1, 2, 3], "worker_name": ["a", "b", "c"]}),
            columns=COLUMNS,
            target=Format.CSV,
            with_byte_order_mark=False,
            facts={},
        )


@pytest.mark.parametrize(
    ("name", "type_name", "expected"),
    [
        ("station_name", "text", Privacy.OPEN),
        ("enterprise_name", "text", Privacy.OPEN),
        ("aqi_level_name", "text", Privacy.OPEN),
        ("standard_code", "text", Privacy.OPEN),
        ("device_id", "text", Privacy.OPEN),
        ("fingerprint", "text", Privacy.OPEN),
        ("worker_count", "int8", Privacy.OPEN),
        ("phone", "text", Privacy.MASKED),
        ("contact_mobile", "text", Privacy.MASKED),
        ("id_no", "text", Privacy.MASKED),
        ("driver_id_card", "text", Privacy.MASKED),
        ("legal_representative", "text", Privacy.MASKED),
        ("person_in_charge", "text", Privacy.MASKED),
        ("phone", "int8", Privacy.WITHHELD),
        ("id_number_digest", "text", Privacy.WITHHELD),
        ("phone_encrypted", "bytea", Privacy.WITHHELD),
    ],
)
def test_personal_columns_are_known_by_their_names(name: str, type_name: str, expected: Privacy):
    assert Column(name, type_name, type_name, is_nullable=True).privacy is expected
