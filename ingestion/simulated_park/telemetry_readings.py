"""Readings on their way into an archive file: columns in memory, then Parquet or CSV.gz as a gateway writes them."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.simulated_park.device_register import IN_REPAIR, Device
from ingestion.simulated_park.telemetry_signals import Seconds, Values, gateway_delays
from lakehouse.settings import PARK_TIME_ZONE

NORMAL, MAINTENANCE = "N", "M"  # flags of HJ 212
CSV_ZONE = "Z5"  # its gateway is of an older make: CSV.gz, no flags

Places = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

_TEXT = pa.dictionary(pa.int32(), pa.string())
_TIME = pa.timestamp("us", str(PARK_TIME_ZONE))
_ISO_8601 = "%Y-%m-%dT%H:%M:%S%:z"
_KIB = 1024


@dataclass
class Readings:
    """Rows of some points of one zone and day, sorted by point and time until something moves them.

    `point`, `unit` and `flag` are places in `names`, `units` and `flags`; a flag of -1 is none. Times are Unix seconds.
    """

    zone_id: str
    data_origin: str
    names: list[str]
    units: list[str]
    flags: list[str]
    point: Codes
    measured: Seconds
    value: Values
    unit: Codes
    flag: Codes
    received: Seconds
    _starts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, devices: Sequence[Device], zone_id: str, series: Sequence[tuple[Seconds, Values]], *, has_flags: bool,
        seed: int
    ) -> Readings:  # fmt: skip
        """Put series side by side as rows.

        Args:
            devices: The points, sorted by record id.
            zone_id: Zone of all rows.
            series: Moments and values of each device.
            has_flags: Whether the gateway writes flags at all.
            seed: Seed of the simulated park, for the delays of the gateways.
        """
        lengths = [len(seconds) for seconds, _ in series]
        ends = np.cumsum([0, *lengths])
        units = sorted({device.measure.unit for device in devices})
        own_flags = [(1 if device.status == IN_REPAIR else 0) if has_flags else -1 for device in devices]
        own_units = [units.index(device.measure.unit) for device in devices]
        moments = np.concatenate([seconds for seconds, _ in series]) if series else np.empty(0, dtype=np.int64)
        gateways = [device.gateway_id for device in devices]
        delays = gateway_delays(gateways, [seconds for seconds, _ in series], seed=seed)
        return cls(
            zone_id=zone_id,
            data_origin=devices[0].data_origin if devices else "simulated",
            names=[device.record_id for device in devices],
            units=units,
            flags=[NORMAL, MAINTENANCE],
            point=np.repeat(np.arange(len(devices), dtype=np.int32), lengths),
            measured=moments,
            value=np.concatenate([values for _, values in series]) if series else np.empty(0),
            unit=np.repeat(np.array(own_units, dtype=np.int32), lengths),
            flag=np.repeat(np.array(own_flags, dtype=np.int32), lengths),
            received=moments + delays,
            _starts={
                device.record_id: (int(ends[place]), int(ends[place + 1])) for place, device in enumerate(devices)
            },
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.point)

    def rows_of(self, name: str, first_s: int | None = None, last_s: int | None = None) -> Places:
        """Return the places of a point's own rows with `first_s` <= time < `last_s`; only before rows are moved."""
        start, end = self._starts.get(name, (0, 0))
        moments = self.measured[start:end]
        low = 0 if first_s is None else int(np.searchsorted(moments, first_s))
        high = len(moments) if last_s is None else int(np.searchsorted(moments, last_s))
        return np.arange(start + low, start + high)

    def take(self, places: Places) -> Readings:
        """Return some rows, in the given order."""
        return Readings(
            self.zone_id, self.data_origin, list(self.names), list(self.units), list(self.flags), self.point[places],
            self.measured[places], self.value[places], self.unit[places], self.flag[places], self.received[places],
        )  # fmt: skip

    def unit_code(self, unit: str) -> int:
        """Return the place of a unit, which is added when it is new."""
        return _code(self.units, unit)

    def flag_code(self, flag: str) -> int:
        """Return the place of a flag, which is added when it is new."""
        return _code(self.flags, flag)

    def renamed(self, name: str) -> Readings:
        """Return the rows as those of another point."""
        copy = self.take(np.arange(len(self)))
        copy.names = [name]
        copy.point = np.zeros(len(self), dtype=np.int32)
        return copy

    def as_table(self) -> pa.Table:
        """Return the rows in the columns of the archive, texts as dictionaries."""
        size = len(self)

        def text(codes: Codes, words: Sequence[str]) -> pa.DictionaryArray:
            mask = codes < 0
            return pa.DictionaryArray.from_arrays(
                pa.array(np.where(mask, 0, codes), mask=mask), pa.array(list(words), pa.string())
            )

        def time(seconds: Seconds) -> pa.Array:
            return pa.array(seconds * 1_000_000, pa.int64()).cast(pa.timestamp("us", "UTC")).cast(_TIME)

        same = np.zeros(size, dtype=np.int32)
        return pa.table(
            {
                "point_id_iot": text(self.point, self.names),
                "zone_id": text(same, [self.zone_id]),
                "measured_at": time(self.measured),
                "value": pa.array(self.value, pa.float64()),
                "unit": text(self.unit, self.units),
                "source_flag": text(self.flag, self.flags),
                "received_at": time(self.received),
                "data_origin": text(same, [self.data_origin]),
            },
            schema=ARCHIVE_SCHEMA,
        )


