"""Zones of the park as shapes, and what follows from them: outline, shore, places for names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import polars as pl
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box, shape
from shapely.ops import unary_union

Area: TypeAlias = Polygon | MultiPolygon
# Neighbouring zones are drawn by hand and may miss each other by some metres (degrees; about 15 m).
_SLIVER = 0.00015
# A shore steeper than this is the park's side, not its water front.
_STEEPEST_SHORE = 1.0


class ZoneError(ValueError):
    """A zone that cannot be drawn; the message names zone, fault and remedy."""


@dataclass(frozen=True)
class Zone:
    """One zone, in degrees of WGS-84 (longitude, latitude)."""

    zone_id: str
    zone_name: str
    area: Area

    @property
    def is_green(self) -> bool:
        """Whether it is a green belt; the published zones carry no land use, only names."""
        return "绿" in self.zone_name or "湿地" in self.zone_name

    @property
    def name_place(self) -> Point:
        """Where the name stands: the centroid, or where that is too near to an edge the roomiest place inside."""
        roomiest = shapely.maximum_inscribed_circle(self.area)
        centroid = self.area.centroid
        is_roomy = centroid.within(self.area) and self.area.boundary.distance(centroid) > roomiest.length / 2
        return centroid if is_roomy else Point(roomiest.coords[0])


def zones_from_rows(rows: pl.DataFrame) -> list[Zone]:
    """Turn rows of `published.dim_zones` into zones, ordered by id.

    Args:
        rows: columns `zone_id`, `zone_name`, `boundary_geojson` (a GeoJSON Polygon or MultiPolygon in WGS-84).

    Raises:
        ZoneError: there is no zone, or a boundary is no valid area.
    """
    columns = rows.select("zone_id", "zone_name", "boundary_geojson").sort("zone_id")
    if columns.is_empty():
        raise ZoneError("dim_zones: there is no zone, so there is no map; publish dim_zones first.")
    return [Zone(zone_id, name, _area(zone_id, text)) for zone_id, name, text in columns.iter_rows()]


def _area(zone_id: str, text: str) -> Area:
    fault = "is no GeoJSON Polygon or MultiPolygon"
    try:
        area = shape(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, ShapelyError) as refusal:
        raise ZoneError(_place(zone_id, fault)) from refusal
    if not isinstance(area, Polygon | MultiPolygon):
        raise ZoneError(_place(zone_id, fault))
    if area.is_empty or not area.is_valid:
        raise ZoneError(_place(zone_id, f"is no area ({shapely.is_valid_reason(area)})"))
    west, south, east, north = area.bounds
    if not (-180 <= west < east <= 180 and -85 <= south < north <= 85):
        raise ZoneError(_place(zone_id, "lies outside of the map; longitude stands before latitude"))
    return area


def _place(zone_id: str, fault: str) -> str:
    return f"dim_zones, zone {zone_id}: boundary_geojson {fault}. Correct the row in ref_zones and build again."


def park_outline(zones: Sequence[Zone]) -> Area:
    """Return the outline of all zones together, slivers between neighbours closed."""
    return unary_union([zone.area.buffer(_SLIVER, join_style="mitre") for zone in zones]).buffer(
        -_SLIVER, join_style="mitre"
    )


def shoreline(outline: Area) -> LineString:
    """Return the water front: the southern edge of the outline from its west to its east, steep sides left out.

    The park lies on a bay to its south. Of the outline's convex hull the lower chain is taken, so that a dent in the
    front does not let the water into the land.
    """
    hull = shapely.convex_hull(outline)
    ring = list(shapely.geometry.polygon.orient(hull, 1.0).exterior.coords)[:-1]
    first = min(range(len(ring)), key=lambda index: ring[index])
    last = max(range(len(ring)), key=lambda index: (ring[index][0], -ring[index][1]))
    turned = ring[first:] + ring[:first]
    chain = turned[: (last - first) % len(ring) + 1]
    steep = [abs(b[1] - a[1]) > _STEEPEST_SHORE * abs(b[0] - a[0]) for a, b in pairwise(chain)]
    start = next((index for index, is_steep in enumerate(steep) if not is_steep), 0)
    end = next((index + 1 for index in reversed(range(len(steep))) if not steep[index]), len(chain) - 1)
    return LineString(chain[start : end + 1])


def sea(outline: Area, west: float, south: float, east: float, north: float) -> Area:
    """Return the water inside a frame (degrees): all that lies south of the shore and of its prolongation."""
    front = shoreline(outline).coords
    (x0, y0), (x1, y1) = front[0], front[-1]
    slope = (y1 - y0) / (x1 - x0)
    far_west, far_east = min(west, x0) - 1, max(east, x1) + 1
    depth = min(south, *(y for _, y in front)) - 5
    shore = [(far_west, y0 + slope * (far_west - x0)), *front, (far_east, y1 + slope * (far_east - x1))]
    water = Polygon([*shore, (far_east, depth), (far_west, depth)]).difference(outline)
    clipped = water.intersection(box(west, south, east, north))
    return clipped if isinstance(clipped, Polygon | MultiPolygon) else Polygon()
