"""A small park: two stations in two zones, one good day, ready to be spoilt by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

DAY = date(2026, 11, 20)
NAMES = {"A01": "东空气站", "A02": "西空气站"}
GOOD_DAY: dict[str, Any] = {
    "so2_ug_per_m3": 10.0, "no2_ug_per_m3": 30.0, "co_mg_per_m3": 0.6, "o3_8h_max_ug_per_m3": 80.0,
    "pm10_ug_per_m3": 70.0, "pm25_ug_per_m3": 40.0, "aqi": 67, "aqi_at_least": 67, "aqi_level": 2,
    "aqi_level_name": "良", "primary_pollutants": "pm25", "exceeded_pollutants": None, "is_exceeded": False,
}  # fmt: skip
LIMITS = {"so2_limit_ug_per_m3": 150.0, "no2_limit_ug_per_m3": 80.0, "co_limit_mg_per_m3": 4.0,
          "o3_8h_limit_ug_per_m3": 160.0, "pm10_limit_ug_per_m3": 120.0, "pm25_limit_ug_per_m3": 60.0}  # fmt: skip
COUNTS = {"so2_valid_hours": 24, "no2_valid_hours": 24, "co_valid_hours": 24, "o3_8h_valid_windows": 17,
          "pm10_valid_hours": 24, "pm25_valid_hours": 24}  # fmt: skip
MakeMarts = Callable[..., dict[str, pl.DataFrame]]


def _square(west: float) -> str:
    corners = [[west, 30.78], [west + 0.03, 30.78], [west + 0.03, 30.81], [west, 30.81], [west, 30.78]]
    return f'{{"type":"Polygon","coordinates":[{corners}]}}'


def _place(station: str) -> dict[str, Any]:
    zone = {"A01": "Z1", "A02": "Z2"}[station]
    return {"station_id": station, "station_name": NAMES[station], "zone_id": zone, "zone_name": f"示范{zone}区",
            "longitude": 121.42 + 0.03 * (station == "A02"), "latitude": 30.79}  # fmt: skip


def _day_row(station: str, day: date, changes: Mapping[str, Any]) -> dict[str, Any]:
    is_new = day >= date(2026, 3, 1)
    return {
        **_place(station), "business_date": day, **GOOD_DAY, **LIMITS, **COUNTS,
        "standard_code": "HJ 633-2026" if is_new else "HJ 633-2012",
        "limit_standard_code": "GB 3095-2026" if is_new else "GB 3095-2012",
        "data_origin": "replayed", **changes,
    }  # fmt: skip


def _hour_row(station: str, day: date, hour: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    measured_at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 8)
    return {
        **_place(station), "measured_at": measured_at, "business_date": day, "hour_of_day": hour,
        "so2_ug_per_m3": 10.0, "no2_ug_per_m3": 30.0, "co_mg_per_m3": 0.6, "o3_ug_per_m3": 60.0,
        "pm10_ug_per_m3": 70.0, "pm25_ug_per_m3": 40.0, "aqi": 60, "data_origin": "replayed",
        "source_measured_at": measured_at - timedelta(days=3554), **changes,
    }  # fmt: skip


@pytest.fixture
def make_marts() -> MakeMarts:
    """Build the marts of a day; `today`, `before` and `hours` change rows by station (None leaves them out)."""

    def make(
        day: date = DAY,
        *,
        today: Mapping[str, Mapping[str, Any] | None] | None = None,
        before: Mapping[str, Mapping[str, Any] | None] | None = None,
        hours: Mapping[tuple[str, int], Mapping[str, Any] | None] | None = None,
    ) -> dict[str, pl.DataFrame]:
        rows = [
            _day_row(station, date_, changes)
            for date_, all_changes in ((day - timedelta(days=1), before or {}), (day, today or {}))
            for station in NAMES
            if (changes := all_changes.get(station, {})) is not None
        ]
        hour_rows = [
            _hour_row(station, day, hour, changes)
            for station in NAMES
            for hour in range(24)
            if (changes := (hours or {}).get((station, hour), {})) is not None
        ]
        zones = [
            {"zone_id": f"Z{n}", "zone_name": f"示范Z{n}区", "boundary_geojson": _square(121.38 + 0.03 * n),
             "source_mark": "synthetic"}
            for n in (1, 2)
        ]  # fmt: skip
        stations = [{**_place(station), "station_kind": "air", "source_mark": "synthetic"} for station in NAMES]
        schema = list(_day_row("A01", day, {}))
        return {
            "fct_air_quality_daily": pl.DataFrame(rows, schema=None if rows else schema, infer_schema_length=None),
            "fct_air_quality_hourly": pl.DataFrame(hour_rows, infer_schema_length=None),
            "dim_monitoring_stations": pl.DataFrame(stations),
            "dim_zones": pl.DataFrame(zones),
        }

    return make
