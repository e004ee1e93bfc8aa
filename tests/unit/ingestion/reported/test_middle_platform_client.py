"""Our client against the simulated data middle platform: everything it does, and everything that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from ingestion.readers import DayRange, Delivery, SourceUnavailableError
from ingestion.readers.middle_platform import MiddlePlatformReader
from ingestion.simulated_park.middle_platform import MiddlePlatformConfig, create_app
from ingestion.source_file import Source, load_sources
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

PRESENT = datetime(2026, 3, 15, 10, 30, tzinfo=PARK_TIME_ZONE)
CONFIG = MiddlePlatformConfig(
    client_id="lakehouse",
    client_secret="a secret of the test",
    seed=20260301,
    size=ParkSize.SMALL,
    present=PRESENT,
    requests_per_second=10_000.0,
    burst=10_000,
    fault_share=0.0,
)
HISTORY = DayRange(date(2020, 1, 1), date(2026, 12, 31))
THIS_YEAR = DayRange(date(2026, 1, 1), date(2026, 12, 31))
Answer = Callable[[httpx.Request], httpx.Response]


class Network:
    """Carries requests to the platform inside this process, on a clock that only moves while we wait."""

    def __init__(self, config: MiddlePlatformConfig) -> None:
        self.now = 1_800_000_000.0
        self.app = TestClient(create_app(config, clock=lambda: self.now), raise_server_exceptions=False)
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []
        self.instead: list[Answer] = []
        self.tick_s = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        self.now += self.tick_s
        if self.instead:
            return self.instead.pop(0)(request)
        answer = self.app.request(
            request.method, str(request.url.raw_path.decode()), headers=request.headers, content=request.content
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.now += seconds

    def paths(self) -> list[str]:
        """Return the last word of each request's path."""
        return [request.url.path.rsplit("/", 1)[-1] for request in self.requests]


@pytest.fixture
def source() -> Source:
    return load_sources()["data_middle_platform"]


def reader_over(network: Network, newest: datetime | None = None, **changes: Any) -> MiddlePlatformReader:  # noqa: ANN401
    reader = MiddlePlatformReader(
        "http://platform.invalid",
        "middle_platform_url",
        "lakehouse",
        CONFIG.client_secret,
        PRESENT,
        lambda _source, _stream: newest,
        clock=lambda: network.now,
        sleep=network.sleep,
        transport=httpx.MockTransport(network),
    )
    return replace(reader, **changes)


def read(
    reader: MiddlePlatformReader, source: Source, name: str = "tax_monthly", days: DayRange = HISTORY
) -> list[Delivery]:
    return list(reader.deliveries(source, source.streams[name], days))


def rows_of(deliveries: list[Delivery]) -> int:
    return sum(delivery.read().height for delivery in deliveries)


def test_all_pages_come_in_and_are_cut_into_months(source: Source):
    network = Network(CONFIG)
    deliveries = read(reader_over(network), source)
    assert [delivery.uri for delivery in deliveries] == sorted({delivery.uri for delivery in deliveries})
    assert deliveries[-1].uri == "tax_monthly/2026-03"
    assert network.paths().count("records") == 2, "some 700 records by 500"
    assert rows_of(deliveries) > 700


def test_an_increment_begins_with_a_whole_month_and_has_the_digests_of_the_whole(source: Source):
    everything = {delivery.uri: delivery.digest for delivery in read(reader_over(Network(CONFIG)), source)}
    newest = datetime(2026, 3, 10, tzinfo=PARK_TIME_ZONE)
    network = Network(CONFIG)
    increment = {d.uri: d.digest for d in read(reader_over(network, newest), source, days=THIS_YEAR)}
    # The look-back of 45 days before 10 March is 24 January.
    assert list(increment) == ["tax_monthly/2026-01", "tax_monthly/2026-02", "tax_monthly/2026-03"]
    assert increment.items() <= everything.items()


def test_a_feed_that_was_silent_for_years_is_resumed_where_it_stood(source: Source):
    newest = datetime(2024, 5, 20, tzinfo=PARK_TIME_ZONE)
    deliveries = read(reader_over(Network(CONFIG), newest), source, days=THIS_YEAR)
    assert deliveries[0].uri == "tax_monthly/2024-04"


def test_a_past_year_that_a_person_asks_for_is_read_again(source: Source):
    newest = datetime(2026, 3, 10, tzinfo=PARK_TIME_ZONE)
    year = DayRange(date(2024, 1, 1), date(2024, 12, 31))
    uris = [delivery.uri for delivery in read(reader_over(Network(CONFIG), newest), source, days=year)]
    assert uris == [f"tax_monthly/2024-{month:02d}" for month in range(1, 13)]


def test_a_late_correction_changes_only_its_month(source: Source):
    before = Network(replace(CONFIG, present=PRESENT - timedelta(days=10)))
    earlier = {d.uri: d.digest for d in read(reader_over(before), source)}
    later = {d.uri: d.digest for d in read(reader_over(Network(CONFIG)), source)}
    assert {uri for uri in later if later[uri] != earlier.get(uri)} == {"tax_monthly/2026-03"}


def test_faults_and_the_rate_limit_are_waited_out(source: Source):
    network = Network(replace(CONFIG, fault_share=1.0, requests_per_second=1.0, burst=2))
    assert rows_of(read(reader_over(network), source)) == rows_of(read(reader_over(Network(CONFIG)), source))
    assert network.waits
    assert max(network.waits) <= 30


def test_retry_after_is_obeyed(source: Source):
    network = Network(CONFIG)
    network.instead = [lambda _: httpx.Response(429, headers={"Retry-After": "17"})]
    read(reader_over(network), source)
    assert network.waits[0] >= 17


