"""The data middle platform as a client meets it: tokens, signatures, pages, increments, limits, failures."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from fastapi.testclient import TestClient

from ingestion.simulated_park.errors import ReplayFolderError
from ingestion.simulated_park.middle_platform import MiddlePlatformConfig, MiddlePlatformServer, create_app
from ingestion.simulated_park.middle_platform_streams import platform_ground_truth, platform_streams
from ingestion.simulated_park.request_signing import SignedRequest, signature
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

PRESENT = datetime(2026, 3, 15, 10, 30, tzinfo=PARK_TIME_ZONE)
ENTERPRISES = "/api/v1/streams/enterprises/records"
TAX = "/api/v1/streams/tax_monthly/records"
SECRET = "a secret of the test"
CONFIG: dict[str, Any] = {
    "client_id": "lakehouse",
    "client_secret": SECRET,
    "seed": 20260301,
    "size": ParkSize.SMALL,
    "present": PRESENT,
    "requests_per_second": 10_000.0,
    "burst": 10_000,
    "fault_share": 0.0,
}


class Clock:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time the test has set."""
        return self.now


class Client:
    """A well-behaved client of the platform, written against the documented protocol."""

    nonces = itertools.count(10_000_000)

    def __init__(self, http: httpx.Client, clock: Clock | None = None, secret: str = SECRET) -> None:
        self.http = http
        self.clock = clock or Clock()
        self.secret = secret
        answer = http.post("/api/v1/token", json={"client_id": "lakehouse", "client_secret": SECRET})
        self.token = answer.json()["data"]["access_token"]

    def headers(self, path: str, parameters: dict[str, str], algorithm: str = "HMAC-SM3") -> dict[str, str]:
        """Return the headers of a signed request."""
        timestamp, nonce = str(int(self.clock())), str(next(self.nonces))
        request = SignedRequest("GET", path, tuple(parameters.items()), "lakehouse", timestamp, nonce)
        return {
            "Authorization": f"Bearer {self.token}",
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature-Algorithm": algorithm,
            "X-Signature": signature(request, secret=self.secret, algorithm=algorithm),
        }

    def get(self, path: str, algorithm: str = "HMAC-SM3", **parameters: str) -> httpx.Response:
        """Send a signed request."""
        return self.http.get(path, params=parameters, headers=self.headers(path, parameters, algorithm))

    def all_pages(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """Follow the cursor to the end."""
        records: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            data = self.get(path, **parameters, **cursor).json()["data"]
            records += data["records"]
            if data["next_cursor"] is None:
                assert len(records) == data["total"]
                return records
            cursor = {"cursor": data["next_cursor"]}


def client_of(clock: Clock | None = None, **changes: object) -> Client:
    moment = clock or Clock()
    app = create_app(MiddlePlatformConfig(**{**CONFIG, **changes}), clock=moment)
    return Client(TestClient(app), moment)


@pytest.fixture(scope="module")
def client() -> Client:
    return client_of()


def refusal(answer: httpx.Response) -> tuple[int, int]:
    body = answer.json()
    assert set(body) == {"code", "message", "data"}
    assert body["data"] is None
    assert not body["message"].isascii()
    return answer.status_code, body["code"]


def test_the_signature_is_a_plain_hmac_of_seven_lines():
    request = SignedRequest("GET", "/p", (("b", "2 +"), ("a", "中")), "me", "1800000000", "12345678")
    text = "HMAC-SM3\nGET\n/p\na=%E4%B8%AD&b=2%20%2B\nme\n1800000000\n12345678"
    code = hmac.HMAC(b"key", hashes.SM3())
    code.update(text.encode())
    assert signature(request, secret="key", algorithm="HMAC-SM3") == code.finalize().hex()


def test_the_answer_is_a_chinese_envelope(client: Client):
    body = client.get(ENTERPRISES, page_size="5").json()
    assert (body["code"], body["message"]) == (0, "成功")
    assert set(body["data"]) == {"records", "next_cursor", "total"}
    assert len(body["data"]["records"]) == 5
    assert body["data"]["records"][0]["data_origin"] == "simulated"


@pytest.mark.parametrize("page_size", ["1", "7", "1000"])
def test_pages_together_give_every_record_once_in_order(client: Client, page_size: str):
    records = client.all_pages(ENTERPRISES, page_size=page_size)
    expected = platform_streams(seed=CONFIG["seed"], size=ParkSize.SMALL, present=PRESENT)["enterprises"].records
    assert records == list(expected)
    places = [(record["update_time"], record["record_id"]) for record in records]
    assert places == sorted(set(places))


def test_an_increment_begins_after_the_given_moment(client: Client):
    everything = client.all_pages(TAX, page_size="500")
    border = everything[len(everything) // 2]["update_time"]
    increment = client.all_pages(TAX, page_size="100", updated_after=border)
    assert increment == [record for record in everything if record["update_time"] > border]
    in_utc = datetime.fromisoformat(border).astimezone().isoformat()
    assert client.all_pages(TAX, updated_after=in_utc) == increment
    assert client.all_pages(TAX, updated_after="2999-01-01") == []


@pytest.mark.parametrize("algorithm", ["HMAC-SM3", "HMAC-SHA256"])
def test_both_algorithms_work(client: Client, algorithm: str):
    assert client.get(ENTERPRISES, algorithm).status_code == 200


def test_a_wrong_secret_gets_no_token(client: Client):
    for body in ({"client_id": "lakehouse", "client_secret": "x"}, {"client_id": "x", "client_secret": SECRET}):
        assert refusal(client.http.post("/api/v1/token", json=body)) == (401, 40101)


def test_a_token_is_needed_and_expires():
    clock = Clock()
    client = client_of(clock, token_lifetime_seconds=60)
    assert refusal(client.http.get(ENTERPRISES)) == (401, 40102)
    clock.now += 59
    assert client.get(ENTERPRISES).status_code == 200
    clock.now += 1
    assert refusal(client.get(ENTERPRISES)) == (401, 40103)


def test_forged_old_and_repeated_requests_are_refused(client: Client):
    headers = client.headers(ENTERPRISES, {"page_size": "5"})
    changed = client.http.get(ENTERPRISES, params={"page_size": "6"}, headers=headers)
    assert refusal(changed) == (401, 40104)
    assert client.http.get(ENTERPRISES, params={"page_size": "5"}, headers=headers).status_code == 200
    again = client.http.get(ENTERPRISES, params={"page_size": "5"}, headers=headers)
    assert refusal(again) == (401, 40106)
    stranger = Client(client.http, client.clock, secret="guessed")
    assert refusal(stranger.get(ENTERPRISES)) == (401, 40104)
    unsigned = client.http.get(ENTERPRISES, headers={"Authorization": f"Bearer {client.token}"})
    assert refusal(unsigned) == (401, 40104)
    for shift in (-301, 301):
        late = Client(client.http, client.clock)
        late.clock = Clock()
        late.clock.now += shift
        assert refusal(late.get(ENTERPRISES)) == (401, 40105)


def test_an_algorithm_cannot_be_exchanged(client: Client):
    headers = client.headers(ENTERPRISES, {}, "HMAC-SM3") | {"X-Signature-Algorithm": "HMAC-SHA256"}
    assert refusal(client.http.get(ENTERPRISES, headers=headers)) == (401, 40104)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"page_size": "0"}, (400, 40001)),
        ({"page_size": "1001"}, (400, 40001)),
        ({"page_size": "many"}, (400, 40001)),
        ({"updated_after": "yesterday"}, (400, 40001)),
        ({"cursor": "bm90IG91cnM="}, (400, 40002)),
        ({"cursor": "游标"}, (400, 40002)),
        ({"cursor": "x"}, (400, 40002)),
    ],
)
def test_malformed_requests_are_explained(client: Client, parameters: dict[str, str], expected: tuple[int, int]):
    assert refusal(client.get(ENTERPRISES, **parameters)) == expected


