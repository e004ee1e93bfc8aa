"""The map of a report: zones of the park and its stations, coloured by level, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import MultiPoint, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import transform, unary_union

from dashboards.map.svg_shapes import Projection, area_path, name, number
from dashboards.map.zones import Zone, park_outline

_ZONE, _GREEN, _BORDER, _OUTLINE = "#f4f7fb", "#e6f3ea", "#b9c6d6", "#5b7391"
_WORDS, _ZONE_WORDS = "#1f2937", "#7c8da3"
_RADIUS = 11.0
_NAME_SIZE, _STATION_SIZE = 7.5, 8.0
# How finely a zone is searched for a place for its name, in steps each way.
_SEARCH = 16
_METRES_PER_DEGREE = 111_320.0
_SCALE_BARS = (100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True)
class StationMark:
    """A station on the map: its dot has the colour of its level and says a short figure."""

    name: str
    longitude: float
    latitude: float
    figure: str
    fill: str
    ink: str


def station_map(zones: Sequence[Zone], marks: Sequence[StationMark], *, width: float = 442.0) -> str:
    """Return the map as SVG; its height follows from the park's shape.

    Args:
        zones: at least one zone.
        marks: stations with a place.
        width: width in points.
    """
    outline = park_outline(zones)
    points = MultiPoint([(mark.longitude, mark.latitude) for mark in marks])
    west, south, east, north = shapely.union(outline, points).bounds
    # Local plane: a degree of longitude is shorter by the cosine of the latitude. Error over a park: centimetres.
    shrink = math.cos(math.radians((south + north) / 2))
    left = right = 26.0
    top, bottom = 14.0, 30.0
    scale = (width - left - right) / ((east - west) * shrink)
    height = top + bottom + (north - south) * scale

    def project(longitude: float, latitude: float) -> tuple[float, float]:
        return left + (longitude - west) * shrink * scale, top + (north - latitude) * scale

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}">']
    for zone in zones:
        fill = _GREEN if zone.is_green else _ZONE
        parts.append(area_path(zone.area, project, f'fill="{fill}" stroke="{_BORDER}" stroke-width="0.6"'))
    parts.append(area_path(outline, project, f'fill="none" stroke="{_OUTLINE}" stroke-width="1.2"'))
    parts.extend(_zone_names(zones, marks, project))
    for mark in marks:
        x, y = project(mark.longitude, mark.latitude)
        parts.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{_RADIUS}" fill="{mark.fill}" stroke="#ffffff" '
            'stroke-width="1.4"/>'
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{_RADIUS}" fill="none" stroke="{_OUTLINE}" '
            'stroke-width="0.5"/>'
        )
        parts.append(name(mark.figure, x, y, size=9, colour=mark.ink, halo=mark.fill, weight=700))
        parts.append(name(mark.name, x, y + _RADIUS + 7, size=_STATION_SIZE, colour=_WORDS, halo="#ffffff", weight=700))
    parts.extend(_scale_and_north(scale / _METRES_PER_DEGREE, width, height))
    return "".join((*parts, "</svg>"))


def _zone_names(zones: Sequence[Zone], marks: Sequence[StationMark], project: Projection) -> list[str]:
    """Return the zones' names, each where it fits into its zone best without lying on a station."""
    taken = unary_union([_room_of(mark, project) for mark in marks])
    names = []
    for zone in zones:
        area = transform(project, zone.area)
        x, y = _place_for(area, taken, half_width=_NAME_SIZE * len(zone.zone_name) / 2)
        halo = _GREEN if zone.is_green else _ZONE
        names.append(name(zone.zone_name, x, y, size=_NAME_SIZE, colour=_ZONE_WORDS, halo=halo))
    return names


def _room_of(mark: StationMark, project: Projection) -> Polygon:
    """Return the room that a station's dot and the name below it take up."""
    x, y = project(mark.longitude, mark.latitude)
    half = max(_RADIUS, _STATION_SIZE * len(mark.name) / 2) + 2
    return box(x - half, y - _RADIUS - 2, x + half, y + _RADIUS + 7 + _STATION_SIZE)


def _place_for(area: BaseGeometry, taken: BaseGeometry, *, half_width: float) -> tuple[float, float]:
    """Return the middle of a name inside an area (drawing units): least of it outside or on a station, then central."""
    left, top, right, bottom = area.bounds
    centre = area.centroid
    best = (math.inf, centre.x, centre.y)
    for column in range(_SEARCH + 1):
        for row in range(_SEARCH + 1):
            x, y = left + (right - left) * column / _SEARCH, top + (bottom - top) * row / _SEARCH
            words = box(x - half_width, y - _NAME_SIZE * 0.75, x + half_width, y + _NAME_SIZE * 0.75)
            bad = 4 * words.intersection(taken).area + words.difference(area).area
            score = bad * _SEARCH + math.hypot(x - centre.x, y - centre.y)
            best = min(best, (score, x, y))
    return best[1], best[2]


def _scale_and_north(units_per_metre: float, width: float, height: float) -> list[str]:
    longest = width / 4
    metres = max((bar for bar in _SCALE_BARS if bar * units_per_metre <= longest), default=_SCALE_BARS[0])
    length, y = metres * units_per_metre, height - 8
    words = f"{metres // 1000}千米" if metres >= 1000 else f"{metres}米"
    x = width - 30 - length
    bar = f"M{number(x)} {number(y - 4)}v4h{number(length)}v-4"
    return [
        f'<path d="{bar}" fill="none" stroke="{_WORDS}" stroke-width="0.8"/>',
        name(words, x + length / 2, y - 6, size=7, colour=_WORDS, halo="#ffffff"),
        f'<path d="M14 {number(height - 6)}l4 -14l4 14l-4 -3.5z" fill="{_WORDS}"/>',
        name("北", 18, height - 25, size=8, colour=_WORDS, halo="#ffffff", weight=700),
    ]
