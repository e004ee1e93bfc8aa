"""Base map tiles: the park's zones and shore as PNG in the Web Mercator grid (EPSG:3857), dark as the wall.

Drawn by Typst, which reports need anyway: one page a tile, our own font, the same zones give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import shapely
import typst
from shapely.geometry import box

from dashboards.fonts import our_fonts
from dashboards.map.svg_shapes import area_path, name
from dashboards.map.zones import Area, Zone, ZoneError, park_outline, sea
from lakehouse.artifacts import ArtifactStore

MIN_ZOOM, MAX_ZOOM = 11, 16
MARGIN_TILES = 2
TILE_UNITS = 256
"""Edge of a tile in the units of the map's page; the picture has twice as many pixels, for sharp walls and phones."""

_PIXELS_PER_INCH = 144.0
_PAGES_AT_ONCE = 64
# Room around a tile in which shapes are still drawn, so that no line ends at its edge (in units).
_OVERLAP = 12
_PAGES = b"""
#set page(width: 256pt, height: 256pt, margin: 0pt)
#for tile in json(bytes(sys.inputs.tiles)) { page(image(bytes(tile), format: "svg", width: 256pt, height: 256pt)) }
"""

_LAND, _WATER, _SHORE = "#0d1a2d", "#081120", "#1f4d6e"
_ZONE, _GREEN, _BORDER, _OUTLINE = "#15263e", "#12322f", "#2f4f78", "#4a7fb8"
_WORDS, _WATER_WORDS = "#9db6d3", "#3f6f94"
_NAMES_FROM_ZOOM = 13
_NAME_SIZES = {13: 8.5, 14: 11.0, 15: 13.0, 16: 14.0}
_PARK_NAME, _SEA_NAME = "化工园区", "海 域"


