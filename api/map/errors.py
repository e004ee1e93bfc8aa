"""Refusals about the map."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from api.problems import ParkError


class LayerUnknownError(ParkError):
    """There is no such layer."""

    status, code, title = HTTPStatus.NOT_FOUND, "map.layer_unknown", "没有这个图层"

    def __init__(self, layer: str, available: Iterable[str]) -> None:
        known = list(available)
        super().__init__(
            f"没有图层 {layer}。", remedy=f"可用的图层：{'、'.join(known)}。", layer=layer, available=known
        )


class LayerNotPublishedError(ParkError):
    """The layer's mart is not published, or lacks what the layer needs."""

    status, code, title = HTTPStatus.NOT_FOUND, "map.layer_not_published", "图层尚无数据"


class TileUnknownError(ParkError):
    """The tile's numbers lie outside the grid."""

    status, code, title = HTTPStatus.NOT_FOUND, "map.tile_unknown", "没有这块瓦片"
