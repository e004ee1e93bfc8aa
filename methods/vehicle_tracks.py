"""Tracks of vehicles: positions put in order and judged, stretches of moving and standing, and hours of them.

Distances are great circles on a sphere. Nothing is dropped: a position that cannot be is marked, and no distance,
speed or time is taken from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import asin, cos, radians, sin, sqrt

import numpy as np
import polars as pl
import shapely

from methods.quality_control.settings import rows_in_force
from methods.readings import worst_origin

EARTH_RADIUS_M = 6_371_008.8  # mean radius of the ellipsoid WGS-84
NOT_LOCATED, OUT_OF_BOUNDS, JUMP = "not_located", "out_of_bounds", "jump"
MOVING, STOPPED, SILENT = "moving", "stopped", "silent"
VEHICLE = "terminal_id_jt808"
KEY = (VEHICLE, "measured_at")

_METRES_PER_KM, _SECONDS_PER_HOUR, _SECONDS_PER_MINUTE = 1000.0, 3600.0, 60.0
_METRES, _KM_PER_H = 1, 3  # decimals
_LIST_MARK = "、"
_RULES = {
    "jump_km_per_h": ("position", "jump_km_per_h"),
    "west": ("position", "west_deg"),
    "east": ("position", "east_deg"),
    "south": ("position", "south_deg"),
    "north": ("position", "north_deg"),
    "standing_km_per_h": ("track", "standing_km_per_h"),
    "stopped_minutes": ("track", "stopped_minutes"),
    "silent_minutes": ("track", "silent_minutes"),
    "limit_km_per_h": ("park", "speed_limit_km_per_h"),
}


class VehicleRuleError(ValueError):
    """The rules do not say what tracks are judged by; the message names seed and remedy."""


@dataclass(frozen=True)
class TrackRules:
    """What tracks are judged by on one business date.

    Attributes:
        jump_km_per_h: no vehicle is faster; a position that needs more is a jump.
        west, east, south, north: degrees between which a vehicle of the park can be.
        standing_km_per_h: below this speed a vehicle stands.
        stopped_minutes: standing longer than this is a stop, up to it a halt of the traffic.
        silent_minutes: after so long without a position nothing is known of the vehicle.
        limit_km_per_h: speed limit of the park's roads.
    """

    jump_km_per_h: float
    west: float
    east: float
    south: float
    north: float
    standing_km_per_h: float
    stopped_minutes: float
    silent_minutes: float
    limit_km_per_h: float

    @classmethod
    def on(cls, rows: pl.DataFrame, day: date) -> TrackRules:
        """Return the rules in force on a business date.

        Args:
            rows: seed rule_vehicle_tracks, all editions: rule_code, quantity_code, value, valid_from, valid_to.
            day: business date (Asia/Shanghai).

        Raises:
            VehicleRuleError: a quantity has no row on that day, or two.
        """
        held = rows_in_force(rows, day).select("rule_code", "quantity_code", pl.col("value").cast(pl.Float64))
        values: dict[str, float] = {}
        for name, (rule, quantity) in _RULES.items():
            found = held.filter(rule_code=rule, quantity_code=quantity)["value"]
            if found.len() != 1:
                message = (
                    f"seed rule_vehicle_tracks: on {day} {rule}.{quantity} has {found.len()} rows and needs one; "
                    "correct valid_from and valid_to."
                )
                raise VehicleRuleError(message)
            values[name] = found[0]
        return cls(**values)


def distance_m(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """Return the metres between two places in WGS-84 degrees, on a sphere (haversine)."""
    half_north = radians(other_latitude - latitude) / 2
    half_east = radians(other_longitude - longitude) / 2
    share = sin(half_north) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(half_east) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(share))


def zones_of(positions: pl.DataFrame, outlines: Mapping[str, str]) -> pl.Series:
    """Return the zone of each position, null outside all; on a common edge the first zone of `outlines` has it.

    Args:
        positions: longitude, latitude in WGS-84 degrees.
        outlines: zone → GeoJSON geometry.
    """
    points = shapely.points(positions["longitude"].to_numpy(), positions["latitude"].to_numpy())
    tree = shapely.STRtree(shapely.from_geojson(list(outlines.values())))
    found, zones = tree.query(points, predicate="intersects")
    first = np.full(positions.height, len(outlines))
    np.minimum.at(first, found, zones)
    names = [*outlines, None]
    return pl.Series("zone_id", [names[number] for number in first], dtype=pl.String)


def judged_positions(received: pl.DataFrame, rules: TrackRules, outlines: Mapping[str, str]) -> pl.DataFrame:
    """Put positions in order and judge each by the last good one of its vehicle.

    Args:
        received: bronze rows: terminal_id_jt808, measured_at (UTC), longitude, latitude (WGS-84 degrees),
            speed_km_per_h, is_located, and provenance (`_loaded_at, _source_uri, _row_number`); of a key that was
            delivered again the newest delivery counts, and within one delivery what arrived first. Other columns
            are kept.
        rules: what tracks are judged by.
        outlines: zone → GeoJSON geometry.

    Returns:
        One row per vehicle and time, sorted by both, and beside the columns of `received`:
        fault_code (not_located, out_of_bounds, jump; null: good), is_usable,
        distance_m and seconds_since_previous (from the last good position; null without one),
        speed_between_km_per_h (what the way from there takes, also of a jump),
        standing_since_at (of a vehicle that stands: the position with which it began; a silence ends it),
        zone_id, is_in_park (of good positions; else null and false).
    """
    order = [pl.col("_loaded_at"), pl.col("_source_uri"), -pl.col("_row_number")]
    newest = received.sort(*KEY, *order).unique(KEY, keep="last", maintain_order=True)
    track = _Track(rules)
    judged = [
        track.judge(row)
        for row in newest.select(*KEY, "longitude", "latitude", "speed_km_per_h", "is_located").iter_rows()
    ]
    found = pl.DataFrame(judged, schema=_JUDGED, orient="row")
    positions = newest.hstack(found).with_columns(is_usable=pl.col("fault_code").is_null())
    zone = pl.when("is_usable").then(zones_of(positions, outlines))
    return positions.with_columns(zone_id=zone).with_columns(is_in_park=pl.col("zone_id").is_not_null())


_JUDGED = {
    "fault_code": pl.String(),
    "distance_m": pl.Float64(),
    "seconds_since_previous": pl.Float64(),
    "speed_between_km_per_h": pl.Float64(),
    "standing_since_at": pl.Datetime("us", "UTC"),
}
_Position = tuple[str, datetime, float, float, float, bool]
_Judged = tuple[str | None, float | None, float | None, float | None, datetime | None]


@dataclass
class _Track:
    """The last good position of the vehicle whose positions are judged one after the other."""

    rules: TrackRules
    vehicle: str | None = None
    last: tuple[datetime, float, float] | None = None
    standing_since: datetime | None = None

    def judge(self, position: _Position) -> _Judged:
        vehicle, at, longitude, latitude, speed, is_located = position
        if vehicle != self.vehicle:
            self.vehicle, self.last, self.standing_since = vehicle, None, None
        rules = self.rules
        if not is_located:
            return NOT_LOCATED, None, None, None, None
        if not (rules.west <= longitude <= rules.east and rules.south <= latitude <= rules.north):
            return OUT_OF_BOUNDS, None, None, None, None
        way = seconds = between = None
        if self.last is not None:
            seconds = (at - self.last[0]).total_seconds()
            way = round(distance_m(self.last[1], self.last[2], longitude, latitude), _METRES)
            between = round(way / _METRES_PER_KM / seconds * _SECONDS_PER_HOUR, _KM_PER_H)
            if between > rules.jump_km_per_h:
                return JUMP, way, seconds, between, None
        is_silent = seconds is not None and seconds > rules.silent_minutes * _SECONDS_PER_MINUTE
        self.last = (at, longitude, latitude)
        if speed >= rules.standing_km_per_h:
            self.standing_since = None
        elif self.standing_since is None or is_silent:
            self.standing_since = at
        return None, way, seconds, between, self.standing_since


def stretches(positions: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return how vehicles moved, stood and were silent, from one good position to the next.

    A vehicle stands between two positions that both are slower than the standing speed. What stands longer than
    `stopped_minutes` is a stop; a shorter halt belongs to the moving around it.

    Args:
        positions: of `judged_positions`.
        rules: what tracks are judged by.

    Returns:
        Sorted by vehicle and time: terminal_id_jt808, state_code (moving, stopped, silent), began_at, ended_at,
        minutes, distance_km (null of a silence: nobody saw the way).
    """
    run = pl.struct(VEHICLE, "state_code").rle_id().over(VEHICLE)
    runs = _pieces(positions, rules).group_by(VEHICLE, "state_code", run.alias("run"), maintain_order=True)
    found = runs.agg(
        began_at=pl.col("began_at").first(),
        ended_at=pl.col("ended_at").last(),
        minutes=pl.col("seconds").sum() / _SECONDS_PER_MINUTE,
        distance_km=pl.col("distance_m").sum() / _METRES_PER_KM,
    )
    way = pl.when(pl.col("state_code") != SILENT).then("distance_km")
    return found.drop("run").with_columns(distance_km=way).sort(VEHICLE, "began_at")


