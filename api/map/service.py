"""Map layers as GeoJSON, and tiles of the base map."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from api.context import Context
from api.database import Connection
from api.map.errors import LayerNotPublishedError, LayerUnknownError, TileUnknownError
from api.map.layers import Layer, map_layers
from api.map.repository import layer_rows
from api.map.schemas import BaseMap, LayerList, LayerSummary
from api.marts import repository as marts
from api.marts.access import Privacy
from api.marts.columns import Column, Table
from api.marts.repository import Publication
from lakehouse.warehouse import Role
from semantic.catalogue import Catalogue, ValueTerm

TILES = "map/tiles"
TILE_URL = "/v1/map/tiles/{z}/{x}/{y}.png"
DEEPEST_ZOOM = 24
# A feature whose level is unknown: missing is shown as missing, in no colour that a level has.
MISSING_COLOUR = "#8c96a3"
# The order of trust; the weakest origin present is what a surface shows.
_ORIGINS = ("measured", "replayed", "simulated")


def list_layers(context: Context) -> LayerList:
    """Return every layer with its state, and what there is of the base map."""
    with context.database.connection(Role.READER) as connection:
        published = {each.mart: each for each in marts.publications(connection)}
    labels = context.catalogue.vocabulary.marts
    tiles = [name.removeprefix(f"{TILES}/") for name in context.artifacts.names(TILES)]
    zooms = {name.partition("/")[0] for name in tiles}
    return LayerList(
        layers=[
            LayerSummary(
                layer=each.layer,
                label_zh=labels[each.mart].zh if each.mart in labels else None,
                label_en=labels[each.mart].en if each.mart in labels else None,
                geometry=each.geometry,
                mart=each.mart,
                is_available=each.mart in published,
                published_at=published[each.mart].published_at if each.mart in published else None,
                url=f"/v1/map/layers/{each.layer}.geojson",
            )
            for each in map_layers().values()
        ],
        base_map=BaseMap(
            url=TILE_URL, tile_count=len(tiles), zooms=sorted(int(zoom) for zoom in zooms if zoom.isdecimal())
        ),
    )


def read_layer(context: Context, connection: Connection, name: str) -> dict[str, Any]:
    """Return a layer as GeoJSON.

    Raises:
        LayerUnknownError: there is no such layer.
        LayerNotPublishedError: its mart is not published, or lacks a column of its place.
    """
    layer = map_layers().get(name)
    if layer is None:
        raise LayerUnknownError(name, map_layers())
    published = {each.mart: each for each in marts.publications(connection)}
    if layer.mart not in published:
        raise LayerNotPublishedError(
            f"图层 {name} 所用的数据集 {layer.mart} 尚未发布。",
            remedy="请先运行主作业，或在 Dagster 中查看发布为何暂缓。",
            layer=name,
            mart=layer.mart,
        )
    table = marts.table(connection, layer.mart)
    place = (layer.boundary,) if layer.boundary is not None else layer.point or ()
    absent = [column for column in place if column not in table.by_name]
    if absent:
        raise LayerNotPublishedError(
            f"数据集 {layer.mart} 没有图层 {name} 所需的位置字段 {'、'.join(absent)}。",
            remedy="请管理员核对 api/map/layers.yaml 与数据集。",
            layer=name,
            mart=layer.mart,
        )
    latest = _latest(connection, layer, table, published)
    rows = layer_rows(connection, table, _open_columns(table, (*layer.properties, *place)), latest)
    publication = published[layer.latest.mart] if latest is not None and layer.latest else published[layer.mart]
    return {
        "type": "FeatureCollection",
        "features": [_feature(layer, row, context.catalogue) for row in rows],
        "layer": name,
        "published_at": publication.published_at.isoformat(),
        "data_until": publication.data_until.isoformat() if publication.data_until else None,
        "data_origin": _worst([row.get("data_origin") for row in rows]),
    }


def read_tile(context: Context, z: int, x: int, y: int) -> tuple[bytes, bool]:
    """Return a tile's PNG and whether it was drawn; where nothing was drawn the tile is transparent.

    Beyond the park there is nothing to draw, and a map that asks for it is right to: it gets an empty tile, while
    `/v1/map/layers` tells how many tiles there are at all.

    Raises:
        TileUnknownError: the numbers lie outside the grid.
    """
    if not 0 <= z <= DEEPEST_ZOOM or not (0 <= x < 2**z and 0 <= y < 2**z):
        raise TileUnknownError(
            f"瓦片 {z}/{x}/{y} 超出网格。", remedy=f"z 为 0 至 {DEEPEST_ZOOM}，x 和 y 为 0 至 2^z-1。"
        )
    try:
        return context.artifacts.read(f"{TILES}/{z}/{x}/{y}.png"), True
    except FileNotFoundError:
        return EMPTY_TILE, False


def _transparent_png(side: int) -> bytes:
    """Return a PNG (ISO/IEC 15948) of one transparent grey level, `side` by `side` pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)  # one bit a pixel, grey
    rows = (b"\x00" * (1 + side // 8)) * side
    transparent_level = chunk(b"tRNS", b"\x00\x00")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + transparent_level
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


EMPTY_TILE = _transparent_png(256)


def _open_columns(table: Table, names: Sequence[str]) -> list[Column]:
    """Return the columns that the table has and that everyone may see."""
    found = (table.by_name.get(name) for name in dict.fromkeys(names))
    return [column for column in found if column is not None and column.privacy is Privacy.OPEN]


def _latest(
    connection: Connection, layer: Layer, table: Table, published: Mapping[str, Publication]
) -> tuple[Table, str, list[Column]] | None:
    if layer.latest is None or layer.latest.mart not in published:
        return None
    state = marts.table(connection, layer.latest.mart)
    joined_by = layer.latest.on
    if joined_by not in state.by_name or joined_by not in table.by_name:
        return None
    own = set(layer.properties) - {joined_by}
    columns = _open_columns(state, (joined_by, *(name for name in layer.latest.properties if name not in own)))
    return state, joined_by, columns


def _feature(layer: Layer, row: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    wanted = (*layer.properties, *(layer.latest.properties if layer.latest else ()))
    properties: dict[str, Any] = {name: row.get(name) for name in wanted}
    if layer.colour_by is not None:
        terms: dict[Any, ValueTerm] = {term.value: term for term in catalogue.vocabulary.values[layer.colour_by].items}
        term = terms.get(properties.get(layer.colour_by))
        properties["colour"] = (term.colour if term else None) or MISSING_COLOUR
        properties[f"{layer.colour_by}_label"] = term.zh if term else None
    feature: dict[str, Any] = {"type": "Feature", "geometry": _geometry(layer, row), "properties": properties}
    identity = row.get(layer.properties[0])
    return feature if identity is None else {**feature, "id": identity}


def _geometry(layer: Layer, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a row's geometry; GeoJSON writes an unknown place as null (RFC 7946, 3.2)."""
    if layer.boundary is not None:
        boundary = row[layer.boundary]
        geometry: dict[str, Any] | None = json.loads(boundary) if isinstance(boundary, str) else boundary
        return geometry
    longitude, latitude = (row[name] for name in layer.point or ())
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": [float(longitude), float(latitude)]}


def _worst(origins: Sequence[Any]) -> str | None:
    known = [origin for origin in origins if origin in _ORIGINS]
    return max(known, key=_ORIGINS.index) if known else None
