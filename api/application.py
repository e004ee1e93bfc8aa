"""The API as one ASGI application, built from its parts; building it connects to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from api.context import Context
from api.database import Database
from api.decisions.endpoints import ROUTER as DECISIONS
from api.documentation import ROUTER as DOCUMENTATION
from api.health.endpoints import ROUTER as HEALTH
from api.map.endpoints import ROUTER as MAP
from api.marts.endpoints import ROUTER as MARTS
from api.marts.service import Origins
from api.metrics.endpoints import ROUTER as METRICS
from api.openapi_document import openapi_document
from api.problems import install_problem_handlers
from api.reports.endpoints import ROUTER as REPORTS
from api.request_log import REQUEST_ID_HEADER, RequestLog
from lakehouse.artifacts import ArtifactStore
from lakehouse.home import Home
from lakehouse.warehouse import Warehouse
from security.key_provider import KeyProvider
from security.key_ring import FileKeyRing
from semantic.catalogue import Catalogue, load_catalogue

TITLE = "一网统管湖仓数据接口"
VERSION = "1"
DESCRIPTION = (
    "已发布数据集、指标、人工决定、报告和地图图层的只读与登记接口。除健康检查、本说明和底图瓦片外，"
    "每个请求都要带访问令牌（请求头 Authorization: Bearer），令牌由 park tokens create 按权限范围签发。\n\n"
    "权限范围：marts:read 数据集，metrics:read 指标，decisions:read 与 decisions:write 决定，map:read 图层，"
    "reports:read 报告。\n\n"
    "出错时返回 application/problem+json（RFC 9457），其中 code 不变，可供程序判断，remedy 说明怎样解决。\n\n"
    "时间一律为 UTC（ISO 8601，以 Z 结尾），business_date 为北京时间的自然日；缺失值为 null 或空。"
)
TAGS = [
    {"name": "数据集", "description": "通过校核并发布的数据集：清单、数据字典、数据行。"},
    {"name": "指标", "description": "语义层定义的指标及其数值。"},
    {"name": "决定", "description": "人工作出的决定，只追加，不修改。"},
    {"name": "地图", "description": "图层 GeoJSON 与底图瓦片。"},
    {"name": "报告", "description": "报告目录、PDF 与签名。"},
    {"name": "健康检查", "description": "供监控和启动程序使用。"},
]
# Superset and other pages of the platform on this machine, whatever their port.
LOOPBACK_ORIGINS = r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?"


def create_application(
    warehouse: Warehouse,
    artifacts: ArtifactStore,
    keys: KeyProvider,
    *,
    clock: Callable[[], datetime],
    catalogue: Catalogue | None = None,
) -> FastAPI:
    """Build the API.

    Args:
        warehouse: the warehouse, prepared (`Warehouse.prepare`, then `api.operations.prepare_operations`).
        artifacts: reports and tiles.
        keys: holder of the key for token digests.
        clock: the present moment, with a time zone; asked for every request.
        catalogue: labels and metrics; those of the repository when None.
    """
    database = Database(warehouse)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    application = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    application.state.context = Context(database, artifacts, keys, catalogue or load_catalogue(), clock)
    application.state.origins = Origins()
    install_problem_handlers(application)
    for router in (HEALTH, DOCUMENTATION, MARTS, METRICS, DECISIONS, MAP, REPORTS):
        application.include_router(router)
    application.add_middleware(
        CORSMiddleware,
        allow_origin_regex=LOOPBACK_ORIGINS,
        allow_methods=["GET", "HEAD"],
        allow_headers=["Authorization", "If-None-Match", REQUEST_ID_HEADER],
        expose_headers=[REQUEST_ID_HEADER, "ETag", "Link", "Park-Published-At", "Park-Data-Until", "Park-Data-Origin"],
        max_age=3600,
    )
    application.add_middleware(RequestLog)

    def description() -> dict[str, Any]:
        if application.openapi_schema is None:
            application.openapi_schema = openapi_document(application)
        return application.openapi_schema

    application.openapi = description  # type: ignore[method-assign]
    return application


def describe_application() -> FastAPI:
    """Build the API for its description only: its parts point nowhere and are never used."""
    nowhere = Path("nowhere")
    return create_application(
        Warehouse(sa.URL.create("postgresql+psycopg"), Home(nowhere)),
        ArtifactStore(nowhere),
        FileKeyRing(nowhere, lambda: datetime.now(UTC)),
        clock=lambda: datetime.now(UTC),
    )