@dataclass(frozen=True)
class Tile:
    """One cell of the Web Mercator grid, counted from the north-west."""

    zoom: int
    x: int
    y: int

    @property
    def artifact(self) -> str:
        """Its name in the artifact store."""
        return f"map/tiles/{self.zoom}/{self.x}/{self.y}.png"

    def project(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return where a place lies on this tile, in units from its north-western corner."""
        x, y = world_position(longitude, latitude, self.zoom)
        return x - self.x * TILE_UNITS, y - self.y * TILE_UNITS

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees, with the overlap."""
        west, north = place_at(self.x * TILE_UNITS - _OVERLAP, self.y * TILE_UNITS - _OVERLAP, self.zoom)
        east, south = place_at((self.x + 1) * TILE_UNITS + _OVERLAP, (self.y + 1) * TILE_UNITS + _OVERLAP, self.zoom)
        return west, south, east, north


def world_position(longitude: float, latitude: float, zoom: int) -> tuple[float, float]:
    """Return a place in units of the whole map at a zoom (spherical Mercator, EPSG:3857)."""
    size = TILE_UNITS * 2.0**zoom
    sine = math.sin(math.radians(latitude))
    return (longitude / 360 + 0.5) * size, (0.5 - math.atanh(sine) / (2 * math.pi)) * size


def place_at(x: float, y: float, zoom: int) -> tuple[float, float]:
    """Return longitude and latitude of a position of the whole map; the inverse of `world_position`."""
    size = TILE_UNITS * 2.0**zoom
    return (x / size - 0.5) * 360, math.degrees(math.asin(math.tanh((0.5 - y / size) * 2 * math.pi)))


def tiles_around(bounds: tuple[float, float, float, float], zoom: int, margin: int = MARGIN_TILES) -> Iterator[Tile]:
    """Yield the tiles of a zoom that touch `bounds` (west, south, east, north), and `margin` tiles around them."""
    west, south, east, north = bounds
    left, top = world_position(west, north, zoom)
    right, bottom = world_position(east, south, zoom)
    last = 2**zoom - 1
    columns = range(max(int(left // TILE_UNITS) - margin, 0), min(int(right // TILE_UNITS) + margin, last) + 1)
    rows = range(max(int(top // TILE_UNITS) - margin, 0), min(int(bottom // TILE_UNITS) + margin, last) + 1)
    return (Tile(zoom, x, y) for x in columns for y in rows)


def build_tiles(
    zones: Sequence[Zone], store: ArtifactStore, *, min_zoom: int = MIN_ZOOM, max_zoom: int = MAX_ZOOM
) -> int:
    """Draw the base map into the artifact store (`map/tiles/{z}/{x}/{y}.png`, 512 × 512 pixels).

    Args:
        zones: all zones of the park.
        store: where the tiles go.
        min_zoom: first zoom, the whole park at a glance.
        max_zoom: last zoom.

    Returns:
        How many tiles were written.

    Raises:
        ZoneError: there is no zone.
    """
    if not zones:
        raise ZoneError("dim_zones: there is no zone, so there is no base map; publish dim_zones first.")
    outline = park_outline(zones)
    tiles = [tile for zoom in range(min_zoom, max_zoom + 1) for tile in tiles_around(outline.bounds, zoom)]
    for start in range(0, len(tiles), _PAGES_AT_ONCE):
        part = tiles[start : start + _PAGES_AT_ONCE]
        pictures = _draw([_tile_svg(tile, zones, outline) for tile in part])
        for tile, picture in zip(part, pictures, strict=True):
            store.write(tile.artifact, picture)
    return len(tiles)


def _draw(pages: Sequence[str]) -> list[bytes]:
    drawn = typst.compile(
        _PAGES,
        format="png",
        ppi=_PIXELS_PER_INCH,
        font_paths=our_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"tiles": json.dumps(pages, ensure_ascii=False)},
    )
    # Typst returns a single page without a list around it.
    return [bytes(page) for page in drawn] if isinstance(drawn, list) else [bytes(drawn)]


def _tile_svg(tile: Tile, zones: Sequence[Zone], outline: Area) -> str:
    frame = box(*tile.frame)
    project = tile.project
    line = 1.0 if tile.zoom < _NAMES_FROM_ZOOM else 1.4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {TILE_UNITS} {TILE_UNITS}">',
        f'<rect width="{TILE_UNITS}" height="{TILE_UNITS}" fill="{_LAND}"/>',
        area_path(sea(outline, *tile.frame), project, f'fill="{_WATER}" stroke="{_SHORE}" stroke-width="1"'),
    ]
    for zone in zones:
        fill = _GREEN if zone.is_green else _ZONE
        style = f'fill="{fill}" stroke="{_BORDER}" stroke-width="{line}" stroke-linejoin="round"'
        parts.append(area_path(shapely.intersection(zone.area, frame), project, style))
    style = f'fill="none" stroke="{_OUTLINE}" stroke-width="{line * 1.4}" stroke-linejoin="round"'
    parts.append(area_path(shapely.intersection(outline, frame), project, style))
    parts.extend(_names(tile, zones, outline))
    return "".join((*parts, "</svg>"))


def _names(tile: Tile, zones: Sequence[Zone], outline: Area) -> Iterator[str]:
    """Yield every name that may reach into the tile; what lies outside of the page is cut off by it."""
    west, south, east, north = outline.bounds
    if tile.zoom >= _NAMES_FROM_ZOOM:
        size = _NAME_SIZES.get(tile.zoom, max(_NAME_SIZES.values()))
        for zone in zones:
            x, y = tile.project(zone.name_place.x, zone.name_place.y)
            if _reaches(x, y):
                yield name(zone.zone_name, x, y, size=size, colour=_WORDS, halo=_ZONE, weight=700)
    else:
        middle = outline.representative_point()
        x, y = tile.project(middle.x, middle.y)
        yield name(_PARK_NAME, x, y, size=11, colour=_WORDS, halo=_ZONE, weight=700)
    x, y = tile.project((west + east) / 2, south - (north - south) / 4)
    if _reaches(x, y):
        yield name(_SEA_NAME, x, y, size=12, colour=_WATER_WORDS, halo=_WATER)


def _reaches(x: float, y: float) -> bool:
    return -TILE_UNITS < x < 2 * TILE_UNITS and -TILE_UNITS < y < 2 * TILE_UNITS
