"""Shapes and names as SVG, shared by the base map's tiles and the reports' station map."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias
from xml.sax.saxutils import escape

from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from dashboards.fonts import FAMILY

Projection: TypeAlias = Callable[[float, float], tuple[float, float]]
"""(longitude, latitude) → (x to the right, y downwards) in the drawing's units."""


def number(value: float) -> str:
    """Write a coordinate with at most two decimals, never as -0."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def rings(geometry: BaseGeometry) -> Iterable[list[tuple[float, float]]]:
    """Yield every ring of an area, outer and inner, without the repeated last point."""
    polygons = geometry.geoms if isinstance(geometry, MultiPolygon) else [geometry]
    for polygon in polygons:
        if isinstance(polygon, Polygon) and not polygon.is_empty:
            for ring in (polygon.exterior, *polygon.interiors):
                yield [(x, y) for x, y, *_ in ring.coords][:-1]


def area_path(geometry: BaseGeometry, project: Projection, style: str) -> str:
    """Return an area as one SVG path, holes left open; empty text for an empty area."""
    commands = []
    for ring in rings(geometry):
        points = (project(longitude, latitude) for longitude, latitude in ring)
        commands.append("M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + "Z")
    return f'<path d="{"".join(commands)}" fill-rule="evenodd" {style}/>' if commands else ""


def name(text: str, x: float, y: float, *, size: float, colour: str, halo: str, weight: int = 400) -> str:
    """Return a name centred on a point, with a halo that keeps it readable over lines."""
    place = f'x="{number(x)}" y="{number(y + size * 0.36)}" font-size="{number(size)}" font-weight="{weight}"'
    common = f'{place} text-anchor="middle" font-family="{FAMILY}"'
    words = escape(text)
    outline = f'stroke="{halo}" stroke-width="{number(size / 4)}" stroke-linejoin="round"'
    return f'<text {common} fill="{halo}" {outline}>{words}</text><text {common} fill="{colour}">{words}</text>'
