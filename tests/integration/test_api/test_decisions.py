from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.decisions.schemas import NewDecision
from api.decisions.service import list_decisions, record_decision
from api.tokens.schemas import Scope
from lakehouse.warehouse import Role

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def caller(park: Park) -> TestClient:
    return park.client(Scope.DECISIONS_READ, Scope.DECISIONS_WRITE, name="值班系统")


@pytest.fixture
def subject() -> str:
    return f"E-{uuid.uuid4()}"


def decision(subject: str, **changes: object) -> dict[str, object]:
    return {
        "kind": "warning_acknowledgement",
        "subject": subject,
        "verdict": "acknowledged",
        "reason": "已通知装置值班员",
        **changes,
    }


def test_a_decision_is_kept_with_who_when_and_why(park: Park, caller: TestClient, subject: str):
    answer = caller.post("/v1/decisions", json=decision(subject, decided_by="王值班"))
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert (kept["decided_by"], kept["recorded_by"], kept["reason"]) == ("王值班", "值班系统", "已通知装置值班员")
    assert kept["decided_at"] == "2026-03-05T04:00:00Z"
    assert kept["is_standing"] is True
    assert caller.get(answer.headers["location"]).json() == kept
    assert caller.get("/v1/decisions", params={"subject": subject}).json()["decisions"] == [kept]


def test_without_a_person_the_token_decides(caller: TestClient, subject: str):
    assert caller.post("/v1/decisions", json=decision(subject)).json()["decided_by"] == "值班系统"


def test_a_change_of_mind_supersedes_and_leaves_the_first_decision_in_place(caller: TestClient, subject: str):
    first = caller.post("/v1/decisions", json=decision(subject)).json()
    second = caller.post(
        "/v1/decisions", json=decision(subject, verdict="false_alarm", supersedes=first["decision_id"])
    ).json()
    listed = caller.get("/v1/decisions", params={"kind": "warning_acknowledgement", "subject": subject}).json()
    assert [(each["decision_id"], each["is_standing"]) for each in listed["decisions"]] == [
        (second["decision_id"], True),
        (first["decision_id"], False),
    ]
    standing = caller.get("/v1/decisions", params={"subject": subject, "standing": "true"}).json()["decisions"]
    assert [each["verdict"] for each in standing] == ["false_alarm"]


def test_a_second_decision_must_say_what_it_replaces(caller: TestClient, subject: str):
    first = caller.post("/v1/decisions", json=decision(subject)).json()["decision_id"]
    refused = caller.post("/v1/decisions", json=decision(subject, verdict="false_alarm"))
    assert (refused.status_code, refused.json()["code"]) == (409, "decision.already_decided")
    assert refused.json()["standing"] == first
    assert first in refused.json()["remedy"]
    caller.post("/v1/decisions", json=decision(subject, supersedes=first))
    outdated = caller.post("/v1/decisions", json=decision(subject, supersedes=first, verdict="false_alarm"))
    assert (outdated.status_code, outdated.json()["code"]) == (409, "decision.outdated")


@pytest.mark.parametrize("other", ["unknown", "other_subject", "other_kind", "itself"])
def test_only_a_decision_on_the_same_matter_can_be_superseded(caller: TestClient, subject: str, other: str):
    own_id = str(uuid.uuid4())
    superseded = {
        "unknown": lambda: str(uuid.uuid4()),
        "itself": lambda: own_id,
        "other_subject": lambda: caller.post("/v1/decisions", json=decision(subject + "x")).json()["decision_id"],
        "other_kind": lambda: caller.post(
            "/v1/decisions", json=decision(subject, kind="score_objection", verdict="upheld")
        ).json()["decision_id"],
    }[other]()
    answer = caller.post("/v1/decisions", json=decision(subject, decision_id=own_id, supersedes=superseded))
    assert (answer.status_code, answer.json()["code"]) == (409, "decision.outdated")
    listed = caller.get("/v1/decisions", params={"subject": subject, "kind": "warning_acknowledgement"})
    assert listed.json()["decisions"] == []


def test_a_repeated_request_is_recorded_once(caller: TestClient, subject: str):
    asked = decision(subject, decision_id=str(uuid.uuid4()))
    first, again = caller.post("/v1/decisions", json=asked), caller.post("/v1/decisions", json=asked)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = caller.post("/v1/decisions", json={**asked, "reason": "另一个理由"})
    assert (other.status_code, other.json()["code"]) == (409, "decision.id_taken")


def test_of_many_who_decide_at_once_one_decides(park: Park, caller: TestClient, subject: str):
    statuses: list[int] = []
    barrier = threading.Barrier(6)

    def decide() -> None:
        barrier.wait()
        statuses.append(caller.post("/v1/decisions", json=decision(subject)).status_code)

    threads = [threading.Thread(target=decide) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "whim"}, "decision.invalid"),
        ({"verdict": "upheld"}, "decision.invalid"),
        ({"reason": "  "}, "request.invalid"),
        ({"subject": "a\x00b"}, "request.invalid"),
        ({"decided_at": "2020-01-01T00:00:00Z"}, "request.invalid"),
        ({"supersedes": "x"}, "request.invalid"),
    ],
)
def test_malformed_decisions_are_refused(caller: TestClient, subject: str, changes: dict, code: str):
    answer = caller.post("/v1/decisions", json={**decision(subject), **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_pages_of_decisions_lead_on(caller: TestClient, subject: str):
    standing = None
    for _ in range(5):
        answer = caller.post("/v1/decisions", json=decision(subject, supersedes=standing))
        standing = answer.json()["decision_id"]
    found: list[int] = []
    following: str | None = f"/v1/decisions?subject={subject}&limit=2"
    while following:
        page = caller.get(following).json()
        found += [each["sequence"] for each in page["decisions"]]
        following = page["next"]
    assert found == sorted(found, reverse=True)
    assert len(found) == 5


def test_the_command_line_records_through_the_same_function(park: Park, subject: str):
    new = NewDecision(kind="rule_adoption", subject=subject, verdict="adopted", reason="试运行一月无误报")
    with park.warehouse.connect(Role.API) as connection:
        kept, is_new = record_decision(connection, new, recorded_by="park decide", now=park.clock())
    with park.warehouse.connect(Role.API) as connection:
        assert list_decisions(connection, subject=subject) == [kept]
    assert is_new
    assert kept.decided_by == "park decide"


@pytest.mark.parametrize(
    "statement", ["update ops.decisions set reason = 'x'", "delete from ops.decisions", "truncate ops.decisions"]
)
@pytest.mark.parametrize("role", [Role.API, Role.PUBLISHER])
def test_nobody_changes_a_decision(park: Park, caller: TestClient, subject: str, statement: str, role: Role):
    caller.post("/v1/decisions", json=decision(subject))
    with pytest.raises(psycopg.errors.InsufficientPrivilege), park.warehouse.connect(role) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.API, "insert into ops.api_tokens (token_id) values ('x')"),
        (Role.API, "update ops.api_tokens set revoked_at = null"),
        (Role.API, "select 1 from published.publications"),
        (Role.API, "select 1 from raw.anything"),
        (Role.READER, "select 1 from ops.decisions"),
        (Role.READER, "select 1 from ops.api_tokens"),
        (Role.BUILDER, "select 1 from ops.api_tokens"),
    ],
)
def test_each_role_sees_its_own_room_only(park: Park, role: Role, statement: str):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), park.warehouse.connect(role) as connection:
        connection.execute(statement)


def test_dbt_reads_decisions_as_one_more_source(park: Park):
    assert park.warehouse.read(Role.BUILDER, "select count(*) from ops.decisions").height == 1
