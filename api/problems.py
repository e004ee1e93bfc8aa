"""Refusals as RFC 9457 problems: a stable code, a Chinese title, what happened, and what helps."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

PROBLEM_MEDIA_TYPE = "application/problem+json"
LOG = logging.getLogger("park.api")

_HTTP_TITLES = {
    HTTPStatus.NOT_FOUND: ("http.not_found", "没有这个地址", "接口清单见 /docs。"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("http.method_not_allowed", "该地址不支持这种请求方法", "可用的方法见 /docs。"),
}
_FINDINGS = {
    "missing": "缺少必填项",
    "extra_forbidden": "没有这个字段",
    "json_invalid": "不是有效的 JSON",
    "int_parsing": "应为整数",
    "bool_parsing": "应为 true 或 false",
    "uuid_parsing": "应为 UUID",
    "enum": "不在可选值之内",
    "string_too_short": "内容过短",
    "string_too_long": "内容过长",
    "greater_than_equal": "小于允许的最小值",
    "less_than_equal": "大于允许的最大值",
}


class ParkError(Exception):
    """A refusal that the caller can understand and act upon.

    Args:
        detail: what happened, with the place, in Chinese.
        remedy: what helps, in Chinese.
        headers: response headers that belong to the refusal.
        facts: further members of the problem document, e.g. `column` and `available`.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    code: ClassVar[str] = "request.refused"
    title: ClassVar[str] = "请求不能执行"

    def __init__(self, detail: str, *, remedy: str, headers: Mapping[str, str] | None = None, **facts: Any) -> None:  # noqa: ANN401
        super().__init__(f"{detail}{remedy}")
        self.detail = detail
        self.remedy = remedy
        self.headers = dict(headers or {})
        self.facts = facts


class Problem(BaseModel):
    """The body of every refusal (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="问题类型，`urn:park:problem:` 加错误代码")
    title: str = Field(description="问题类型的中文名称")
    status: int = Field(description="HTTP 状态码")
    code: str = Field(description="稳定的错误代码，程序应据此判断")
    detail: str = Field(description="本次发生了什么")
    remedy: str = Field(description="怎样解决")
    instance: str = Field(description="请求的地址")
    request_id: str = Field(description="请求编号，与日志一致")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of refusals; 422 is always among them, in our shape instead of FastAPI's."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    phrases = {401: "缺少令牌或令牌无效", 403: "令牌权限不足", 404: "不存在", 409: "与现有记录冲突", 422: "参数有误"}
    return {
        status: {"description": phrases.get(status, HTTPStatus(status).phrase), "content": content}
        for status in sorted({*statuses, 422})
    }


def problem_response(
    request: Request, *, status: int, code: str, title: str, detail: str, remedy: str, **rest: object
) -> Response:
    """Render one problem; `rest` may hold `headers` and further members."""
    headers = rest.pop("headers", None)
    request_id = request.scope.get("state", {}).get("request_id", "")
    body = {
        "type": f"urn:park:problem:{code}",
        "title": title,
        "status": int(status),
        "code": code,
        "detail": detail,
        "remedy": remedy,
        "instance": request.url.path,
        "request_id": request_id,
        **rest,
    }
    return Response(
        json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace"),
        status,
        # Also here: what failed unexpectedly is answered outside of RequestLog.
        headers={**(headers if isinstance(headers, dict) else {}), "X-Request-Id": request_id},
        media_type=PROBLEM_MEDIA_TYPE,
    )


def install_problem_handlers(application: FastAPI) -> None:
    """Let every refusal, ours or the framework's, leave as a problem document."""
    application.add_exception_handler(ParkError, _refused)
    application.add_exception_handler(RequestValidationError, _malformed)
    application.add_exception_handler(HTTPException, _framework_refused)
    application.add_exception_handler(Exception, _failed)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ParkError)  # noqa: S101 - registered for this class only
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        LOG.error("refused", extra={"fields": {"code": error.code, "detail": error.detail}}, exc_info=error.__cause__)
    return problem_response(
        request,
        status=error.status,
        code=error.code,
        title=error.title,
        detail=error.detail,
        remedy=error.remedy,
        headers=error.headers,
        **error.facts,
    )


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    findings = [
        {
            "place": ".".join(str(part) for part in finding["loc"]),
            "message": _FINDINGS.get(finding["type"], finding["msg"].removeprefix("Value error, ")),
        }
        for finding in error.errors()
    ]
    sentences = "；".join(f"{finding['place']}：{finding['message']}" for finding in findings)
    return problem_response(
        request,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="request.invalid",
        title="参数有误",
        detail=f"{sentences}。",
        remedy="请按 /docs 中该接口的说明改正所列各项。",
        errors=findings,
    )


def _framework_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    status = HTTPStatus(error.status_code)
    code, title, remedy = _HTTP_TITLES.get(
        status, (f"http.{status.name.lower()}", "请求被拒绝", "请按 /docs 中的说明改正请求。")
    )
    return problem_response(
        request,
        status=status,
        code=code,
        title=title,
        detail=f"{request.method} {request.url.path}：{title}。",
        remedy=remedy,
        headers=dict(error.headers or {}),
    )


def _failed(request: Request, error: Exception) -> Response:
    LOG.error("failed", exc_info=error, extra={"fields": {"path": request.url.path}})
    return problem_response(
        request,
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        code="internal.error",
        title="服务内部错误",
        detail="服务处理该请求时出错，详情已写入日志。",
        remedy="请把请求编号告知平台管理员；重复请求前请先核对数据状态。",
    )