def test_a_cursor_belongs_to_its_query(client: Client):
    cursor = client.get(ENTERPRISES, page_size="2").json()["data"]["next_cursor"]
    assert refusal(client.get(TAX, cursor=cursor)) == (400, 40002)
    assert refusal(client.get(ENTERPRISES, cursor=cursor, updated_after="2021-01-01")) == (400, 40002)


def test_an_unknown_stream_names_the_known_ones(client: Client):
    answer = client.get("/api/v1/streams/nothing/records")
    assert refusal(answer) == (404, 40401)
    assert "tax_monthly" in answer.json()["message"]
    assert refusal(client.http.get("/nowhere"))[0] == 404


def test_streams_are_listed(client: Client):
    rows = client.get("/api/v1/streams").json()["data"]["streams"]
    assert {row["stream"]: row["title"] for row in rows} == {
        "enterprises": "法人库",
        "monitoring_devices": "监测设备",
        "tax_monthly": "月度税收",
        "electricity_monthly": "月度用电",
        "hazard_units": "危险源单元",
        "hazard_inventories": "危险源在存量",
        "management_states": "安全管理状态",
    }
    devices = platform_streams(seed=CONFIG["seed"], size=ParkSize.SMALL, present=PRESENT)["monitoring_devices"].records
    assert {row["stream"]: row["total"] for row in rows}["monitoring_devices"] == len(devices) > 600


def test_a_hasty_client_is_told_when_to_come_back():
    clock = Clock()
    client = client_of(clock, requests_per_second=0.5, burst=3)
    assert [client.get(ENTERPRISES).status_code for _ in range(2)] == [200, 200]  # the token was the first
    answer = client.get(ENTERPRISES)
    assert refusal(answer) == (429, 42901)
    clock.now += int(answer.headers["Retry-After"])
    assert client.get(ENTERPRISES).status_code == 200
    assert client.get(ENTERPRISES).status_code == 429


