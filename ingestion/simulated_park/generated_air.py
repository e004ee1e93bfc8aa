"""Invented hourly air series with the habits of the Shanghai coast.

Levels, seasons and daily cycles are calibrated by eye on public knowledge of the region (safety reference §8.1 for the
climate); nothing here is a measurement. Random numbers are drawn in one fixed order from a fixed first hour, so a given
hour has the same value whichever period is asked for.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from ingestion.simulated_park.air_factors import AIR_FACTORS, LOCAL_TIME
from ingestion.simulated_park.errors import PeriodTooEarlyError
from ingestion.simulated_park.park_geometry import AIR_STATIONS
from lakehouse.settings import PARK_TIME_ZONE

Series = npt.NDArray[np.float64]

FIRST_DAY = date(2010, 1, 1)

_STATION_LEVEL = {"A01": 0.02, "A03": 0.06, "A05": -0.06, "A07": -0.02, "A09": 0.05, "A11": 0.10}
_OUTAGES_PER_STATION_DAY = 0.04
_OUTAGE_HOURS = (2, 9)
_MISSING_SHARE = 0.006  # calibration hours and lost messages of single analysers


@dataclass(frozen=True)
class _Randomness:
    """Independent sources of noise by name, each a fixed sequence from the first hour on."""

    seed: int
    hours: int

    def normal(self, name: str) -> Series:
        return self._generator(name).standard_normal(self.hours)

    def uniform(self, name: str, count: int) -> Series:
        return self._generator(name).random(count)

    def persistent(self, name: str, *, memory_hours: float) -> Series:
        """Return noise of unit variance whose autocorrelation falls to 1/e after `memory_hours`."""
        kept = float(np.exp(-1.0 / memory_hours))
        smooth: Series = pl.Series(self.normal(name)).ewm_mean(alpha=1.0 - kept, adjust=False).to_numpy()
        return smooth * float(np.sqrt((1.0 + kept) / (1.0 - kept)))

    def _generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


@dataclass(frozen=True)
class _Calendar:
    """Position of each hour in the year (radians from 1 January) and in the day (hours)."""

    season: Series
    hour: Series

    @classmethod
    def of(cls, days: int) -> _Calendar:
        day_of_year = np.array([(FIRST_DAY + timedelta(days=day)).timetuple().tm_yday - 1 for day in range(days)])
        return cls(np.repeat(2 * np.pi * day_of_year / 365.25, 24), np.tile(np.arange(24.0), days))

    def peak(self, hour: float, width: float) -> Series:
        """Return a bump of height 1 around an hour of the day, `width` hours wide."""
        distance = np.abs((self.hour - hour + 12.0) % 24.0 - 12.0)
        return np.exp(-0.5 * (distance / width) ** 2)

    def year(self, day_of_peak: float) -> Series:
        """Return a yearly wave between -1 and 1 with its top on the given day."""
        return np.cos(self.season - 2 * np.pi * day_of_peak / 365.25)


def generated_hours(*, first_day: date, last_day: date, seed: int) -> pl.DataFrame:
    """Return the invented hours of all stations from `first_day` to `last_day`, both included.

    Columns: station_id_iot, measured_at (Asia/Shanghai), source_measured_at (null) and one per pollutant code in the
    logger's units; 1 to 2 % of the values are missing.

    Raises:
        PeriodTooEarlyError: The period begins before the series does.
    """
    if first_day < FIRST_DAY:
        raise PeriodTooEarlyError(
            f"The invented air series begins on {FIRST_DAY}, not on {first_day}: set PARK_NOW to a later moment."
        )
    days = (last_day - FIRST_DAY).days + 1
    skipped = (first_day - FIRST_DAY).days * 24
    calendar = _Calendar.of(days)
    noise = _Randomness(seed, days * 24)
    weather = _weather(calendar, noise)
    midnight = datetime.combine(first_day, time(), PARK_TIME_ZONE)
    hours = pl.datetime_range(midnight, midnight + timedelta(hours=days * 24 - skipped - 1), "1h", eager=True)
    frames = []
    for station in AIR_STATIONS:
        values = _station_values(station.station_id, calendar, noise, weather)
        for name, missing in _missing(station.station_id, days, noise).items():
            values[name][missing] = np.nan
        columns = {
            factor.pollutant_code: np.round(values[factor.pollutant_code][skipped:], factor.decimals) + 0.0  # no -0.0
            for factor in AIR_FACTORS
        }
        frames.append(
            pl.DataFrame(columns, nan_to_null=True).with_columns(
                pl.lit(station.station_id).alias("station_id_iot"),
                hours.cast(LOCAL_TIME).alias("measured_at"),
                pl.lit(None, dtype=LOCAL_TIME).alias("source_measured_at"),
            )
        )
    return pl.concat(frames)


def park_weather(*, first_day: date, last_day: date, seed: int) -> dict[str, Series]:
    """Return the weather that all instruments of the park share, hour by hour and without a break.

    Keys: wind_speed (m/s), wind_direction (degrees, not wrapped), air_temperature (degC), air_pressure (hPa), stillness
    (no unit, about -2 to 2). The first value is that of 00:00 of `first_day`, the last that of 00:00 after `last_day`.

    Raises:
        PeriodTooEarlyError: The period begins before the series does.
    """
    if first_day < FIRST_DAY:
        raise PeriodTooEarlyError(
            f"The invented weather begins on {FIRST_DAY}, not on {first_day}: set PARK_NOW to a later moment."
        )
    days = (last_day - FIRST_DAY).days + 2
    weather = _weather(_Calendar.of(days), _Randomness(seed, days * 24))
    skipped = (first_day - FIRST_DAY).days * 24
    names = ("wind_speed", "wind_direction", "air_temperature", "air_pressure", "stillness")
    return {name: weather[name][skipped : (days - 1) * 24 + 1] for name in names}


def _weather(calendar: _Calendar, noise: _Randomness) -> dict[str, Series]:
    """Return what all stations share: the stillness of the air and the weather."""
    stillness = noise.persistent("stillness", memory_hours=60)
    afternoon = calendar.peak(14, 4)
    summer = calendar.year(200)
    wind_speed = 3.7 * np.exp(0.20 * afternoon - 0.38 * stillness + 0.22 * noise.persistent("wind", memory_hours=6))
    # The monsoon turns from north-north-west in winter to south-east in summer; fronts and sea breeze turn it further.
    monsoon = 165.0 - 85.0 * summer + 65.0 * noise.persistent("front", memory_hours=40)
    temperature = (
        17.2 + 11.3 * calendar.year(206) + 2.9 * (afternoon - 0.4) + 2.6 * noise.persistent("air mass", memory_hours=80)
    )
    pressure = 1016.2 + 9.2 * calendar.year(12) + 4.0 * noise.persistent("pressure", memory_hours=70)
    daylight = np.clip(np.sin(np.pi * (calendar.hour - 6.0) / 13.0), 0.0, None)
    sunshine = daylight * (0.62 + 0.38 * calendar.year(165)) * np.exp(0.22 * noise.persistent("cloud", memory_hours=30))
    return {
        "stillness": stillness,
        "wind_speed": wind_speed,
        "wind_direction": 180.0 + monsoon,
        "air_temperature": temperature,
        "air_pressure": pressure,
        "sunshine": sunshine,
    }


def _station_values(
    station_id: str, calendar: _Calendar, noise: _Randomness, weather: dict[str, Series]
) -> dict[str, Series]:
    level = _STATION_LEVEL[station_id]

    def own(name: str, memory_hours: float = 8.0) -> Series:
        return noise.persistent(f"{station_id}/{name}", memory_hours=memory_hours)

    stillness, winter = weather["stillness"], calendar.year(15)
    rush = calendar.peak(8, 1.8) + 1.1 * calendar.peak(20, 2.6)
    # An episode: still air lets particles and gases pile up faster than in proportion.
    episode = np.clip(stillness - 1.2, 0.0, None)
    pm25 = 24.0 * np.exp(level + 0.42 * winter + 0.08 * rush + 0.42 * stillness + 0.25 * episode + 0.22 * own("pm25"))
    coarse = 15.0 * np.exp(level + 0.20 * winter + 0.18 * own("coarse") + 0.16 * stillness)
    no2 = 22.0 * np.exp(level + 0.34 * winter + 0.30 * rush + 0.34 * stillness + 0.20 * own("no2"))
    so2 = 6.2 * np.exp(level + 0.16 * winter + 0.12 * calendar.peak(10, 3) + 0.22 * stillness + 0.30 * own("so2", 5))
    co = 560.0 * np.exp(level + 0.22 * winter + 0.07 * rush + 0.24 * stillness + 0.12 * own("co"))
    o3 = 54.0 + weather["sunshine"] * (92.0 + 20.0 * stillness) + 9.0 * own("o3") - 0.42 * (no2 - 22.0)
    return {
        "pm25": np.clip(pm25, 1.0, 480.0),
        "pm10": np.clip(pm25 + coarse, 2.0, 580.0),
        "no2": np.clip(no2, 1.0, 260.0),
        "so2": np.clip(so2, 1.0, 160.0),
        "co": np.clip(co, 100.0, 5000.0),
        "o3": np.clip(o3, 2.0, 330.0),
        "wind_speed": np.clip(weather["wind_speed"] * np.exp(0.12 * own("wind", 3)), 0.1, 25.0),
        "wind_direction": np.round(weather["wind_direction"] + 9.0 * own("direction", 4)) % 360.0,
        "air_temperature": weather["air_temperature"] + 0.35 * own("temperature", 12),
        "air_pressure": weather["air_pressure"] + 0.15 * own("pressure", 12),
    }


def _missing(station_id: str, days: int, noise: _Randomness) -> dict[str, npt.NDArray[np.bool_]]:
    """Return, by pollutant code, which hours are missing: whole-station outages and single lost values."""
    is_out = np.zeros(days * 24, dtype=np.bool_)
    strikes = noise.uniform(f"{station_id}/outage", days) < _OUTAGES_PER_STATION_DAY
    starts = (noise.uniform(f"{station_id}/outage start", days) * 24).astype(int)
    shortest, longest = _OUTAGE_HOURS
    lengths = shortest + (noise.uniform(f"{station_id}/outage length", days) * (longest - shortest)).astype(int)
    for day in np.flatnonzero(strikes):
        start = int(day) * 24 + int(starts[day])
        is_out[start : start + int(lengths[day])] = True
    return {
        factor.pollutant_code: is_out
        | (noise.uniform(f"{station_id}/{factor.pollutant_code} lost", days * 24) < _MISSING_SHARE)
        for factor in AIR_FACTORS
    }
