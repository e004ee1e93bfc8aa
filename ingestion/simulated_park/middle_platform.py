"""The park's data middle platform (化工区数据中台) as a real HTTP server.

`POST /api/v1/token` with client_id and client_secret gives a token that expires. `GET /api/v1/streams` lists the
streams; `GET /api/v1/streams/{stream}/records?updated_after=&cursor=&page_size=` gives records in the order of their
update time, page by page. Both want the token and a signature (see `request_signing`). Every answer, refusals too, is
`{"code": 0, "message": "成功", "data": …}`.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import socket
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import uvicorn
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ingestion.simulated_park.middle_platform_access import (
    Faults,
    PlatformRefusalError,
    RateLimit,
    Signatures,
    Tokens,
)
from ingestion.simulated_park.middle_platform_streams import PlatformStream, platform_streams
from ingestion.simulated_park.request_signing import SignedRequest, signature
from lakehouse.settings import PARK_TIME_ZONE, ParkSize, Settings

DEFAULT_PAGE_SIZE = 200
LARGEST_PAGE_SIZE = 1000
API = "/api/v1"


@dataclass(frozen=True)
class MiddlePlatformConfig:
    """What the platform is and how it behaves.

    Attributes:
        client_id: The one client that may ask.
        client_secret: Its secret, for the token and for signatures.
        seed: Seed of the simulated park, also of its failures.
        size: Size of the simulated park.
        present: Records updated later are not there yet.
        replay_dir: Folder of real series, or None.
        token_lifetime_seconds: How long a token works.
        requests_per_second: Rate limit.
        burst: Requests that may come at once.
        fault_share: Share of pages that first answer 500 or 503.
    """

    client_id: str
    client_secret: str
    seed: int
    size: ParkSize
    present: datetime
    replay_dir: Path | None = None
    token_lifetime_seconds: int = 600
    requests_per_second: float = 20.0
    burst: int = 30
    fault_share: float = 0.1


class _TokenRequest(BaseModel):
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class _Place:
    """Where a page begins: after this record of this stream, within this increment."""

    stream: str
    updated_after: str
    update_time: str
    record_id: str


def create_app(config: MiddlePlatformConfig, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """Build the platform as a FastAPI application.

    Args:
        config: What it is and how it behaves.
        clock: Seconds since 1970, for tokens, signatures and the rate limit only; records depend on `config.present`.
    """
    streams = platform_streams(seed=config.seed, size=config.size, present=config.present, replay_dir=config.replay_dir)
    tokens = Tokens(config.token_lifetime_seconds, clock)
    signatures = Signatures(config.client_secret, clock)
    limit = RateLimit(config.requests_per_second, config.burst, clock)
    faults = Faults(config.seed, config.fault_share)
    app = FastAPI(title="化工区数据中台", docs_url=None, redoc_url=None)
    _answer_in_the_envelope(app)

    async def authenticated(request: Request) -> None:
        limit.take()
        headers = request.headers
        tokens.check(headers.get("authorization"))
        signed = SignedRequest(
            request.method,
            request.url.path,
            tuple(request.query_params.multi_items()),
            config.client_id,
            headers.get("x-timestamp", ""),
            headers.get("x-nonce", ""),
        )
        algorithm = headers.get("x-signature-algorithm", "")
        signatures.check(signed, algorithm=algorithm, given=headers.get("x-signature", ""))

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return _envelope({"status": "正常"})

    @app.post(f"{API}/token")
    async def token(body: _TokenRequest) -> dict[str, Any]:
        limit.take()
        is_known = compare_digest(body.client_id.encode(), config.client_id.encode())
        if not compare_digest(body.client_secret.encode(), config.client_secret.encode()) or not is_known:
            raise PlatformRefusalError(401, 40101, "客户端标识或密钥错误")
        lifetime = config.token_lifetime_seconds
        return _envelope({"access_token": tokens.issue(), "token_type": "Bearer", "expires_in": lifetime})

    @app.get(f"{API}/streams", dependencies=[Depends(authenticated)])
    async def list_streams() -> dict[str, Any]:
        rows = [{"stream": item.name, "title": item.title, "total": len(item.records)} for item in streams.values()]
        return _envelope({"streams": rows})

    @app.get(f"{API}/streams/{{stream}}/records", dependencies=[Depends(authenticated)])
    async def records(
        stream: str,
        updated_after: str = "",
        cursor: str = "",
        page_size: Annotated[int, Query(ge=1, le=LARGEST_PAGE_SIZE)] = DEFAULT_PAGE_SIZE,
    ) -> dict[str, Any]:
        if stream not in streams:
            raise PlatformRefusalError(404, 40401, f"数据流「{stream}」不存在，可用：{'、'.join(streams)}")
        start = _Place(stream, updated_after, *_after(updated_after))
        place = _read_cursor(cursor, start, config.client_secret) if cursor else start
        faults.strike(f"{place}/{page_size}")
        return _envelope(_page(streams[stream], start, place, page_size, config.client_secret))

    return app


def _page(stream: PlatformStream, start: _Place, place: _Place, page_size: int, secret: str) -> dict[str, Any]:
    keys = [(str(record["update_time"]), str(record["record_id"])) for record in stream.records]
    first = bisect_right(keys, (start.update_time, start.record_id))
    begin = bisect_right(keys, (place.update_time, place.record_id))
    page = stream.records[begin : begin + page_size]
    is_last = begin + page_size >= len(keys)
    next_cursor = None
    if not is_last:
        next_cursor = _write_cursor(_Place(start.stream, start.updated_after, *keys[begin + page_size - 1]), secret)
    return {"records": list(page), "next_cursor": next_cursor, "total": len(keys) - first}


def _after(updated_after: str) -> tuple[str, str]:
    """Return the place after the last record that was updated at or before this time; empty text: the beginning."""
    if not updated_after:
        return "", ""
    try:
        moment = datetime.fromisoformat(updated_after)
    except ValueError as error:
        message = f"updated_after「{updated_after}」不是 ISO 8601 时间；加号须写作 %2B"
        raise PlatformRefusalError(400, 40001, message) from error
    local = moment.replace(tzinfo=PARK_TIME_ZONE) if moment.tzinfo is None else moment.astimezone(PARK_TIME_ZONE)
    # Update times are whole seconds; the largest character closes the second in which the time lies.
    return local.replace(microsecond=0).isoformat(), "\U0010ffff"


def _write_cursor(place: _Place, secret: str) -> str:
    content = json.dumps([place.stream, place.updated_after, place.update_time, place.record_id])
    seal = _seal(content, secret)
    return base64.urlsafe_b64encode(f"{seal}{content}".encode()).decode()


def _read_cursor(cursor: str, start: _Place, secret: str) -> _Place:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii", "replace")).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise PlatformRefusalError(400, 40002, "游标无效，请从头翻页") from error
    length = len(_seal("", secret))
    seal, content = text[:length], text[length:]
    if not compare_digest(seal.encode(), _seal(content, secret).encode()):
        raise PlatformRefusalError(400, 40002, "游标无效，请从头翻页")
    place = _Place(*json.loads(content))
    if (place.stream, place.updated_after) != (start.stream, start.updated_after):
        raise PlatformRefusalError(400, 40002, "游标与本次查询条件不一致，请从头翻页")
    return place


def _seal(content: str, secret: str) -> str:
    """Keep clients from building cursors of their own."""
    request = SignedRequest("CURSOR", content, (), "", "", "")
    return signature(request, secret=secret, algorithm="HMAC-SM3")[:16]


def _envelope(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "成功", "data": data}


def _answer_in_the_envelope(app: FastAPI) -> None:
    """Let refusals and malformed requests answer in the same form as everything else."""

    def answer(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"code": code, "message": message, "data": None}, status, headers)

    @app.exception_handler(PlatformRefusalError)
    async def refused(_: Request, error: PlatformRefusalError) -> JSONResponse:
        headers = None if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return answer(error.status, error.code, error.message, headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        names = "、".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
        return answer(400, 40001, f"请求参数错误：{names}")

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, error.status_code * 100, "接口不存在或不支持该方法")


class MiddlePlatformServer:
    """The platform in a thread of its own, for tests and the embedded park.

    Use it in a `with` statement; inside, `base_url` is where it listens.
    """

    def __init__(self, config: MiddlePlatformConfig, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._address = (host, port)
        self._server = uvicorn.Server(uvicorn.Config(create_app(config), log_level="warning", access_log=False))
        self._thread: threading.Thread | None = None
        self.base_url = ""

    def __enter__(self) -> Self:
        listener = _listen(self._address)
        host, port = listener.getsockname()[:2]
        self.base_url = f"http://{host}:{port}"
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="middle platform", daemon=True
        )
        self._thread.start()
        return self  # the socket listens already: a first request waits for the application

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._thread is not None and self._thread.is_alive() and not self._server.started:
            time.sleep(0.01)  # a server told to stop before it has started would go on for ever
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()


def _listen(address: tuple[str, int]) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConnectionError: The port is taken or the address is not this machine's.
    """
    try:
        return socket.create_server(address)
    except OSError as error:
        host, port = address
        raise ConnectionError(
            f"The data middle platform cannot listen on {host}:{port} ({error.strerror}): choose another port."
        ) from error


def main() -> None:
    """Run the platform in the foreground until it is told to stop."""
    settings = Settings()
    parser = argparse.ArgumentParser(description="Simulated data middle platform (化工区数据中台).")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret-file", type=Path, required=True, help="file that holds the client's secret")
    arguments = parser.parse_args()
    try:
        secret = arguments.client_secret_file.read_text("utf-8").strip()
        listener = _listen((arguments.host, arguments.port))
    except (FileNotFoundError, ConnectionError) as error:
        parser.error(str(error))
    config = MiddlePlatformConfig(
        client_id=arguments.client_id,
        client_secret=secret,
        seed=settings.seed,
        size=settings.size,
        present=settings.present,
        replay_dir=settings.replay_dir,
    )
    uvicorn.Server(uvicorn.Config(create_app(config), access_log=False)).run([listener])


if __name__ == "__main__":
    main()
