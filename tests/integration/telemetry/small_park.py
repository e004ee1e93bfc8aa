"""A park of seven points in three zones whose gateways write messy archives: where every test of this folder starts.

Files are written, landed and judged by the platform's own code; nothing here knows how.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.landing import Landing, LandingResult
from ingestion.readers import DayRange
from ingestion.readers.daily_archive import DailyArchive
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.telemetry.days import DaysRefresh, TelemetryDays
from orchestration.telemetry.refresh import Mapper, TelemetryPieces, TelemetryRefresh
from orchestration.telemetry.register import REGISTER, PointRegister
from orchestration.telemetry.streams import reading_streams

SOURCE, STREAM = "telemetry_archive", "point_readings"
BRONZE = f"bronze/{SOURCE}__{STREAM}"
FIRST = date(2026, 6, 1)
PRESENT = datetime(2026, 6, 5, 0, tzinfo=UTC)  # 08:00 of 5 June in Shanghai: four days are over
REGISTERED = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 4
PERIOD = timedelta(minutes=5)
ARRIVES_AFTER = timedelta(seconds=20)

NUMBERS = (
    "period_s",
    "accuracy",
    "range_low",
    "range_high",
    "operating_low",
    "operating_high",
    "longitude",
    "latitude",
)
ENTRY: dict[str, Any] = {
    "unit": None, "period_s": PERIOD.total_seconds(), "accuracy": 0.1, "range_low": 0.0, "range_high": 100.0,
    "operating_low": None, "operating_high": None, "redundancy_group": None, "object_id": None, "longitude": 121.44,
    "latitude": 30.80, "installed_on": date(2020, 1, 1), "device_status": "在用", "object_kind": "tank",
    "data_origin": "simulated",
}  # fmt: skip
POINTS: dict[str, dict[str, Any]] = {
    "P1": {"vital_code": "SAF-GS-01", "unit": "%LEL", "zone_id": "Z1", "object_kind": "gas_point"},
    "P2": {"vital_code": "SAF-TK-03", "unit": "degC", "zone_id": "Z1", "object_id": "T1", "redundancy_group": "T1"},
    "P3": {"vital_code": "SAF-TK-03", "unit": "degC", "zone_id": "Z1", "object_id": "T1", "redundancy_group": "T1"},
    "P4": {"vital_code": "SAF-TK-02", "unit": "kPa", "zone_id": "Z2", "operating_high": 60.0, "object_id": "T2"},
    "P5": {"vital_code": "SAF-TK-01", "unit": "%", "zone_id": "Z2", "object_id": "T2"},
    "P6": {"vital_code": "SAF-EQ-04", "unit": "degC", "zone_id": "Z3", "object_kind": "pump"},
    "P7": {"vital_code": "SAF-EQ-02", "unit": "A", "zone_id": "Z3", "object_kind": "pump"},
}
ZONES = ("Z1", "Z2", "Z3")

Row = dict[str, Any]
Change = Callable[[list[Row]], list[Row]]


def midnight(day: date) -> datetime:
    """Return the moment at which a business date begins."""
    return datetime(day.year, day.month, day.day, tzinfo=PARK_TIME_ZONE)


def reading(point: str, moment: datetime, value: float | None = None, **changes: object) -> Row:
    """Return one reading of a point as its gateway writes it; without a value, a slow wave with a little ripple."""
    minutes = moment.timestamp() / 60
    number = int(point.removeprefix("P")) if point in POINTS else 0
    wave = 40 + 3 * number + 4 * math.sin(minutes / 700 + number) + 0.3 * math.sin(minutes * number)
    entry = POINTS.get(point, {})
    row: Row = {
        "point_id_iot": point,
        "zone_id": entry.get("zone_id", "Z1"),
        "measured_at": moment,
        "value": round(wave if value is None else value, 2),
        "unit": entry.get("unit", "kPa"),
        "source_flag": "N",
        "received_at": moment + ARRIVES_AFTER,
        "data_origin": "simulated",
    }
    return row | changes


def ordinary(zone: str, day: date) -> list[Row]:
    """Return everything that the points of a zone send on a day, in the order of point and time."""
    moments = [midnight(day) + number * PERIOD for number in range(timedelta(days=1) // PERIOD)]
    points = [point for point, entry in POINTS.items() if entry["zone_id"] == zone]
    return [reading(point, moment) for point in points for moment in moments]


def frame(rows: list[Row]) -> pl.DataFrame:
    """Return rows as an archive file holds them."""
    moments = {name: pl.Datetime("us", "Asia/Shanghai") for name in ("measured_at", "received_at")}
    schema = dict.fromkeys(reading("P1", PRESENT), pl.String()) | moments | {"value": pl.Float64()}
    return pl.DataFrame(rows, schema=schema)


@dataclass(frozen=True)
class SmallPark:
    """The park's archive and its lake.

    Attributes:
        root: folder of both.
    """

    root: Path

    @property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.root / "lake")

    @property
    def archive(self) -> Path:
        """The folder that the reader is pointed to."""
        return self.root / "archive"

    def put(self, name: str, rows: list[Row]) -> Path:
        """Write an archive file, such as `2026-06-01.Z1.parquet`."""
        path = self.archive / STREAM / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame(rows).write_parquet(path)
        return path

    def put_ordinary_days(self, days: int = DAYS) -> None:
        """Write the files of all zones for some days."""
        for number in range(days):
            day = FIRST + timedelta(days=number)
            for zone in ZONES:
                self.put(f"{day}.{zone}.parquet", ordinary(zone, day))

    def put_messy_days(self, days: int = DAYS) -> None:
        """Write days with a fault of nearly every kind, and the files that came late or again."""
        for number in range(days):
            day = FIRST + timedelta(days=number)
            for zone in ZONES:
                rows = ordinary(zone, day)
                for place in range(60 + 7 * number, len(rows), 97):
                    rows[place] = _FAULTS[place % len(_FAULTS)](rows[place])
                dropped = rows[150:160] if number else []
                rows = [row for row in rows if row not in dropped]
                rows += [reading("P9", midnight(day), zone_id=zone), reading("P1", midnight(day), 7.0, zone_id="Z3")]
                self.put(f"{day}.{zone}.parquet", rows)
                late = [row | {"received_at": row["received_at"] + timedelta(hours=20)} for row in dropped]
                again = [row | {"value": row["value"] + 1} for row in rows[200:203]]
                self.put(f"{day}.{zone}-late.parquet", [*late, *again, *rows[10:12]])

    def enter(self, points: Mapping[str, Mapping[str, Any]] | None = None, update_time: datetime = REGISTERED) -> None:
        """Enter points into the register in bronze, as a landing of the middle platform leaves them."""
        rows = [{"record_id": name} | ENTRY | dict(entry) for name, entry in (points or POINTS).items()]
        entries = pl.DataFrame(rows, infer_schema_length=None).with_columns(
            *(pl.col(name).cast(pl.Float64) for name in NUMBERS),
            *(pl.col(name).cast(pl.String) for name in ("redundancy_group", "object_id")),
            update_time=pl.lit(update_time).cast(pl.Datetime("us", "UTC")),
            _loaded_at=pl.lit(PRESENT).cast(pl.Datetime("us", "UTC")),
            _row_number=pl.lit(1, pl.Int64),
        )
        self.lake.append(REGISTER, entries, [], {})

    def land(self) -> LandingResult:
        """Land what lies in the archive."""
        source = load_sources()[SOURCE]
        reader = DailyArchive(self.archive, source.location)
        landing = Landing(self.lake, source, STREAM, PRESENT)
        return landing.land(reader.deliveries(source, source.streams[STREAM], DayRange(FIRST, PRESENT.date())))

    def judge(self, mapper: Mapper, present: datetime = PRESENT) -> tuple[TelemetryRefresh, DaysRefresh]:
        """Make everything that is stale."""
        return judge(self.lake, mapper, present)


def judge(lake: Lake, mapper: Mapper, present: datetime = PRESENT) -> tuple[TelemetryRefresh, DaysRefresh]:
    """Make everything of a lake that is stale at a moment: pieces first, then hours and days."""
    register = PointRegister.read(lake)
    streams = [stream for stream in reading_streams() if stream.table == BRONZE]
    days = DayRange(FIRST, present.date())
    pieces = TelemetryPieces(lake, register, present, streams).refresh(days, mapper)
    return pieces, TelemetryDays(lake, register).refresh(days)


def contents(lake: Lake) -> dict[str, bytes]:
    """Return every silver table with its rows sorted, as bytes: two lakes hold the same when these are equal."""
    found = {}
    for table in lake.tables():
        if table.startswith("silver/"):
            rows = lake.scan(table).collect()
            found[table] = rows.sort(rows.columns, nulls_last=True).rechunk().write_ipc(None).getvalue()
    return found


_FAULTS: tuple[Callable[[Row], Row], ...] = (
    lambda row: row | {"value": 130.0},
    lambda row: row | {"value": row["value"] + 25},
    lambda row: row | {"unit": "furlong"},
    lambda row: row | {"source_flag": "D"},
    lambda row: row | {"source_flag": None},
    lambda row: row | {"received_at": row["received_at"] + timedelta(hours=3)},
    lambda row: row | {"measured_at": row["measured_at"] + timedelta(seconds=30)},
    lambda row: row | {"received_at": row["received_at"] - timedelta(minutes=40)},
)
