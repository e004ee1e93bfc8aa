"""A small lake with a register of five points in three zones, and readings every five minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.readers import DayRange
from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST
from orchestration.telemetry.days import TelemetryDays
from orchestration.telemetry.pieces import BATCHES_DIGEST, PIECE_TABLES
from orchestration.telemetry.refresh import Mapper, TelemetryPieces, TelemetryRefresh
from orchestration.telemetry.register import REGISTER, PointRegister
from orchestration.telemetry.streams import ReadingStream, reading_streams
from orchestration.telemetry.workers import here

SLUG = "telemetry_archive__point_readings"
FIRST = date(2026, 6, 1)
PRESENT = datetime(2026, 6, 4, 0, tzinfo=UTC)  # 08:00 of 4 June: three full days
ALL_DAYS = DayRange(date(2026, 1, 1), date(2026, 12, 31))
PERIOD_MIN = 5

POINTS: dict[str, dict[str, Any]] = {
    "D1": {"zone_id": "Z1", "vital_code": "SAF-PR-01", "unit": "degC", "range_high": 400.0},
    "D2": {"zone_id": "Z1", "vital_code": "SAF-GS-01", "unit": "%LEL", "range_high": 100.0},
    "D3": {"zone_id": "Z2", "vital_code": "SAF-TK-02", "unit": "kPa", "range_high": 400.0},
    "D4": {"zone_id": "Z2", "vital_code": "SAF-TK-02", "unit": "kPa", "range_high": 400.0},
    "D5": {"zone_id": "Z3", "vital_code": "SAF-PR-01", "unit": "degC", "range_high": 400.0},
}
REGISTER_TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("record_id", "vital_code", "unit", "redundancy_group", "object_id", "zone_id"), pl.String()),
    **dict.fromkeys(("device_status", "object_kind", "data_origin"), pl.String()),
    **dict.fromkeys(("period_s", "accuracy", "range_low", "range_high"), pl.Float64()),
    **dict.fromkeys(("operating_low", "operating_high", "longitude", "latitude"), pl.Float64()),
    "installed_on": pl.Date(),
    **dict.fromkeys(("update_time", "_loaded_at"), pl.Datetime("us", "UTC")),
    "_row_number": pl.Int64(),
    "business_month": pl.String(),
}


def registered(record_id: str, **changes: object) -> dict[str, Any]:
    """Return one version of a register entry."""
    general = {
        "record_id": record_id,
        "range_low": 0.0,
        "period_s": PERIOD_MIN * 60.0,
        "device_status": "在用",
        "data_origin": "simulated",
        "installed_on": date(2025, 1, 1),
        "update_time": datetime(2026, 1, 1, tzinfo=UTC),
        "_loaded_at": datetime(2026, 1, 2, tzinfo=UTC),
        "_row_number": 1,
        "business_month": "2026-01",
    }
    return dict.fromkeys(REGISTER_TYPES) | general | POINTS.get(record_id, {}) | changes


def readings_of(
    day: date,
    values: dict[str, Sequence[float]],
    zone: str,
    batch: str,
    *,
    first: int = 0,
    delay_s: float = 5.0,
    unit: str | None = None,
) -> pl.DataFrame:
    """Return bronze rows of a day and zone: the values of each point every five minutes from the slot `first` on."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    rows = []
    for name, series in values.items():
        for slot, value in enumerate(series, first):
            measured = midnight + timedelta(minutes=PERIOD_MIN * slot)
            rows.append((name, measured, value, unit or POINTS.get(name, {}).get("unit", "kPa"), measured))
    frame = pl.DataFrame(
        rows,
        schema={
            "point_id_iot": pl.String(),
            "measured_at": pl.Datetime("us", "UTC"),
            "value": pl.Float64(),
            "unit": pl.String(),
            "received_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )
    return frame.with_columns(
        received_at=pl.col("received_at") + timedelta(seconds=delay_s),
        source_flag=pl.lit(None, pl.String),
        data_origin=pl.lit("simulated"),
        _source_uri=pl.lit(f"{day}.{zone}.{batch}.parquet"),
        _row_number=pl.int_range(pl.len()),
        _loaded_at=pl.lit(PRESENT).cast(pl.Datetime("us", "UTC")),
        _batch_id=pl.lit(batch),
        _digest=pl.lit(batch),
        business_date=pl.lit(day.isoformat()),
        zone_id=pl.lit(zone),
    )


def waves(middle: float, slots: int = 288) -> list[float]:
    """Return a day that goes up and down by three in steps of one."""
    return [middle + abs(slot % 6 - 3) for slot in range(slots)]


@dataclass
class Telemetry:
    """A lake with telemetry and what one does with it."""

    lake: Lake
    present: datetime = PRESENT
    computed: list[tuple[str, str]] = field(default_factory=list)

    def register(self, *entries: dict[str, Any]) -> None:
        """Append versions of register entries."""
        self.lake.append(REGISTER, pl.DataFrame(list(entries), schema=REGISTER_TYPES), ["business_month"], {})

    def deliver(
        self,
        day: date,
        values: dict[str, Sequence[float]],
        zone: str,
        batch: str,
        **changes: Any,  # noqa: ANN401
    ) -> None:
        """Land one file."""
        rows = readings_of(day, values, zone, batch, **changes)
        self.lake.append(f"bronze/{SLUG}", rows, ["business_date", "zone_id"], {})

    def deliver_usual(self, days: int = 3) -> None:
        """Land full days of the zones 1 and 2; zone 3 is silent."""
        for number in range(days):
            day = FIRST + timedelta(days=number)
            self.deliver(day, {"D1": waves(100.0), "D2": [0.0] * 288}, "Z1", f"{day}-1")
            self.deliver(day, {"D3": waves(200.0), "D4": waves(210.0)}, "Z2", f"{day}-2")

    def pieces(self) -> TelemetryPieces:
        """Return the pieces as they are at the present."""
        streams: list[ReadingStream] = [stream for stream in reading_streams() if stream.slug == SLUG]
        return TelemetryPieces(self.lake, PointRegister.read(self.lake), self.present, streams)

    def refresh(self, days: DayRange = ALL_DAYS, mapper: Mapper = here) -> TelemetryRefresh:
        """Bring the pieces up to date."""
        return self.pieces().refresh(days, mapper)

    def days(self) -> TelemetryDays:
        """Return the days."""
        return TelemetryDays(self.lake, PointRegister.read(self.lake))

    def table(self, name: str) -> pl.DataFrame:
        """Return a silver table without its digests, sorted."""
        rows = self.lake.scan(f"silver/{name}").collect().drop(INPUT_DIGEST, BATCHES_DIGEST, strict=False)
        return rows.sort(pl.exclude("tests") if name == "telemetry__exceptions" else pl.all())

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all tables of the pieces."""
        return {name: self.table(name) for name in PIECE_TABLES}

    def versions(self) -> dict[str, int | None]:
        """Return the Delta version of each table of the pieces."""
        return {name: self.lake.version(f"silver/{name}") for name in PIECE_TABLES}


@pytest.fixture
def telemetry_in() -> Callable[[Path], Telemetry]:
    """Return what makes a lake with the register in a folder."""

    def make(folder: Path) -> Telemetry:
        telemetry = Telemetry(Lake(folder))
        telemetry.register(*(registered(name) for name in POINTS))
        return telemetry

    return make


@pytest.fixture
def telemetry(tmp_path: Path, telemetry_in: Callable[[Path], Telemetry]) -> Telemetry:
    return telemetry_in(tmp_path / "lake")
