"""`/v1/reports`: the index of reports, their PDFs and signatures."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from api.context import InContext
from api.decisions.schemas import Line
from api.problems import problem_responses
from api.reports import service
from api.reports.schemas import Report, ReportList
from api.tokens.access import require
from api.tokens.schemas import Scope, Token

ROUTER = APIRouter(prefix="/v1/reports", tags=["报告"])
Reader = Annotated[Token, require(Scope.REPORTS_READ)]
Version = Annotated[str, Path(description="版本序号，或 current（现行版本）")]
MOST_OFFSET = 1_000_000


@ROUTER.get(
    "",
    summary="列出报告",
    operation_id="list_reports",
    description="返回已出具的报告，最新的在前；更正不覆盖旧版，旧版仍可下载。",
    responses=problem_responses(401, 403, 503),
)
def list_reports(
    *,
    request: Request,
    context: InContext,
    _: Reader,
    report_name: Annotated[Line | None, Query(description="报告名")] = None,
    since: Annotated[date | None, Query(alias="from", description="起始日期（含）")] = None,
    until: Annotated[date | None, Query(alias="to", description="截止日期（含）")] = None,
    current: Annotated[bool, Query(description="只看现行版本")] = False,
    limit: Annotated[int, Query(ge=1, le=1000, description="每页份数")] = 100,
    offset: Annotated[int, Query(ge=0, le=MOST_OFFSET, description="跳过的份数")] = 0,
) -> ReportList:
    """Return the index of reports, the newest first."""
    found = service.list_reports(
        context,
        report_name=report_name,
        since=since,
        until=until,
        current_only=current,
        limit=limit + 1,
        offset=offset,
    )
    following = None
    if len(found) > limit:
        parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "offset"]
        following = f"{request.url.path}?{urlencode([*parameters, ('offset', str(offset + limit))])}"
    return ReportList(reports=found[:limit], next=following)


@ROUTER.get(
    "/{report_name}/{business_date}/{version}",
    summary="查看一份报告",
    operation_id="get_report",
    description="返回报告某一版本的信息。",
    responses=problem_responses(401, 403, 404, 503),
)
def get_report(report_name: str, business_date: date, version: Version, context: InContext, _: Reader) -> Report:
    """Return one version of a report."""
    return service.get_report(context, report_name, business_date, version)


@ROUTER.get(
    "/{report_name}/{business_date}/{version}/pdf",
    summary="下载报告 PDF",
    operation_id="download_report",
    description="下载 PDF；内容先与索引中的 SM3 摘要核对，不一致则拒绝提供。",
    response_class=Response,
    responses={
        200: {"description": "PDF", "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
        **problem_responses(401, 403, 404, 500, 503),
    },
)
def download_report(report_name: str, business_date: date, version: Version, context: InContext, _: Reader) -> Response:
    """Return a report's PDF."""
    report, content = service.read_pdf(context, report_name, business_date, version)
    return Response(content, headers=_download(report, "pdf"), media_type="application/pdf")


@ROUTER.get(
    "/{report_name}/{business_date}/{version}/signature",
    summary="下载报告签名",
    operation_id="download_report_signature",
    description="下载与 PDF 配套的签名文件。",
    response_class=Response,
    responses={
        200: {
            "description": "SM2 签名，用 park reports verify 核验",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
        **problem_responses(401, 403, 404, 500, 503),
    },
)
def download_report_signature(
    report_name: str, business_date: date, version: Version, context: InContext, _: Reader
) -> Response:
    """Return the signature beside a PDF."""
    report, content = service.read_signature(context, report_name, business_date, version)
    return Response(content, headers=_download(report, "sig"), media_type="application/octet-stream")


def _download(report: Report, extension: str) -> dict[str, str]:
    plain = f"{report.report_name}_{report.business_date}_v{report.version}.{extension}"
    shown = quote(f"{report.title}_{report.business_date}_第{report.version}版.{extension}", safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{shown}",
        "ETag": f'"{report.sm3}-{extension}"',
        "Cache-Control": "private, no-cache",
    }
