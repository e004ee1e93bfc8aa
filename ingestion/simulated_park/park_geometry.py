"""The park's outline, zones, management grids and boundary air stations (WGS-84), schematic and marked synthetic."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache

from shapely.geometry import Point, Polygon, box, mapping

# Schematic outline of about 29.9 km²; it is drawn, not surveyed.
PARK_BOUNDARY = Polygon(
    [
        (121.4120, 30.7780),
        (121.4400, 30.7800),
        (121.4700, 30.7850),
        (121.5020, 30.7955),
        (121.4990, 30.8205),
        (121.4600, 30.8195),
        (121.4105, 30.8040),
    ]
)
GRID_COUNT = 16
COORDINATE_DECIMALS = 9  # a tenth of a millimetre: rounding cannot open a gap between two zones that anyone could see

_WEST_OF_CENTRE = 121.4385
_EAST_OF_CENTRE = 121.4780
_STORAGE_NORTH = 30.7885
_ISOCYANATES_NORTH = 30.8005
_UTILITIES_NORTH = 30.7965
_OFFICES = box(121.4520, 30.8105, 121.4680, 30.8300)
_GREEN_BELT_END = 121.4520
_GREEN_BELT_DEPTH = 0.0030  # degrees of latitude, about 330 m inside the north-west boundary
_LONGITUDE_SCALE = 0.859  # cosine of 30.8° N: a degree of longitude against one of latitude
_BEYOND = 1.0  # cutting shapes reach this far past the park


@dataclass(frozen=True)
class Zone:
    """A functional zone of the park with its outline in WGS-84 longitude and latitude."""

    zone_id: str
    zone_name: str
    boundary: Polygon

    def as_geojson(self) -> str:
        """Return the outline as a GeoJSON geometry."""
        return _geojson(self.boundary)


@dataclass(frozen=True)
class Grid:
    """A management grid: a part of one zone, with its outline in WGS-84 longitude and latitude."""

    grid_id: str
    grid_name: str
    zone_id: str
    boundary: Polygon

    def as_geojson(self) -> str:
        """Return the outline as a GeoJSON geometry."""
        return _geojson(self.boundary)


@dataclass(frozen=True)
class AirStation:
    """A fixed air monitoring station on the park's boundary or inside it."""

    station_id: str
    station_name: str
    longitude: float
    latitude: float


AIR_STATIONS = (
    AirStation("A01", "西北边界空气站", 121.4160, 30.8000),
    AirStation("A03", "北边界空气站", 121.4480, 30.8120),
    AirStation("A05", "东北边界空气站", 121.4950, 30.8180),
    AirStation("A07", "东南边界空气站", 121.4880, 30.7960),
    AirStation("A09", "南边界空气站", 121.4300, 30.7810),
    AirStation("A11", "园区中心空气站", 121.4500, 30.7990),
)


@cache
def park_zones() -> tuple[Zone, ...]:
    """Cut the park into Z1..Z8; together they cover it and no two overlap.

    Each cut takes what the cuts before it left, and the last one takes all, so cover and disjointness hold by
    construction.
    """
    west, south, east, north = PARK_BOUNDARY.bounds
    far_west, far_south, far_east, far_north = west - _BEYOND, south - _BEYOND, east + _BEYOND, north + _BEYOND
    cuts: tuple[tuple[str, str, Polygon], ...] = (
        ("Z8", "生态绿带与湿地", _green_belt()),
        ("Z6", "管理服务与科创区", _OFFICES),
        ("Z5", "公用工程区", box(_EAST_OF_CENTRE, far_south, far_east, _UTILITIES_NORTH)),
        ("Z7", "东部发展区", box(_EAST_OF_CENTRE, far_south, far_east, far_north)),
        ("Z1", "乙烯及衍生物区", box(far_west, far_south, _WEST_OF_CENTRE, far_north)),
        ("Z4", "仓储物流与码头区", box(far_west, far_south, far_east, _STORAGE_NORTH)),
        ("Z2", "异氰酸酯与聚碳酸酯区", box(far_west, far_south, far_east, _ISOCYANATES_NORTH)),
        ("Z3", "精细化工区", box(far_west, far_south, far_east, far_north)),
    )
    taken = Polygon()
    zones = []
    for zone_id, zone_name, cut in cuts:
        zones.append(Zone(zone_id, zone_name, PARK_BOUNDARY.intersection(cut.difference(taken)).normalize().reverse()))
        taken = taken.union(cut)
    return tuple(sorted(zones, key=lambda zone: zone.zone_id))


