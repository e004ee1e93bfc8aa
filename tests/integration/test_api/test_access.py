from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from api.tokens.errors import TokenRequestError
from api.tokens.schemas import Scope
from api.tokens.service import create_token, list_tokens, revoke_token
from lakehouse.warehouse import Role
from security.key_provider import KeyPurpose, KeyState

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration
OPEN = {"/livez", "/readyz", "/v1/map/tiles/{z}/{x}/{y}.png"}


def status(park: Park, text: str) -> int:
    caller = TestClient(park.application, headers={"Authorization": f"Bearer {text}"})
    return caller.get("/v1/marts").status_code


def test_everything_but_health_and_tiles_asks_for_a_token(park: Park):
    document = park.application.openapi()
    stranger = park.client()
    asked = 0
    for path, operations in document["paths"].items():
        for method in operations:
            address = re.sub(r"{\w+}", "2026-03-01", path)
            body = {"kind": "k", "subject": "s", "verdict": "v", "reason": "r"} if method == "post" else None
            answer = stranger.request(method, address, json=body)
            if path in OPEN:
                assert answer.status_code != 401, path
            else:
                assert (answer.status_code, answer.json()["code"]) == (401, "token.missing"), path
                assert answer.headers["www-authenticate"].startswith("Bearer")
                asked += 1
    assert asked >= 15


def test_a_token_opens_its_scopes_only(park: Park):
    addresses = {
        Scope.MARTS_READ: "/v1/marts",
        Scope.METRICS_READ: "/v1/metrics",
        Scope.DECISIONS_READ: "/v1/decisions",
        Scope.MAP_READ: "/v1/map/layers",
        Scope.REPORTS_READ: "/v1/reports",
    }
    for scope in Scope:
        caller = park.client(scope)
        opened = {each for each, address in addresses.items() if caller.get(address).status_code == 200}
        assert opened == {scope} & addresses.keys()


def test_a_token_ends_when_it_expires_or_is_revoked(park: Park):
    _, short = park.token(Scope.MARTS_READ, expires_at=park.clock() + timedelta(hours=1))
    token_id, text = park.token(Scope.MARTS_READ)
    assert (status(park, short), status(park, text)) == (200, 200)
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        revoked = revoke_token(connection, token_id, now=park.clock())
    assert revoked.revoked_at == park.clock()
    park.clock.now += timedelta(hours=1)
    assert (status(park, short), status(park, text)) == (401, 401)
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        again = revoke_token(connection, token_id, now=park.clock())
    assert again.revoked_at == revoked.revoked_at


def test_a_rotated_key_keeps_tokens_and_a_destroyed_one_ends_them(park: Park):
    _, text = park.token(Scope.MARTS_READ)
    before = park.keys.active(KeyPurpose.TOKEN).key_id
    park.keys.rotate(KeyPurpose.TOKEN)
    assert status(park, text) == 200
    assert status(park, park.token(Scope.MARTS_READ)[1]) == 200
    park.keys.change_state(before, KeyState.DESTROYED)
    assert status(park, text) == 401


@pytest.mark.parametrize("kind", ["garbage", "other_secret", "other_id", "upper", "empty"])
def test_an_altered_token_opens_nothing(park: Park, kind: str):
    token_id, text = park.token(Scope.MARTS_READ)
    other_id, _ = park.token(Scope.MARTS_READ)
    altered = {
        "garbage": "park_x",
        "other_secret": text[:-1] + ("0" if text[-1] != "0" else "1"),
        "other_id": text.replace(token_id, other_id),
        "upper": text.upper(),
        "empty": "",
    }[kind]
    assert status(park, altered) == 401


def test_the_table_holds_no_secret(park: Park):
    token_id, text = park.token(Scope.MARTS_READ)
    secret = text.rsplit("_", 1)[1]
    rows = park.warehouse.read(Role.PUBLISHER, "select t::text as line from ops.api_tokens as t")["line"]
    assert any(token_id in line for line in rows)
    assert not any(secret in line or secret[:16] in line for line in rows)
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        assert token_id in {token.token_id for token in list_tokens(connection)}


@pytest.mark.parametrize(
    "asked", [{"name": " "}, {"scopes": []}, {"scopes": ["marts:write"]}, {"expires_at": "past"}, {"name": "a\nb"}]
)
def test_a_token_that_makes_no_sense_is_not_made(park: Park, asked: dict):
    if "expires_at" in asked:
        asked = {"expires_at": park.clock()}
    wanted = {"name": "系统", "scopes": [Scope.MARTS_READ], **asked}
    with pytest.raises(TokenRequestError), park.warehouse.connect(Role.PUBLISHER) as connection:
        create_token(connection, park.keys, now=park.clock(), **wanted)


def test_an_unknown_token_cannot_be_revoked(park: Park):
    with pytest.raises(TokenRequestError), park.warehouse.connect(Role.PUBLISHER) as connection:
        revoke_token(connection, "0123456789abcdef", now=park.clock())


def test_each_answer_carries_the_request_id_of_its_log_line(reader: TestClient, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "park.api"):
        answer = reader.get("/v1/marts/none/rows?contact=张三", headers={"X-Request-Id": "call-7"})
        made_up = reader.get("/livez", headers={"X-Request-Id": "bad id\t"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "call-7"
    assert re.fullmatch("[0-9a-f]{32}", made_up.headers["x-request-id"])
    fields = [record.fields for record in caplog.records if record.message == "request"]
    assert (fields[0]["request_id"], fields[0]["status"], fields[0]["caller"]) == ("call-7", 404, "测试系统")
    assert "张三" not in str(fields)


def test_unknown_addresses_and_methods_are_problems_too(reader: TestClient):
    assert reader.get("/v2/marts").json()["code"] == "http.not_found"
    refused = reader.delete("/v1/marts")
    assert (refused.status_code, refused.json()["code"]) == (405, "http.method_not_allowed")
    assert refused.headers["allow"] == "GET"


def test_a_body_without_end_is_not_read(park: Park):
    caller = park.client(Scope.DECISIONS_WRITE)
    assert caller.post("/v1/decisions", content=b"x" * 1_000_001).status_code == 413
    assert caller.post("/v1/decisions", content=iter([b"{}"])).status_code == 413


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [("http://127.0.0.1:8088", True), ("http://localhost:9000", True), ("http://127.0.0.1.evil.example", False)],
)
def test_pages_of_this_machine_may_read_and_others_may_not(reader: TestClient, origin: str, is_allowed: bool):
    answer = reader.get("/v1/marts", headers={"Origin": origin})
    assert (answer.headers.get("access-control-allow-origin") == origin) is is_allowed
