"""Real hourly air series of public stations, replayed as if the park's own stations had measured them."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ingestion.simulated_park.air_factors import LOCAL_TIME
from ingestion.simulated_park.errors import ReplayFolderError
from ingestion.simulated_park.park_geometry import AIR_STATIONS
from lakehouse.settings import PARK_TIME_ZONE

_POLLUTANT_BY_COLUMN = {
    "TEMP": "air_temperature",
    "PRES": "air_pressure",
    "WSPM": "wind_speed",
    "O3": "o3",
    "NO2": "no2",
    "CO": "co",
    "SO2": "so2",
    "PM10": "pm10",
    "PM2.5": "pm25",
}
_COMPASS = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
_DEGREES = {point: 22.5 * index for index, point in enumerate(_COMPASS)}
_TEXT_COLUMNS = ("wd", "station")
_TIME_COLUMNS = ("year", "month", "day", "hour")


@dataclass(frozen=True)
class ReplayedAir:
    """Hourly rows of all replayed stations and which public station stands for which of ours.

    `hours` has station_id_iot, measured_at (Asia/Shanghai) and one column per pollutant code, units as in the source:
    µg/m³ (CO too), °C, hPa, m/s, degrees.
    """

    hours: pl.DataFrame
    public_station_by_id: dict[str, str]
    first_day: date
    last_day: date

    def as_measured(self, *, last_full_day: date) -> pl.DataFrame:
        """Return the rows at their own times, up to the last full day of the park."""
        return self.hours.filter(pl.col("measured_at").dt.date() <= last_full_day).with_columns(
            pl.lit(None, dtype=LOCAL_TIME).alias("source_measured_at")
        )

    def shifted(self, *, last_full_day: date) -> pl.DataFrame:
        """Return the rows moved by whole days so that the series ends on the last full day of the park.

        Every day keeps its 24 hours (Asia/Shanghai has had no summer time since 1991), so leap days need no care.
        Days that the series also covers at its own times are left to the original.
        """
        shift = last_full_day - self.last_day
        moved = self.hours.with_columns(
            pl.col("measured_at").alias("source_measured_at"),
            pl.col("measured_at") + timedelta(days=shift.days),
        )
        day = pl.col("measured_at").dt.date()
        return moved.filter((day > self.last_day) | (day < self.first_day))


def replay_files(replay_dir: Path) -> list[Path]:
    """Return the station files of the folder's air series, by name.

    Raises:
        ReplayFolderError: The folder has none.
    """
    files = sorted((replay_dir / "beijing").glob("PRSA_Data_*.csv*"))
    if not files:
        raise ReplayFolderError(
            f"{replay_dir}/beijing has no PRSA_Data_*.csv or .csv.gz: set PARK_REPLAY_DIR to a folder with real "
            "series, or leave it empty for a generated one."
        )
    return files


def read_replayed_air(replay_dir: Path) -> ReplayedAir:
    """Read the real series and map them, in the order of their file names, onto the park's stations.

    With more files than stations the first ones are taken; with fewer, the other stations stay silent.

    Raises:
        ReplayFolderError: A file cannot be read as hourly values of one station.
    """
    frames = []
    public_station_by_id = {}
    for station, path in zip(AIR_STATIONS, replay_files(replay_dir), strict=False):
        frame, public_name = _read_station(path)
        frames.append(frame.with_columns(pl.lit(station.station_id).alias("station_id_iot")))
        public_station_by_id[station.station_id] = public_name
    hours = pl.concat(frames)
    days = hours.get_column("measured_at").dt.date()
    first_day, last_day = days.min(), days.max()
    if not isinstance(first_day, date) or not isinstance(last_day, date):
        raise ReplayFolderError(f"{replay_dir}/beijing has station files without a single hour: fetch the files anew.")
    return ReplayedAir(hours, public_station_by_id, first_day, last_day)


def _read_station(path: Path) -> tuple[pl.DataFrame, str]:
    needed = [*_TIME_COLUMNS, *_TEXT_COLUMNS, *_POLLUTANT_BY_COLUMN]
    try:
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        frame = pl.read_csv(
            io.BytesIO(text),
            columns=needed,
            null_values=["NA", ""],
            schema_overrides={
                **dict.fromkeys(_TIME_COLUMNS, pl.Int32),
                **dict.fromkeys(_TEXT_COLUMNS, pl.String),
                **dict.fromkeys(_POLLUTANT_BY_COLUMN, pl.Float64),
            },
        )
        hours = frame.select(
            pl.datetime(*(pl.col(name) for name in _TIME_COLUMNS), time_zone=str(PARK_TIME_ZONE)).alias("measured_at"),
            pl.col("wd").replace_strict(_DEGREES, return_dtype=pl.Float64).alias("wind_direction"),
            *(pl.col(column).alias(pollutant) for column, pollutant in _POLLUTANT_BY_COLUMN.items()),
        )
    except (OSError, EOFError, pl.exceptions.PolarsError) as error:
        raise ReplayFolderError(
            f"{path} is not a file of hourly values of one station ({error}): fetch it anew."
        ) from error
    names = frame.get_column("station").drop_nulls().unique().to_list()
    if len(names) != 1:
        raise ReplayFolderError(f"{path} names {len(names)} stations instead of one: fetch it anew.")
    return hours, str(names[0])
