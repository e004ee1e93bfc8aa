from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.application import create_application
from api.operations import prepare_operations
from lakehouse.warehouse import Role, Warehouse

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration


def test_a_published_park_is_ready(park: Park):
    answer = park.client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["warehouse"]) == (200, "ok：已发布 5 个数据集")


def test_before_the_first_publication_it_is_not_ready_and_says_why(park: Park):
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("alter table published.publications rename to publications_away")
    try:
        answer = park.client().get("/readyz")
    finally:
        with park.warehouse.connect(Role.PUBLISHER) as connection:
            connection.execute("alter table published.publications_away rename to publications")
    assert (answer.status_code, answer.json()["code"]) == (503, "service.not_ready")
    assert "尚未发布任何数据集" in answer.json()["detail"]


def test_without_a_database_it_lives_says_so_and_recovers_nothing_by_guessing(park: Park):
    nowhere = Warehouse(sa.URL.create("postgresql+psycopg", "u", "p", "127.0.0.1", 1, "park"), park.warehouse.home)
    application = create_application(nowhere, park.artifacts, park.keys, clock=park.clock)
    caller = TestClient(
        application,
        headers={"Authorization": "Bearer park_0123456789abcdef_" + "0" * 64},
        raise_server_exceptions=False,
    )
    assert caller.get("/livez").json() == {"status": "ok"}
    assert caller.get("/readyz").status_code == 503
    answer = caller.get("/v1/marts")
    assert (answer.status_code, answer.json()["code"]) == (503, "warehouse.unreachable")
    assert answer.headers["retry-after"] == "5"


def test_preparing_again_changes_nothing(park: Park):
    before = park.warehouse.read(Role.PUBLISHER, "select count(*) as n from ops.api_tokens")["n"][0]
    park.warehouse.prepare()
    prepare_operations(park.warehouse)
    assert park.warehouse.read(Role.PUBLISHER, "select count(*) as n from ops.api_tokens")["n"][0] == before
    assert park.client().get("/readyz").status_code == 200
