"""Shapes of the answers about metrics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class MetricDescription(BaseModel):
    """One metric as the semantic layer defines it."""

    name: str = Field(description="指标名")
    domain: str = Field(description="业务域")
    label_zh: str = Field(description="中文名称")
    label_en: str = Field(description="英文名称")
    unit: str = Field(description="单位代码")
    unit_symbol: str = Field(description="单位符号，可为空")
    grain: list[str] = Field(description="可计算该指标的数据集")
    expression: str = Field(description="计算式（PostgreSQL 聚合表达式）")
    format: str | None = Field(description="数字格式（d3-format）")
    standard: str | None = Field(description="依据的标准")
    clause: str | None = Field(description="条款")
    description_zh: str = Field(description="中文说明")
    description_en: str = Field(description="英文说明")


class MetricList(BaseModel):
    """All metrics."""

    metrics: list[MetricDescription]


class MetricValues(BaseModel):
    """Values of one metric, one entry a group."""

    metric: str
    label_zh: str = Field(description="中文名称")
    unit: str = Field(description="单位代码")
    unit_symbol: str = Field(description="单位符号，可为空")
    standard: str | None = Field(description="依据的标准")
    clause: str | None = Field(description="条款")
    mart: str = Field(description="计算所用的数据集")
    published_at: datetime = Field(description="发布时间")
    data_until: datetime | None = Field(description="数据截至时间")
    is_held: bool = Field(description="是否有未通过校核而暂缓的新数据")
    by: list[str] = Field(description="分组字段")
    values: list[dict[str, Any]] = Field(
        description="每组一项：分组字段、value（缺失为 null）、编码结果的 value_label、该组可信度最低的 data_origin"
    )
    next: str | None = Field(description="下一页的地址；null 表示已到末页")
