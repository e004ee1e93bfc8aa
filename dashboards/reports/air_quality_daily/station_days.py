"""The day's rows as the report speaks of them: pollutants, limits and one record a station."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards.reports.chinese import MISSING, rounded
from dashboards.reports.report_file import ReportError
from dashboards.reports.standards_cited import rows_in_force
from lakehouse.reference import seed_rows

# The mart judges by class 2, for industrial and living areas (GB 3095, 4.1).
ZONE_CLASS = 2
_UNIT_SYMBOLS = {"ug/m3": "µg/m³", "mg/m3": "mg/m³"}
_UNIT_WORDS = {"ug/m3": "微克/立方米", "mg/m3": "毫克/立方米"}
_UNIT_SUFFIXES = {"ug/m3": "ug_per_m3", "mg/m3": "mg_per_m3"}
# How air bulletins print where an edition prescribes no digits: mg/m³ with one, µg/m³ with none.
_CUSTOMARY_DECIMALS = {"ug/m3": 0, "mg/m3": 1}


@dataclass(frozen=True)
class Pollutant:
    """One of the six items and the columns of the marts that hold it."""

    code: str
    symbol: str
    name: str
    unit: str
    averaging_period: str
    limit: float | None
    decimals: int

    @property
    def day_column(self) -> str:
        """Column of the daily value: a mean over 24 hours, for ozone the highest mean over 8 hours."""
        middle = "_8h_max" if self.averaging_period == "8h" else ""
        return f"{self.code}{middle}_{_UNIT_SUFFIXES[self.unit]}"

    @property
    def hour_column(self) -> str:
        """Column of the hourly mean."""
        return f"{self.code}_{_UNIT_SUFFIXES[self.unit]}"

    @property
    def limit_column(self) -> str:
        """Column of the limit that judged the day."""
        middle = "_8h" if self.averaging_period == "8h" else ""
        return f"{self.code}{middle}_limit_{_UNIT_SUFFIXES[self.unit]}"

    @property
    def count_column(self) -> str:
        """Column that counts the valid hours, or windows of 8 hours, of the day."""
        return f"{self.code}_8h_valid_windows" if self.averaging_period == "8h" else f"{self.code}_valid_hours"

    @property
    def heading(self) -> str:
        """Heading of its column."""
        return f"{self.symbol}-8h" if self.averaging_period == "8h" else self.symbol

    @property
    def unit_symbol(self) -> str:
        """Its unit as tables write it."""
        return _UNIT_SYMBOLS[self.unit]

    @property
    def unit_words(self) -> str:
        """Its unit as sentences write it."""
        return _UNIT_WORDS[self.unit]

    def printed(self, value: float | None, *, is_exceeded: bool = False) -> str:
        """Return a daily value as printed; one that exceeds the limit never looks equal to it."""
        if value is None:
            return MISSING
        figure = rounded(value, self.decimals)
        if is_exceeded and self.limit is not None:
            for decimals in range(self.decimals, self.decimals + 4):
                figure = rounded(value, decimals)
                if figure > Decimal(repr(self.limit)):
                    break
        return str(figure)

    @property
    def printed_limit(self) -> str:
        """Return the limit as printed."""
        return MISSING if self.limit is None else f"{self.limit:g}"


@dataclass(frozen=True)
class StationDay:
    """One station on the report's day; a value that does not exist is None."""

    station_id: str
    name: str
    zone_name: str
    longitude: float
    latitude: float
    has_row: bool
    values: Mapping[str, float | None]
    counts: Mapping[str, int]
    aqi: int | None = None
    aqi_at_least: int | None = None
    level: int | None = None
    level_name: str | None = None
    primary: tuple[str, ...] = ()
    exceeded: tuple[str, ...] = ()
    standard_code: str | None = None


def pollutants_on(day: date, rows: pl.DataFrame) -> list[Pollutant]:
    """Return the items with the limits that judged them.

    Args:
        day: the business date, for the digits that the edition in force prescribes.
        rows: rows of the day of `fct_air_quality_daily`, at least one.

    Raises:
        ReportError: stations of one day were judged by different limits.
    """
    limits = rows_in_force("std_ambient_limits", day).filter(pl.col("zone_class") == ZONE_CLASS)
    pollutants = []
    for item in seed_rows("ref_air_pollutants").sort("display_order").iter_rows(named=True):
        period = "8h" if item["pollutant_code"] == "o3" else "24h"
        row = limits.filter(
            (pl.col("pollutant_code") == item["pollutant_code"]) & (pl.col("averaging_period") == period)
        )
        decimals = row["concentration_decimals"].item() if row.height == 1 else None
        pollutant = Pollutant(
            code=item["pollutant_code"],
            symbol=item["symbol"],
            name=item["name_zh"],
            unit=item["unit"],
            averaging_period=period,
            limit=None,
            decimals=_CUSTOMARY_DECIMALS[item["unit"]] if decimals is None else int(decimals),
        )
        pollutants.append(_with_limit(pollutant, day, rows))
    return pollutants


def _with_limit(pollutant: Pollutant, day: date, rows: pl.DataFrame) -> Pollutant:
    found = rows[pollutant.limit_column].drop_nulls().unique().to_list()
    if len(found) > 1:
        message = (
            f"fct_air_quality_daily, {day}, {pollutant.limit_column}: several limits on one day ({found}); "
            "build the mart again, its rows were judged by different editions."
        )
        raise ReportError(message)
    return Pollutant(**{**vars(pollutant), "limit": float(found[0]) if found else None})


def station_days(stations: pl.DataFrame, rows: pl.DataFrame, pollutants: Sequence[Pollutant]) -> list[StationDay]:
    """Return one record for every air station, those without a row of the day too, ordered by id.

    Args:
        stations: `dim_monitoring_stations`.
        rows: rows of one day of `fct_air_quality_daily`.
        pollutants: the six items.
    """
    by_station = {row["station_id"]: row for row in rows.iter_rows(named=True)}
    places = {row["station_id"]: row for row in stations.iter_rows(named=True) if row["station_kind"] == "air"}
    return [
        _station_day(
            {**places.get(station_id, {}), **by_station.get(station_id, {})}, station_id in by_station, pollutants
        )
        for station_id in sorted({*places, *by_station})
    ]


def _station_day(row: dict[str, Any], has_row: bool, pollutants: Sequence[Pollutant]) -> StationDay:  # noqa: FBT001
    return StationDay(
        station_id=row["station_id"],
        name=row["station_name"],
        zone_name=row["zone_name"],
        longitude=row["longitude"],
        latitude=row["latitude"],
        has_row=has_row,
        values={each.code: _finite(row.get(each.day_column)) for each in pollutants},
        counts={each.code: row.get(each.count_column) or 0 for each in pollutants},
        aqi=row.get("aqi"),
        aqi_at_least=row.get("aqi_at_least"),
        level=row.get("aqi_level"),
        level_name=row.get("aqi_level_name"),
        primary=_codes(row.get("primary_pollutants")),
        exceeded=_codes(row.get("exceeded_pollutants")),
        standard_code=row.get("standard_code"),
    )


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(code for code in (text or "").split(",") if code)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
