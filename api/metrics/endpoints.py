"""`/v1/metrics`: figures defined once in the semantic layer, computed over published marts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request

from api.context import InContext
from api.metrics import service
from api.metrics.schemas import MetricDescription, MetricList, MetricValues
from api.metrics.service import DEFAULT_GROUPS, ValueRequest
from api.problems import problem_responses
from api.tokens.access import require
from api.tokens.schemas import Scope, Token
from lakehouse.warehouse import Role

OWN_PARAMETERS = frozenset({"by", "from", "to", "mart", "limit", "offset"})
ROUTER = APIRouter(prefix="/v1/metrics", tags=["指标"])
Reader = Annotated[Token, require(Scope.METRICS_READ)]

_FILTERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "filters",
            "in": "query",
            "required": False,
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
            "description": "数据集字段的筛选，写法与 /v1/marts/{mart}/rows 相同，如 `zone_id=Z1`。",
        }
    ]
}


@ROUTER.get(
    "",
    summary="列出指标",
    operation_id="list_metrics",
    description="返回语义层定义的全部指标：名称、单位、计算式、依据的标准和可用的数据集。",
    responses=problem_responses(401, 403),
)
def list_metrics(context: InContext, _: Reader) -> MetricList:
    """List every metric of the semantic layer."""
    return MetricList(metrics=service.list_metrics(context))


@ROUTER.get(
    "/{metric}",
    summary="查看一个指标",
    operation_id="get_metric",
    description="返回一个指标的定义。",
    responses=problem_responses(401, 403, 404),
)
def get_metric(metric: str, context: InContext, _: Reader) -> MetricDescription:
    """Return one metric."""
    return service.describe_metric(context, metric)


@ROUTER.get(
    "/{metric}/values",
    summary="读取指标值",
    operation_id="list_metric_values",
    description="按字段分组计算指标值；各组附可信度最低的数据来源。",
    responses=problem_responses(400, 401, 403, 404, 503),
    openapi_extra=_FILTERS,
)
def list_metric_values(
    *,
    metric: str,
    request: Request,
    context: InContext,
    _: Reader,
    by: Annotated[str | None, Query(description="分组字段，逗号分隔；不给则合计为一个值")] = None,
    since: Annotated[date | None, Query(alias="from", description="起始日期（含），按北京时间的自然日")] = None,
    until: Annotated[date | None, Query(alias="to", description="截止日期（含）")] = None,
    mart: Annotated[str | None, Query(description="在哪个数据集上计算；默认取指标定义中第一个适用的")] = None,
    limit: Annotated[int, Query(description="每页组数，最多 10000")] = DEFAULT_GROUPS,
    offset: Annotated[int, Query(description="跳过的组数")] = 0,
) -> MetricValues:
    """Return the values of a metric by group."""
    filters = [pair for pair in request.query_params.multi_items() if pair[0] not in OWN_PARAMETERS]
    asked = ValueRequest(by, since, until, mart, filters, limit, offset)
    with context.database.connection(Role.READER) as connection:
        found = service.read_values(context, connection, metric, asked)
    following = None
    if found.has_more:
        parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "offset"]
        following = f"{request.url.path}?{urlencode([*parameters, ('offset', str(offset + limit))])}"
    return MetricValues(
        metric=found.metric.name,
        label_zh=found.metric.label.zh,
        unit=found.metric.unit,
        unit_symbol=context.catalogue.symbol(found.metric.unit),
        standard=found.metric.standard,
        clause=found.metric.clause,
        mart=found.publication.mart,
        published_at=found.publication.published_at,
        data_until=found.publication.data_until,
        is_held=found.publication.is_held,
        by=list(found.by),
        values=found.values,
        next=following,
    )
