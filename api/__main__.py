"""Serve the API: `python -m api --port 8000`, until it is asked to end."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import UTC, datetime

import uvicorn

from api.application import create_application
from api.operations import prepare_operations
from api.request_log import log_as_json_lines
from lakehouse.artifacts import ArtifactStore
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import open_warehouse
from security.key_provider import open_key_provider

GRACEFUL_STOP_S = 5


def main() -> None:
    """Join the warehouse (or start the embedded one) and serve on loopback, unless told otherwise."""
    settings = Settings()
    parser = argparse.ArgumentParser(prog="python -m api", description="化工区一网统管湖仓平台的数据接口。")
    parser.add_argument("--host", default="127.0.0.1", help="监听地址，默认只对本机开放")
    parser.add_argument("--port", type=int, default=settings.api_port, help="监听端口")
    arguments = parser.parse_args()
    home = Home(settings.home)
    log_as_json_lines()
    # The server hands a signal back once it has finished; as an exit it still lets the warehouse be closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    def clock() -> datetime:
        return (settings.now or datetime.now(UTC)).astimezone(UTC)

    with open_warehouse(settings, home) as warehouse:
        warehouse.prepare()
        prepare_operations(warehouse)
        application = create_application(
            warehouse,
            ArtifactStore(home.artifacts),
            open_key_provider(settings.key_provider, folder=home.keys, now=clock),
            clock=clock,
        )
        uvicorn.run(
            application,
            host=arguments.host,
            port=arguments.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_STOP_S,
        )


if __name__ == "__main__":
    main()
