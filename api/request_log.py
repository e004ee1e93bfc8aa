"""Around every request: an id that goes out with the answer and into the log, a size limit, and one log line."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID_HEADER = "X-Request-Id"
MOST_BODY_BYTES = 1_000_000
LOG = logging.getLogger("park.api")
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BODY_TOO_LARGE = {
    "type": "urn:park:problem:request.too_large",
    "title": "请求内容过大",
    "status": 413,
    "code": "request.too_large",
    "detail": f"请求内容超过 {MOST_BODY_BYTES:,} 字节，或未声明长度（Content-Length）。",
    "remedy": "请缩短内容并声明长度后重试。",
}


class RequestLog:
    """ASGI middleware; the query string is never logged, because filters may name people."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID_HEADER, "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                outgoing = MutableHeaders(scope=message)
                outgoing[REQUEST_ID_HEADER] = request_id
                outgoing.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        try:
            if _is_too_large(headers):
                await _refuse_body(scope, send_with_id, request_id)
            else:
                await self._app(scope, receive, send_with_id)
        finally:
            fields = {
                "request_id": request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round((time.perf_counter() - started) * 1000, 1),
                "caller": state.get("caller"),
            }
            LOG.info("request", extra={"fields": fields})


def _is_too_large(headers: Headers) -> bool:
    """Tell whether the body is too large; a body of unknown length counts as such, no caller of ours sends one."""
    length = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not length.isdecimal() or int(length) > MOST_BODY_BYTES


async def _refuse_body(scope: Scope, send: Send, request_id: str) -> None:
    body = json.dumps({**_BODY_TOO_LARGE, "instance": scope["path"], "request_id": request_id}, ensure_ascii=False)
    content = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": content})
    await send({"type": "http.response.body", "body": body.encode()})


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message and the fields of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json_lines() -> None:
    """Send the logs of the API and its server to standard error, one JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name in ("park.api", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO)