def _pieces(positions: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return the way between every two good positions with its state: began_at, ended_at, seconds, distance_m."""
    good = positions.filter("is_usable").sort(*KEY)
    stands = pl.col("speed_km_per_h") < rules.standing_km_per_h
    pieces = good.select(
        VEHICLE,
        "distance_m",
        began_at=pl.col("measured_at").shift(1).over(VEHICLE),
        ended_at="measured_at",
        stands=stands & stands.shift(1).over(VEHICLE),
    ).filter(pl.col("began_at").is_not_null())
    seconds = (pl.col("ended_at") - pl.col("began_at")).dt.total_microseconds() / 1e6
    pieces = pieces.with_columns(seconds=seconds).with_columns(
        state_code=pl.when(pl.col("seconds") > rules.silent_minutes * _SECONDS_PER_MINUTE)
        .then(pl.lit(SILENT))
        .when("stands")
        .then(pl.lit(STOPPED))
        .otherwise(pl.lit(MOVING))
    )
    pieces = pieces.with_columns(run=pl.col("state_code").rle_id().over(VEHICLE))
    is_short = pl.col("seconds").sum().over(VEHICLE, "run") <= rules.stopped_minutes * _SECONDS_PER_MINUTE
    is_halt = (pl.col("state_code") == STOPPED) & is_short
    return pieces.with_columns(state_code=pl.when(is_halt).then(pl.lit(MOVING)).otherwise("state_code")).drop(
        "run", "stands"
    )


def vehicle_hours(positions: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return one row per vehicle and hour in which it sent a position.

    The way and the time between two positions on both sides of a full hour are divided by time. A stop that reaches
    over the edge of `positions` is as long as they show it, so give the days on both sides, too.

    Args:
        positions: of `judged_positions`; also alarm_word, alarm_names, data_origin.
        rules: what tracks are judged by.

    Returns:
        Sorted by vehicle and hour: terminal_id_jt808, measured_at (start of the hour, UTC), positions_received,
        positions_usable, positions_in_park, positions_above_limit (in the park, faster than its limit),
        positions_with_alarm, alarm_names (each once, in the order of their first coming), highest_speed_km_per_h (as
        reported by good positions), distance_km, minutes_moving, minutes_stopped, is_in_park, data_origin.
    """
    hour = pl.col("measured_at").dt.truncate("1h")
    is_fast = pl.col("is_in_park") & (pl.col("speed_km_per_h") > rules.limit_km_per_h)
    names = pl.col("alarm_names").str.split(_LIST_MARK).explode().drop_nulls().unique(maintain_order=True)
    counted = (
        positions.sort(*KEY)
        .group_by(VEHICLE, measured_at=hour, maintain_order=True)
        .agg(
            positions_received=pl.len().cast(pl.Int64),
            positions_usable=pl.col("is_usable").sum().cast(pl.Int64),
            positions_in_park=pl.col("is_in_park").sum().cast(pl.Int64),
            positions_above_limit=is_fast.sum().cast(pl.Int64),
            positions_with_alarm=(pl.col("alarm_word") != 0).sum().cast(pl.Int64),
            alarm_names=names.str.join(_LIST_MARK),
            highest_speed_km_per_h=pl.col("speed_km_per_h").filter(pl.col("is_usable")).max(),
            data_origin=worst_origin("data_origin"),
        )
    )
    hours = counted.join(_ways_by_hour(_pieces(positions, rules)), on=KEY, how="left", maintain_order="left")
    return hours.with_columns(
        pl.col("alarm_names").replace("", None),
        pl.col("distance_km", "minutes_moving", "minutes_stopped").fill_null(0.0),
        is_in_park=pl.col("positions_in_park") > 0,
    )


def _ways_by_hour(pieces: pl.DataFrame) -> pl.DataFrame:
    """Return kilometres and minutes of each vehicle and hour, silences left out."""
    one_hour = timedelta(hours=1)
    seen = pieces.filter((pl.col("state_code") != SILENT) & (pl.col("seconds") > 0))
    first, last = pl.col("began_at").dt.truncate("1h"), pl.col("ended_at").dt.truncate("1h")
    parts = seen.with_columns(measured_at=pl.datetime_ranges(first, last, interval="1h")).explode("measured_at")
    begin = pl.max_horizontal("began_at", "measured_at")
    end = pl.min_horizontal("ended_at", pl.col("measured_at") + one_hour)
    parts = parts.with_columns(part_s=(end - begin).dt.total_microseconds() / 1e6).filter(pl.col("part_s") > 0)
    minutes = pl.col("part_s") / _SECONDS_PER_MINUTE
    way = pl.col("distance_m") * pl.col("part_s") / pl.col("seconds")
    return parts.group_by(*KEY).agg(
        distance_km=(way.sum() / _METRES_PER_KM).round(6),
        minutes_moving=minutes.filter(pl.col("state_code") == MOVING).sum().round(6),
        minutes_stopped=minutes.filter(pl.col("state_code") == STOPPED).sum().round(6),
    )
