"""`/livez` and `/readyz`: whether the process lives, and whether it can answer with data."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.context import Context, InContext
from api.database import Connection
from api.marts import repository as marts
from api.problems import ParkError, problem_response, problem_responses
from lakehouse.warehouse import Role

ROUTER = APIRouter(tags=["健康检查"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """What was checked, and what was found."""

    status: Literal["ok"] = "ok"
    checks: dict[str, str] = Field(description="各项检查及结果")


@ROUTER.get(
    "/livez",
    summary="进程是否存活",
    operation_id="get_liveness",
    description="进程能够应答即返回 200，不检查数据库。",
)
def livez() -> Alive:
    """Answer that the process lives."""
    return Alive()


@ROUTER.get(
    "/readyz",
    summary="是否可以提供数据",
    operation_id="get_readiness",
    description="数据库可达、已有发布的数据集、决定表可读时返回 200，否则返回 503 并列出各项结果。",
    response_model=Ready,
    responses={503: {**problem_responses(503)[503], "description": "尚不能提供数据"}},
)
def readyz(request: Request, context: InContext) -> Ready | Response:
    """Tell whether the API can answer with data."""
    checks = {"warehouse": _warehouse(context), "operations": _operations(context)}
    if all(result.startswith("ok") for result in checks.values()):
        return Ready(checks=checks)
    failed = "；".join(f"{name}：{result}" for name, result in checks.items() if not result.startswith("ok"))
    return problem_response(
        request,
        status=503,
        code="service.not_ready",
        title="服务尚未就绪",
        detail=f"{failed}。",
        remedy="请确认 PostgreSQL 在运行；首次使用请先运行主作业（make run）。",
        headers={"Retry-After": "5"},
        checks=checks,
    )


def _warehouse(context: Context) -> str:
    try:
        with context.database.connection(Role.READER) as connection:
            published = len(marts.publications(connection))
    except ParkError as error:
        return error.detail
    return f"ok：已发布 {published} 个数据集" if published else "尚未发布任何数据集"


def _operations(context: Context) -> str:
    try:
        with context.database.connection(Role.API) as connection:
            return "ok" if _has_tables(connection) else "缺少决定表或令牌表，请运行 park prepare"
    except ParkError as error:
        return error.detail


def _has_tables(connection: Connection) -> bool:
    row = connection.execute(
        "select to_regclass('ops.decisions') is not null and to_regclass('ops.api_tokens') is not null"
    ).fetchone()
    return bool(row and row[0])