def test_failures_are_the_same_every_time_and_end_after_two():
    def statuses() -> list[list[int]]:
        client = client_of(fault_share=1.0)
        paths = (ENTERPRISES, TAX)
        return [[client.get(path, page_size=size).status_code for _ in range(4)] for path in paths for size in "123456"]

    first = statuses()
    assert statuses() == first
    assert {status for row in first for status in row} == {200, 500, 503}
    for row in first:
        failures = [status for status in row if status != 200]
        assert 1 <= len(failures) <= 2
        assert row == failures + [200] * (4 - len(failures))


def test_a_share_of_pages_fails():
    client = client_of(fault_share=0.3)
    statuses = Counter(client.get(TAX, page_size=str(size)).status_code for size in range(1, 201))
    assert 35 < statuses[500] + statuses[503] < 85


def test_corrections_are_later_records_with_the_same_id():
    streams = platform_streams(seed=CONFIG["seed"], size=ParkSize.SMALL, present=PRESENT)
    planted = [
        defect
        for defect in platform_ground_truth(seed=CONFIG["seed"], size=ParkSize.SMALL, present=PRESENT)
        if defect.kind == "late_correction"
    ]
    for name in ("enterprises", "tax_monthly", "electricity_monthly"):
        records = streams[name].records
        twice = {key for key, count in Counter(record["record_id"] for record in records).items() if count == 2}
        assert twice == {defect.key["record_id"] for defect in planted if defect.table == name}
        assert twice
    for defect in planted:
        versions = [one for one in streams[defect.table].records if one["record_id"] == defect.key["record_id"]]
        assert defect.truth.items() <= versions[-1].items()
        assert not defect.truth.items() <= versions[0].items()


def test_nothing_is_known_before_its_time():
    early = platform_streams(seed=1, size=ParkSize.SMALL, present=datetime(2024, 5, 2, tzinfo=PARK_TIME_ZONE))
    late = platform_streams(seed=1, size=ParkSize.SMALL, present=datetime(2024, 7, 2, tzinfo=PARK_TIME_ZONE))
    for name, stream in early.items():
        assert max(str(record["update_time"]) for record in stream.records) < "2024-05-02"
        known = {(record["update_time"], record["record_id"]) for record in late[name].records}
        missing = [one for one in stream.records if (one["update_time"], one["record_id"]) not in known]
        # Only what left the sixty months, or the thirty days that stocks and states are shared for.
        column, first = {
            "hazard_inventories": ("inventory_date", "2024-06-02"),
            "management_states": ("state_date", "2024-06-02"),
        }.get(name, ("period", "201908"))
        assert all(str(one[column]) < first for one in missing)


def test_the_large_park_has_all_its_points():
    streams = platform_streams(seed=1, size=ParkSize.PARK, present=PRESENT)
    devices = streams["monitoring_devices"].records
    outlets = {device["record_id"] for device in devices if device["device_kind"] == "outlet"}
    assert len({device["record_id"] for device in devices} - outlets) == 25_000
    assert len(outlets) == 23  # the factors of the simulated outlets come on top


@pytest.fixture
def index_folder(tmp_path: Path) -> Path:
    (tmp_path / "insee_ipi").mkdir()
    rows = "sector,period,value\nB,1990-01,139.22\nB,1990-02,\nC,2015-10,108.06\n"
    (tmp_path / "insee_ipi/raw_monthly.csv").write_text(rows, "utf-8")
    return tmp_path


def test_a_real_index_is_one_more_stream(index_folder: Path):
    client = client_of(replay_dir=index_folder)
    records = client.all_pages("/api/v1/streams/production_index/records")
    assert [(record["sector"], record["period"], record["index_value"]) for record in records] == [
        ("B", "199001", 139.22),
        ("C", "201510", 108.06),
    ]
    assert {record["data_origin"] for record in records} == {"replayed"}


def test_a_broken_index_file_is_named(index_folder: Path):
    (index_folder / "insee_ipi/raw_monthly.csv").write_bytes(gzip.compress(b"no table"))
    with pytest.raises(ReplayFolderError, match=r"raw_monthly\.csv"):
        platform_streams(seed=1, size=ParkSize.SMALL, present=PRESENT, replay_dir=index_folder)


@pytest.fixture
def server() -> Iterator[MiddlePlatformServer]:
    with MiddlePlatformServer(MiddlePlatformConfig(**CONFIG)) as running:
        yield running


def test_it_is_a_real_server_on_loopback(server: MiddlePlatformServer):
    class WallClock(Clock):
        def __call__(self) -> float:
            return datetime.now(PARK_TIME_ZONE).timestamp()

    with httpx.Client(base_url=server.base_url, trust_env=False) as http:
        assert http.get("/healthz").json()["data"] == {"status": "正常"}
        assert len(Client(http, WallClock()).all_pages(ENTERPRISES, page_size="4")) == 15


def test_a_taken_port_is_reported(server: MiddlePlatformServer):
    port = int(server.base_url.rsplit(":", 1)[1])
    with (
        pytest.raises(ConnectionError, match="port"),
        MiddlePlatformServer(MiddlePlatformConfig(**CONFIG), port=port),
    ):
        pass
