"""Shapes of the answers about marts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.marts.access import Privacy


class MartSummary(BaseModel):
    """One published mart."""

    mart: str = Field(description="数据集名，与数据库 published 模式中的表同名")
    label_zh: str | None = Field(description="中文名称")
    label_en: str | None = Field(description="英文名称")
    group: str = Field(description="数据组，同组数据集一起发布")
    grain: str | None = Field(description="粒度说明：每行代表什么")
    row_count: int = Field(description="行数")
    published_at: datetime = Field(description="发布时间")
    data_until: datetime | None = Field(description="数据截至时间；维度表为空")
    is_held: bool = Field(description="是否有未通过校核而暂缓发布的新数据")
    held_since: datetime | None = Field(description="暂缓起始时间")
    held_reason: str | None = Field(description="暂缓原因")


class MartList(BaseModel):
    """All published marts."""

    marts: list[MartSummary]


class ColumnDescription(BaseModel):
    """One line of the data dictionary."""

    name: str = Field(description="字段名")
    type: str = Field(description="PostgreSQL 类型")
    unit: str | None = Field(description="单位代码")
    unit_symbol: str | None = Field(description="单位符号")
    label_zh: str | None = Field(description="中文名称")
    label_en: str | None = Field(description="英文名称")
    is_nullable: bool = Field(description="是否可能缺失")
    privacy: Privacy = Field(description="open 原值；masked 脱敏后提供；withheld 不提供")
    values: list[dict[str, Any]] | None = Field(description="编码字段的取值及含义")
    description: str | None = Field(description="字段说明")


class ColumnList(BaseModel):
    """The data dictionary of one mart."""

    mart: str
    key: list[str] = Field(description="唯一键；空表示没有")
    columns: list[ColumnDescription]


class RowPage(BaseModel):
    """One page of rows."""

    mart: str
    published_at: datetime = Field(description="发布时间")
    data_until: datetime | None = Field(description="数据截至时间")
    is_held: bool = Field(description="是否有未通过校核而暂缓发布的新数据")
    data_origin: str | None = Field(
        description="所涉数据中可信度最低的来源：measured 实测、replayed 回放、simulated 模拟"
    )
    columns: list[str] = Field(description="字段，按行内顺序")
    rows: list[dict[str, Any]] = Field(description="数据行；时间为 UTC（ISO 8601），缺失为 null")
    row_count: int = Field(description="本页行数")
    next: str | None = Field(description="下一页的地址；null 表示已到末页")
