from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

from api.tokens.schemas import Scope
from lakehouse.warehouse import Role
from security import sm3

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration
INDEX = """
create table published.reports (
    report_name text, title text, business_date date, version int, artifact text, signature_artifact text, sm3 text,
    data_until timestamptz, created_at timestamptz, release text, is_current boolean
)
"""
DAY = "/v1/reports/air_quality_daily/2026-03-04"


@pytest.fixture(scope="module")
def caller(park: Park) -> TestClient:
    return park.client(Scope.REPORTS_READ)


@pytest.fixture
def _issued(park: Park) -> Iterator[None]:
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute(INDEX)
        for version, is_current in ((1, False), (2, True)):
            name = f"reports/air_quality_daily/2026-03-04/v{version}.pdf"
            content = f"%PDF version {version}".encode()
            park.artifacts.write(name, content)
            signature = f"{name}.sig" if version == 2 else None
            if signature:
                park.artifacts.write(signature, b"signature")
            connection.execute(
                "insert into published.reports values "
                "('air_quality_daily', '空气质量日报', '2026-03-04', %s, %s, %s, %s, "
                "'2026-03-04T16:00Z', '2026-03-05T01:00Z', 'r1', %s)",
                (version, name, signature, sm3.digest(content).hex(), is_current),
            )
    yield
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("drop table published.reports")


def test_before_the_first_report_the_list_is_empty(caller: TestClient):
    assert caller.get("/v1/reports").json() == {"reports": [], "next": None}
    assert caller.get(f"{DAY}/current").status_code == 404


@pytest.mark.usefixtures("_issued")
def test_the_index_keeps_every_version_and_names_the_current_one(caller: TestClient):
    reports = caller.get("/v1/reports").json()["reports"]
    assert [(report["version"], report["is_current"]) for report in reports] == [(2, True), (1, False)]
    assert reports[1]["signature_url"] is None
    assert [report["version"] for report in caller.get("/v1/reports?current=true").json()["reports"]] == [2]
    assert caller.get("/v1/reports?from=2026-03-05").json()["reports"] == []
    page = caller.get("/v1/reports?limit=1").json()
    assert [report["version"] for report in caller.get(page["next"]).json()["reports"]] == [1]


@pytest.mark.usefixtures("_issued")
def test_pdf_and_signature_are_downloaded_by_version(caller: TestClient):
    current = caller.get(f"{DAY}/current").json()
    answer = caller.get(current["pdf_url"])
    assert (answer.content, answer.headers["content-type"]) == (b"%PDF version 2", "application/pdf")
    assert "空气质量日报_2026-03-04_第2版.pdf" in unquote(answer.headers["content-disposition"])
    assert caller.get(current["signature_url"]).content == b"signature"
    assert caller.get(f"{DAY}/1/pdf").content == b"%PDF version 1"
    unsigned = caller.get(f"{DAY}/1/signature")
    assert (unsigned.status_code, unsigned.json()["code"]) == (404, "report.unsigned")


@pytest.mark.usefixtures("_issued")
@pytest.mark.parametrize("version", ["3", "0", "latest", "99999999999999", "２"])
def test_a_version_that_was_not_issued_is_not_found(caller: TestClient, version: str):
    answer = caller.get(f"{DAY}/{version}/pdf")
    assert (answer.status_code, answer.json()["code"]) == (404, "report.unknown")


@pytest.mark.usefixtures("_issued")
def test_an_altered_or_lost_file_is_not_handed_out(park: Park, caller: TestClient):
    path = park.artifacts.write("reports/air_quality_daily/2026-03-04/v2.pdf", b"%PDF altered")
    altered = caller.get(f"{DAY}/2/pdf")
    assert (altered.status_code, altered.json()["code"]) == (500, "report.altered")
    path.unlink()
    assert caller.get(f"{DAY}/2/pdf").json()["code"] == "report.file_missing"
