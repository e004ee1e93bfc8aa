"""Requests to the API as another team's program sends them: a real server on loopback, one caller, one connection."""

from __future__ import annotations

import time

import httpx

from api.tokens.schemas import Scope
from api.tokens.service import create_token
from lakehouse.settings import process_environment
from lakehouse.warehouse import Role, Warehouse
from orchestration.platform import Platform
from orchestration.services.catalogue import api_service
from orchestration.services.supervisor import Supervisor
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.sandbox import BenchmarkError

WARM_UP = 10
REQUEST_TIMEOUT_S = 30.0
# What is asked for, how often: bounded, so that a slow machine ends as well.
REQUESTS = (
    ("api.small", "API, the newest hour of every station", "/v1/marts/fct_air_quality_latest/rows", 500),
    ("api.1000_rows", "API, 1,000 hourly rows as JSON", "/v1/marts/fct_air_quality_hourly/rows?limit=1000", 200),
)


def measure_api(platform: Platform, warehouse: Warehouse, supervisor: Supervisor) -> list[Figure]:
    """Start the API, send the requests one after the other and return p50 and p99 of each kind.

    Raises:
        BenchmarkError: a request was not answered with rows.
    """
    service = api_service(platform.settings)
    supervisor.start(service, process_environment())
    supervisor.wait_until_ready(service.name)
    with warehouse.connect(Role.PUBLISHER) as connection:
        token = create_token(
            connection, platform.key_provider, name="benchmark", scopes=[Scope.MARTS_READ], now=platform.present
        )
    address = str(service.ready_url).removesuffix("/livez")
    headers = {"Authorization": f"Bearer {token.text}"}
    figures = []
    with httpx.Client(base_url=address, headers=headers, timeout=REQUEST_TIMEOUT_S) as client:
        for name, title, path, count in REQUESTS:
            for _ in range(WARM_UP):
                _timed(client, path)
            seconds = [_timed(client, path) for _ in range(count)]
            figures += [
                Figure(f"{name}.{label}", f"{title}, {label}", percentile(seconds, share), count)
                for label, share in (("p50", 0.5), ("p99", 0.99))
            ]
    return figures


def _timed(client: httpx.Client, path: str) -> float:
    started = time.perf_counter()
    answer = client.get(path)
    seconds = time.perf_counter() - started
    if not answer.is_success:
        message = f"{path}: the API answered {answer.status_code}: {answer.text[:300]}. See the log api.log of the run."
        raise BenchmarkError(message)
    return seconds