def zone_at(longitude: float, latitude: float) -> Zone:
    """Return the zone that contains a WGS-84 position, or the nearest one for a position outside the park."""
    point = Point(longitude, latitude)
    return min(park_zones(), key=lambda zone: (zone.boundary.distance(point), zone.zone_id))


@cache
def park_grids() -> tuple[Grid, ...]:
    """Cut the zones into G-01..G-16, so that the grids cover the park, no two overlap and none crosses a zone's edge.

    Every zone has one grid; each grid more goes to the zone whose grids are largest. A zone is cut into strips of
    equal width across its longer side, from west to east or from south to north.
    """
    zones = park_zones()
    strips = dict.fromkeys((zone.zone_id for zone in zones), 1)
    for _ in range(GRID_COUNT - len(zones)):
        largest = max(zones, key=lambda zone: (zone.boundary.area / strips[zone.zone_id], zone.zone_id))
        strips[largest.zone_id] += 1
    pieces = [(zone, piece) for zone in zones for piece in _strips(zone.boundary, strips[zone.zone_id])]
    return tuple(
        Grid(f"G-{number:02d}", f"第{number}网格（{zone.zone_name}）", zone.zone_id, piece)
        for number, (zone, piece) in enumerate(pieces, start=1)
    )


def _strips(boundary: Polygon, count: int) -> list[Polygon]:
    west, south, east, north = boundary.bounds
    is_wide = (east - west) * _LONGITUDE_SCALE >= north - south
    low, high = (west, east) if is_wide else (south, north)
    # A strip ends on a coordinate that the seed can hold, so that two neighbours share it to the last digit.
    cuts = [round(low + (high - low) * number / count, COORDINATE_DECIMALS) for number in range(1, count)]
    strips = []
    for begin, end in itertools.pairwise([low - _BEYOND, *cuts, high + _BEYOND]):
        cut = (
            box(begin, south - _BEYOND, end, north + _BEYOND)
            if is_wide
            else box(west - _BEYOND, begin, east + _BEYOND, end)
        )
        strips.append(boundary.intersection(cut).normalize().reverse())
    return strips


def _geojson(boundary: Polygon) -> str:
    """Return an outline as a GeoJSON geometry (RFC 7946: counter-clockwise, longitude first)."""
    ring = [[round(x, COORDINATE_DECIMALS), round(y, COORDINATE_DECIMALS)] for x, y in boundary.exterior.coords]
    return json.dumps({"type": "Polygon", "coordinates": [ring]}, separators=(",", ":"))


def _green_belt() -> Polygon:
    """Return a band along the boundary that faces the villages in the north-west."""
    ring = mapping(PARK_BOUNDARY)["coordinates"][0]
    (east_x, east_y), (west_x, west_y) = ring[5], ring[6]
    slope = (east_y - west_y) / (east_x - west_x)

    def inner(x: float) -> float:
        return float(west_y + slope * (x - west_x) - _GREEN_BELT_DEPTH)

    far_west, far_north = west_x - _BEYOND, east_y + _BEYOND
    return Polygon(
        [
            (far_west, inner(far_west)),
            (_GREEN_BELT_END, inner(_GREEN_BELT_END)),
            (_GREEN_BELT_END, far_north),
            (far_west, far_north),
        ]
    )
