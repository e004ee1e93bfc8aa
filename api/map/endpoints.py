"""`/v1/map`: layers as GeoJSON for screens, and the base map's tiles."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.context import InContext
from api.map import service
from api.map.schemas import LayerList
from api.marts.service import to_json
from api.problems import problem_responses
from api.tokens.access import require
from api.tokens.schemas import Scope, Token
from lakehouse.warehouse import Role

GEOJSON = "application/geo+json"
ROUTER = APIRouter(prefix="/v1/map", tags=["地图"])
Reader = Annotated[Token, require(Scope.MAP_READ)]


@ROUTER.get(
    "/layers",
    summary="列出图层",
    operation_id="list_map_layers",
    description="返回各图层是否已有数据，以及底图瓦片的生成情况。",
    responses=problem_responses(401, 403, 503),
)
def list_map_layers(context: InContext, _: Reader) -> LayerList:
    """List the layers and what there is of the base map."""
    return service.list_layers(context)


@ROUTER.get(
    "/layers/{layer}.geojson",
    summary="读取图层",
    operation_id="get_map_layer",
    description="返回图层的 GeoJSON；监测站附最近一小时的等级和规定颜色，缺测的站保留并显示为灰色。",
    response_class=Response,
    responses={
        200: {
            "description": "GeoJSON（WGS-84）",
            "content": {GEOJSON: {"schema": {"$ref": "#/components/schemas/FeatureCollection"}}},
        },
        304: {"description": "与 If-None-Match 所指版本相同"},
        **problem_responses(401, 403, 404, 503),
    },
)
def get_map_layer(layer: str, request: Request, context: InContext, _: Reader) -> Response:
    """Return a layer as GeoJSON."""
    with context.database.connection(Role.READER) as connection:
        content = to_json(service.read_layer(context, connection, layer))
    return _cacheable(request, content, GEOJSON, "private, max-age=60")


@ROUTER.get(
    "/tiles/{z}/{x}/{y}.png",
    summary="底图瓦片",
    operation_id="get_map_tile",
    description="返回底图瓦片。底图只含园区几何，不需要令牌：地图控件取瓦片时无法携带请求头。",
    response_class=Response,
    responses={
        200: {
            "description": "PNG；没有内容的地方是透明瓦片，响应头 Park-Tile 为 empty",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "与 If-None-Match 所指版本相同"},
        **problem_responses(404),
    },
)
def get_map_tile(z: int, x: int, y: int, request: Request, context: InContext) -> Response:
    """Return a tile of the base map; tiles need no token, because a map cannot send one with them."""
    content, is_drawn = service.read_tile(context, z, x, y)
    # An empty tile may be drawn a moment later, when the base map is being made.
    response = _cacheable(request, content, "image/png", "public, max-age=86400" if is_drawn else "public, max-age=60")
    response.headers["Park-Tile"] = "drawn" if is_drawn else "empty"
    return response


def _cacheable(request: Request, content: bytes, media_type: str, policy: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": policy}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