ARCHIVE_SCHEMA = pa.schema(
    {
        "point_id_iot": _TEXT,
        "zone_id": _TEXT,
        "measured_at": _TIME,
        "value": pa.float64(),
        "unit": _TEXT,
        "source_flag": _TEXT,
        "received_at": _TIME,
        "data_origin": _TEXT,
    }
)


class ArchiveFile(Protocol):
    """A file that is written block by block and handed over whole."""

    def add(self, readings: Readings) -> None:
        """Add rows behind those that are there."""

    def content(self) -> bytes:
        """Close the file and return its bytes."""


class ParquetFile:
    """Parquet, one row group a block; texts are dictionaries in the file and plain texts for a reader."""

    def __init__(self, renamed: dict[str, str] | None = None) -> None:
        self._renamed = renamed or {}
        names = [self._renamed.get(name, name) for name in ARCHIVE_SCHEMA.names]
        fields = [pa.field(name, kind) for name, kind in zip(names, ARCHIVE_SCHEMA.types, strict=True)]
        plain = [pa.field(one.name, pa.string() if one.type == _TEXT else one.type) for one in fields]
        self._buffer = io.BytesIO()
        self._schema = pa.schema(fields)
        self._writer = pq.ParquetWriter(
            self._buffer, self._schema, compression="zstd", compression_level=1, store_schema=False
        )
        # What pyarrow would store by itself calls the texts dictionaries, and readers would then take them for lists of
        # categories; this says text, and keeps the time zone.
        self._writer.add_key_value_metadata(
            {"ARROW:schema": base64.b64encode(pa.schema(plain).serialize().to_pybytes()).decode()}
        )

    def add(self, readings: Readings) -> None:
        """Add one row group."""
        if len(readings):
            table = readings.as_table().rename_columns(self._schema.names)
            self._writer.write_table(table, row_group_size=len(readings))

    def content(self) -> bytes:
        """Return the file."""
        self._writer.close()
        return self._buffer.getvalue()


class CsvGzFile:
    """CSV.gz with local times and their offset; the gzip header carries no time, so same rows give same bytes."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._zip = gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=self._buffer, mtime=0)
        self._is_begun = False

    def add(self, readings: Readings) -> None:
        """Add lines, before the first the header."""
        frame = pl.from_arrow(readings.as_table())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table never becomes a series
        times = pl.col("measured_at", "received_at").dt.strftime(_ISO_8601)
        self._zip.write(frame.with_columns(times).write_csv(include_header=not self._is_begun).encode())
        self._is_begun = True

    def content(self) -> bytes:
        """Return the file."""
        self._zip.close()
        return self._buffer.getvalue()


def truncated(content: bytes) -> bytes:
    """Return what a broken transfer leaves of a file: its first part, whole KiB."""
    return content[: max(len(content) * 2 // 5 // _KIB, 1) * _KIB]


def _code(words: list[str], word: str) -> int:
    if word not in words:
        words.append(word)
    return words.index(word)
