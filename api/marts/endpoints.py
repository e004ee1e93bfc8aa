"""`/v1/marts`: published marts for other teams."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from api.context import Context, InContext
from api.marts import service
from api.marts.formats import Format, choose_format
from api.marts.schemas import ColumnList, MartList
from api.marts.service import RowRequest, Selection
from api.problems import problem_responses
from api.tokens.access import require
from api.tokens.schemas import Scope, Token
from lakehouse.warehouse import Role

OWN_PARAMETERS = frozenset({"columns", "order", "limit", "after", "format", "bom"})
ROUTER = APIRouter(prefix="/v1/marts", tags=["数据集"])
Reader = Annotated[Token, require(Scope.MARTS_READ)]

_FILTERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "filters",
            "in": "query",
            "required": False,
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
            "description": (
                "任意字段的筛选，同时满足：`字段=值`、`字段__gte=`、`字段__lte=`、`字段__gt=`、`字段__lt=`、"
                "`字段__in=甲,乙`、`字段__is_null=true`。时间不写时区按北京时间。"
            ),
        }
    ]
}
_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "数据行",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/RowPage"}},
            **{
                each.media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for each in Format
                if each is not Format.JSON
            },
        },
    },
    304: {"description": "与 If-None-Match 所指版本相同"},
}


@ROUTER.get(
    "",
    summary="列出已发布的数据集",
    operation_id="list_marts",
    description="返回每个已发布数据集的名称、粒度、行数、发布时间、数据截至时间，以及是否有新数据因校核未通过而暂缓。",
    responses=problem_responses(401, 403, 503),
)
def list_marts(context: InContext, _: Reader) -> MartList:
    """List every published mart with its labels, grain and age."""
    return MartList(marts=service.list_marts(context))


@ROUTER.get(
    "/{mart}/columns",
    summary="数据字典",
    operation_id="list_mart_columns",
    description="返回数据集各字段的名称、类型、单位、中英文名称和编码取值。",
    responses=problem_responses(401, 403, 404, 503),
)
def list_mart_columns(mart: str, context: InContext, _: Reader) -> ColumnList:
    """Return the data dictionary of a mart."""
    return service.describe_columns(context, mart)


@ROUTER.get(
    "/{mart}/rows",
    summary="读取数据行",
    operation_id="list_mart_rows",
    description="按条件读取数据行。JSON 分页返回，翻页期间若数据集重新发布则返回 409；CSV、Parquet、Arrow 一次取全。",
    response_class=Response,
    responses={**_FORMATS, **problem_responses(400, 401, 403, 404, 406, 409, 503)},
    openapi_extra=_FILTERS,
)
def list_mart_rows(
    *,
    mart: str,
    request: Request,
    context: InContext,
    _: Reader,
    columns: Annotated[str | None, Query(description="要返回的字段，逗号分隔；默认全部")] = None,
    order: Annotated[
        str | None, Query(description="排序字段，逗号分隔，前加 - 为降序；缺失值总在最后；默认按唯一键")
    ] = None,
    limit: Annotated[int | None, Query(description="行数；JSON 每页默认 1000、最多 10000，文件格式默认取全部")] = None,
    after: Annotated[str | None, Query(description="翻页标记，取自上一页的 next；仅 JSON")] = None,
    format: Annotated[  # noqa: A002 - the name that callers know
        str | None, Query(description="json、csv、parquet 或 arrow；不给时按 Accept 请求头")
    ] = None,
    bom: Annotated[bool, Query(description="CSV 文件开头加 BOM，便于 Excel 直接打开")] = False,
) -> Response:
    """Return rows: a page of JSON, or a whole file."""
    target = choose_format(format, request.headers.get("accept"))
    filters = [pair for pair in request.query_params.multi_items() if pair[0] not in OWN_PARAMETERS]
    asked = RowRequest(filters, columns, order, limit, after)
    with context.database.connection(Role.READER) as connection:
        selection = service.select(context, connection, request.app.state.origins, mart, asked)
        headers = _headers(selection, f"{target}?{request.url.query}")
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if target is Format.JSON:
            rows, cursor = service.read_page(connection, selection, asked)
            return _page(request, selection, rows, cursor, headers)
    return _file(context, selection, asked, target, headers, with_byte_order_mark=bom)


def _headers(selection: Selection, query: str) -> dict[str, str]:
    publication = selection.publication
    variant = hashlib.sha256(query.encode()).hexdigest()[:12]
    headers = {
        "ETag": f'"{selection.version()}-{variant}"',
        "Vary": "Accept, Authorization",
        "Cache-Control": "private, no-cache",
        "Park-Published-At": publication.published_at.isoformat(),
        "Park-Is-Held": str(publication.is_held).lower(),
    }
    if publication.data_until is not None:
        headers["Park-Data-Until"] = publication.data_until.isoformat()
    if selection.data_origin is not None:
        headers["Park-Data-Origin"] = selection.data_origin
    return headers


def _page(
    request: Request, selection: Selection, rows: list[dict[str, Any]], cursor: str | None, headers: dict[str, str]
) -> Response:
    following = None
    if cursor is not None:
        parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "after"]
        following = f"{request.url.path}?{urlencode([*parameters, ('after', cursor)])}"
        headers = {**headers, "Link": f'<{following}>; rel="next"'}
    publication = selection.publication
    content = {
        "mart": publication.mart,
        "published_at": publication.published_at.isoformat(),
        "data_until": publication.data_until.isoformat() if publication.data_until else None,
        "is_held": publication.is_held,
        "data_origin": selection.data_origin,
        "columns": [column.name for column in selection.columns],
        "rows": rows,
        "row_count": len(rows),
        "next": following,
    }
    return Response(service.to_json(content), headers=headers, media_type=Format.JSON.media_type)


def _file(
    context: Context,
    selection: Selection,
    asked: RowRequest,
    target: Format,
    headers: dict[str, str],
    *,
    with_byte_order_mark: bool,
) -> Response:
    file = service.write_rows(context, selection, asked, target=target, with_byte_order_mark=with_byte_order_mark)
    name = f"{selection.publication.mart}.{target}"
    return StreamingResponse(
        file.chunks(),
        headers={
            **headers,
            "Content-Length": str(file.byte_count),
            "Content-Disposition": f'attachment; filename="{name}"',
            "Park-Row-Count": str(file.row_count),
        },
        media_type=target.media_type,
        background=BackgroundTask(file.content.close),
    )