def test_a_platform_that_is_down_is_given_up_with_a_sentence(source: Source):
    network = Network(CONFIG)
    network.instead = [lambda _: httpx.Response(503)] * 100
    with pytest.raises(SourceUnavailableError) as refusal:
        read(reader_over(network), source)
    assert len(network.requests) == 7
    for words in ("data_middle_platform (化工区数据中台)", "'tax_monthly'", "http://platform.invalid", "HTTP 503"):
        assert words in str(refusal.value)
    assert "PARK_MIDDLE_PLATFORM_URL" in str(refusal.value)


def test_waiting_has_a_budget_over_all_requests(source: Source):
    network = Network(CONFIG)
    network.instead = [lambda _: httpx.Response(503, headers={"Retry-After": "29"})] * 100
    with pytest.raises(SourceUnavailableError, match="gave up after waiting"):
        read(reader_over(network), source)
    assert sum(network.waits) <= 180 + 30


def test_nobody_there(source: Source):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    network = Network(CONFIG)
    network.instead = [refuse] * 100
    with pytest.raises(SourceUnavailableError, match=r"does not serve us \(ConnectError: Connection refused\)"):
        read(reader_over(network), source)


def test_a_wrong_secret_is_said_at_once_and_never_shown(source: Source):
    network = Network(CONFIG)
    with pytest.raises(SourceUnavailableError, match="40101") as refusal:
        read(reader_over(network, client_secret="an old secret"), source)
    assert network.paths() == ["token"]
    assert "PARK_MIDDLE_PLATFORM_CLIENT_SECRET_FILE" in str(refusal.value)
    assert "an old secret" not in str(refusal.value)


def test_a_clock_that_is_wrong_is_said(source: Source):
    network = Network(CONFIG)
    with pytest.raises(SourceUnavailableError, match=r"40105.*Set this machine's clock\."):
        read(reader_over(network, clock=lambda: network.now + 3600), source)


def test_a_token_that_ends_while_reading_is_renewed(source: Source):
    network = Network(replace(CONFIG, token_lifetime_seconds=60))
    network.tick_s = 45.0
    assert rows_of(read(reader_over(network), source)) > 700
    assert network.paths().count("token") > 1


def test_a_token_that_the_platform_has_forgotten_is_renewed_once(source: Source):
    network = Network(CONFIG)
    forgotten = {"code": 40102, "message": "访问令牌缺失或无效", "data": None}
    stale = {"code": 0, "data": {"access_token": "of yesterday", "expires_in": 600}}
    network.instead = [lambda _: httpx.Response(200, json=stale), lambda _: httpx.Response(401, json=forgotten)]
    assert rows_of(read(reader_over(network), source)) > 700
    assert network.paths()[:4] == ["token", "records", "token", "records"]


def test_a_stream_that_need_not_be_there_delivers_nothing_and_another_is_an_error(
    source: Source, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level("INFO"):
        assert read(reader_over(Network(CONFIG)), source, "production_index") == []
    assert "data_middle_platform__production_index" in caplog.text
    renamed = source.streams["tax_monthly"].model_copy(update={"path": "taxes"})
    changed = source.model_copy(update={"streams": {"tax_monthly": renamed}})
    with pytest.raises(SourceUnavailableError, match=r"'tax_monthly'.*40401.*Correct `path`"):
        read(reader_over(Network(CONFIG)), changed)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(200, text="<html>登录</html>"), "HTTP 200 without JSON"),
        (httpx.Response(200, json={"rows": []}), "HTTP 200 without an envelope"),
        (httpx.Response(200, json={"code": 0, "data": {"records": "none"}}), "a page without a list of records"),
        (httpx.Response(200, json={"code": 0, "data": {"records": [], "total": 3}}), "0 of 3 records"),
    ],
)
def test_an_answer_that_is_not_the_platforms_lands_nothing(source: Source, answer: httpx.Response, says: str):
    network = Network(CONFIG)

    def token(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"code": 0, "data": {"access_token": "t", "expires_in": 600}})

    network.instead = [token, lambda _: answer]
    with pytest.raises(SourceUnavailableError, match=says):
        read(reader_over(network), source)


def test_a_cursor_that_goes_in_circles_ends(source: Source):
    network = Network(CONFIG)
    page = {"code": 0, "data": {"records": [], "next_cursor": "again", "total": 0}}
    token = {"code": 0, "data": {"access_token": "t", "expires_in": 600}}
    network.instead = [lambda _: httpx.Response(200, json=token)] + [lambda _: httpx.Response(200, json=page)] * 50
    with pytest.raises(SourceUnavailableError, match="the same cursor twice"):
        read(reader_over(network), source)


def test_money_is_not_rounded_on_the_way(source: Source):
    network = Network(CONFIG)
    record = dict.fromkeys(source.streams["tax_monthly"].columns)
    text = '{"code": 0, "data": {"records": [%s], "total": 1}}'
    body = str({**record, "record_id": "R1", "update_time": "2026-03-01T08:00:00+08:00"}).replace("'", '"')
    body = body.replace("None", "null").replace('"vat_yuan": null', '"vat_yuan": 12345678901234567.89')
    token = {"code": 0, "data": {"access_token": "t", "expires_in": 600}}
    network.instead = [lambda _: httpx.Response(200, json=token), lambda _: httpx.Response(200, text=text % body)]
    (delivery,) = read(reader_over(network), source)
    assert delivery.read()["vat_yuan"].to_list() == ["12345678901234567.89"]
