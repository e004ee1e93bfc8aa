"""Shapes of the answers about reports."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field


class Report(BaseModel):
    """One version of one report."""

    model_config = ConfigDict(frozen=True)

    report_name: str = Field(description="报告名")
    title: str = Field(description="标题")
    business_date: dt.date = Field(description="报告日期")
    version: int = Field(description="版本，自 1 起；更正时另出新版")
    sm3: str = Field(description="PDF 的 SM3 摘要（十六进制）")
    data_until: dt.datetime | None = Field(description="数据截至时间")
    created_at: dt.datetime = Field(description="出具时间")
    release: str | None = Field(description="所依据的数据发布版本")
    is_current: bool = Field(description="是否为该日报告的现行版本")
    pdf_url: str = Field(description="PDF 下载地址")
    signature_url: str | None = Field(description="SM2 签名下载地址")


class ReportList(BaseModel):
    """The index of reports, the newest first."""

    reports: list[Report]
    next: str | None = Field(description="下一页的地址；null 表示已到末页")
