"""Shapes of the answers about the map."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class LayerSummary(BaseModel):
    """One layer."""

    layer: str = Field(description="图层名")
    label_zh: str | None = Field(description="中文名称")
    label_en: str | None = Field(description="英文名称")
    geometry: str = Field(description="area 面，point 点")
    mart: str = Field(description="来自哪个数据集")
    is_available: bool = Field(description="数据集是否已发布")
    published_at: datetime | None = Field(description="发布时间")
    url: str = Field(description="GeoJSON 地址")


class BaseMap(BaseModel):
    """The base map's tiles."""

    url: str = Field(description="瓦片地址模板")
    tile_count: int = Field(description="已生成的瓦片数；0 表示底图尚未生成")
    zooms: list[int] = Field(description="已生成的缩放级别")


class LayerList(BaseModel):
    """All layers and the base map."""

    layers: list[LayerSummary]
    base_map: BaseMap


class FeatureCollection(BaseModel):
    """A layer as GeoJSON (RFC 7946), WGS-84; further members tell its age and origin."""

    type: str = Field(description="固定为 FeatureCollection")
    features: list[dict[str, Any]] = Field(description="要素；properties.colour 为等级规定颜色，缺测为灰色")
    layer: str
    published_at: datetime
    data_until: datetime | None
    data_origin: str | None = Field(description="所涉数据中可信度最低的来源")
