"""The base map: the right tiles, the right places, water to the south, and nothing that changes by itself."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import polars as pl
import pytest
from shapely.geometry import Point, shape

from dashboards.map.outlines import OUTLINE_ARTIFACT, ZONES_ARTIFACT, build_outlines
from dashboards.map.tiles import Tile, build_tiles, place_at, tiles_around, world_position
from dashboards.map.zones import Zone, ZoneError, park_outline, sea, shoreline, zones_from_rows
from lakehouse.artifacts import ArtifactStore
from lakehouse.reference import seed_rows

Picture = list[list[tuple[int, ...]]]


@pytest.fixture(scope="module")
def zones() -> list[Zone]:
    return zones_from_rows(seed_rows("ref_zones"))


def _rows(boundary: str) -> pl.DataFrame:
    return pl.DataFrame({"zone_id": ["Z1"], "zone_name": ["示范区"], "boundary_geojson": [boundary]})


def _pixels(png: bytes) -> Picture:
    """Decode an 8-bit RGBA PNG (ISO/IEC 15948): enough to look at single pixels."""
    at, data, width, height = 8, b"", 0, 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colours = struct.unpack(">IIBB", body[:10])
            assert (depth, colours) == (8, 6)
        data += body if kind == b"IDAT" else b""
        at += length + 12
    raw, stride = zlib.decompress(data), width * 4
    before, rows = bytearray(stride), []
    for start in range(0, height * (stride + 1), stride + 1):
        method, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for index in range(stride):
            left = line[index - 4] if index >= 4 else 0
            corner = before[index - 4] if index >= 4 else 0
            line[index] = (line[index] + _predicted(method, left, before[index], corner)) % 256
        rows.append([tuple(line[index : index + 4]) for index in range(0, stride, 4)])
        before = line
    return rows


def _predicted(method: int, left: int, above: int, corner: int) -> int:
    if method == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda value: abs(guess - value))
    return (0, left, above, (left + above) // 2)[method]


def _tile_at(longitude: float, latitude: float, zoom: int) -> tuple[Tile, int, int]:
    x, y = world_position(longitude, latitude, zoom)
    return Tile(zoom, int(x // 256), int(y // 256)), int(x % 256 * 2), int(y % 256 * 2)


def test_positions_are_those_of_the_web_mercator_grid():
    # Zoom 0 is one tile; its corners are the whole world up to 85.0511 degrees (EPSG:3857).
    assert world_position(0, 0, 0) == (128, 128)
    assert world_position(-180, 85.05112877980659, 0) == pytest.approx((0, 0), abs=1e-9)
    assert Tile(14, *(int(value // 256) for value in world_position(121.4737, 31.2304, 14))) == Tile(14, 13720, 6694)


def test_a_place_and_its_position_lead_back_to_each_other():
    assert place_at(*world_position(121.45, 30.8, 16), 16) == pytest.approx((121.45, 30.8), abs=1e-9)


def test_only_tiles_around_the_park_are_drawn(zones: list[Zone]):
    bounds = park_outline(zones).bounds
    tiles = list(tiles_around(bounds, 13, margin=1))
    inner = list(tiles_around(bounds, 13, margin=0))
    assert len(set(tiles)) == len(tiles)
    columns, rows = {tile.x for tile in inner}, {tile.y for tile in inner}
    assert len(tiles) == (len(columns) + 2) * (len(rows) + 2)
    assert all(tile.frame[0] < bounds[2] and tile.frame[2] > bounds[0] for tile in inner)


def test_the_margin_ends_at_the_edge_of_the_world():
    assert len(list(tiles_around((-180, -85, 180, 85), 1, margin=3))) == 4


def test_tiles_are_drawn_sharp_and_the_same_each_time(zones: list[Zone], tmp_path: Path):
    first, second = ArtifactStore(tmp_path / "1"), ArtifactStore(tmp_path / "2")
    assert build_tiles(zones, first, min_zoom=11, max_zoom=12) == build_tiles(zones, second, min_zoom=11, max_zoom=12)
    names = list(first.names("map/tiles"))
    assert names == list(second.names("map/tiles"))
    assert names
    for name in names:
        assert first.read(name) == second.read(name)
    assert struct.unpack(">II", first.read(names[0])[16:24]) == (512, 512)


def test_water_lies_south_of_the_park_and_land_north(zones: list[Zone], tmp_path: Path):
    store = ArtifactStore(tmp_path)
    build_tiles(zones, store, min_zoom=13, max_zoom=13)
    colours = {}
    for what, longitude, latitude in (("land", 121.44, 30.84), ("zone", 121.4205, 30.795), ("sea", 121.48, 30.765)):
        tile, x, y = _tile_at(longitude, latitude, 13)
        colours[what] = _pixels(store.read(tile.artifact))[y][x]
    assert colours == {"land": (13, 26, 45, 255), "zone": (21, 38, 62, 255), "sea": (8, 17, 32, 255)}


def test_neighbouring_tiles_fit_together(zones: list[Zone], tmp_path: Path):
    store = ArtifactStore(tmp_path)
    build_tiles(zones, store, min_zoom=13, max_zoom=13)
    tile, _, _ = _tile_at(121.43, 30.79, 13)
    here = _pixels(store.read(tile.artifact))
    east = _pixels(store.read(Tile(13, tile.x + 1, tile.y).artifact))
    assert any(row[0] != here[0][0] for row in here), "the seam must cross something to prove anything"
    far = sum(
        max(abs(a - b) for a, b in zip(row[-1], other[0], strict=True)) > 40
        for row, other in zip(here, east, strict=True)
    )
    assert far <= 8, "only a slanted line may step by a pixel across the seam"


def test_the_shore_follows_the_front_and_not_the_sides(zones: list[Zone]):
    front = list(shoreline(park_outline(zones)).coords)
    assert front[0] == pytest.approx((121.412, 30.778), abs=1e-6)
    assert front[-1] == pytest.approx((121.502, 30.7955), abs=1e-6)


def test_the_water_does_not_cover_the_park(zones: list[Zone]):
    outline = park_outline(zones)
    water = sea(outline, 121.3, 30.6, 121.6, 30.9)
    assert water.intersection(outline).area == pytest.approx(0, abs=1e-12)
    assert water.contains(Point(121.45, 30.7))
    assert not water.intersects(Point(121.35, 30.85))


def test_a_name_stands_inside_of_its_zone(zones: list[Zone]):
    assert all(zone.name_place.within(zone.area) for zone in zones)
    ring = '{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[1,8],[8,8],[8,1],[1,1]]]}'
    (hollow,) = zones_from_rows(_rows(ring))
    assert hollow.name_place.within(hollow.area), "the centroid of a ring lies in its hole"


@pytest.mark.parametrize(
    ("boundary", "fault"),
    [
        ("", "is no GeoJSON Polygon"),
        ("[1, 2]", "is no GeoJSON Polygon"),
        ('{"type":"Point","coordinates":[121.4,30.8]}', "is no GeoJSON Polygon"),
        ('{"type":"Polygon"}', "is no GeoJSON Polygon"),
        ('{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}', "is no area .Self-intersection"),
        (
            '{"type":"Polygon","coordinates":[[[30,121],[31,121],[31,122],[30,121]]]}',
            "lies outside of the map; longitude stands before latitude",
        ),
    ],
)
def test_a_boundary_that_is_no_area_is_refused_with_its_zone(boundary: str, fault: str):
    with pytest.raises(ZoneError, match=f"zone Z1: boundary_geojson {fault}"):
        zones_from_rows(_rows(boundary))


def test_no_zones_is_no_map(tmp_path: Path):
    with pytest.raises(ZoneError, match="publish dim_zones first"):
        zones_from_rows(_rows("").clear())
    with pytest.raises(ZoneError, match="no base map"):
        build_tiles([], ArtifactStore(tmp_path))
    with pytest.raises(ZoneError, match="no outline"):
        build_outlines([], ArtifactStore(tmp_path))


def test_outlines_are_geojson_of_the_same_shapes(zones: list[Zone], tmp_path: Path):
    store = ArtifactStore(tmp_path)
    assert build_outlines(zones, store) == 2
    features = json.loads(store.read(ZONES_ARTIFACT))["features"]
    assert [feature["id"] for feature in features] == [zone.zone_id for zone in zones]
    for feature, zone in zip(features, zones, strict=True):
        assert shape(feature["geometry"]).symmetric_difference(zone.area).area < 1e-8
        assert shape(feature["geometry"]).exterior.is_ccw
    outline = json.loads(store.read(OUTLINE_ARTIFACT))
    assert shape(outline["geometry"]).area == pytest.approx(park_outline(zones).area, rel=1e-4)
