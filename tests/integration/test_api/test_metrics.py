from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from api.tokens.schemas import Scope
from semantic.catalogue import load_catalogue

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration
VALUES = "/v1/metrics/aqi_hourly_worst/values"


@pytest.fixture(scope="module")
def caller(park: Park) -> TestClient:
    return park.client(Scope.METRICS_READ)


def test_the_list_is_that_of_the_semantic_layer(caller: TestClient):
    metrics = {metric["name"]: metric for metric in caller.get("/v1/metrics").json()["metrics"]}
    assert metrics["aqi_hourly_worst"]["label_zh"] == "最差站点 AQI"
    assert metrics["aqi_hourly_worst"] == caller.get("/v1/metrics/aqi_hourly_worst").json()


def test_one_value_over_everything(caller: TestClient):
    body = caller.get(VALUES).json()
    # station 3 at hour 23: 20 + 3 · 7 + 23
    assert body["values"] == [{"value": 64, "data_origin": "replayed"}]
    assert (body["mart"], body["unit"], body["next"]) == ("fct_air_quality_hourly", "index", None)


def test_values_by_group_and_period_of_whole_park_days(caller: TestClient):
    body = caller.get(f"{VALUES}?by=zone_id,business_date&from=2026-03-01&to=2026-03-02").json()
    assert body["values"] == [
        {"zone_id": f"Z{zone}", "business_date": f"2026-03-0{day}", "value": value, "data_origin": origin}
        for zone, origin in ((1, "measured"), (2, "replayed"), (3, "replayed"))
        for day, value in ((1, 20 + zone * 7 + 23), (2, 20 + zone * 7 + 23))
    ]


def test_filters_apply_before_the_aggregate(caller: TestClient):
    body = caller.get(f"{VALUES}?station_id=A01&aqi__lt=45").json()
    assert body["values"] == [{"value": 44, "data_origin": "measured"}]


def test_a_coded_result_is_put_into_words(caller: TestClient):
    words = {term.value: term.zh for term in load_catalogue().vocabulary.values["data_origin"].items}
    body = caller.get("/v1/metrics/worst_data_origin/values?mart=fct_air_quality_hourly&by=zone_id").json()
    labels = [entry["value_label"] for entry in body["values"]]
    assert labels == [words["measured"], words["replayed"], words["replayed"]]


def test_no_rows_give_an_empty_value_and_no_zero(caller: TestClient):
    assert caller.get(f"{VALUES}?station_id=none").json()["values"] == [{"value": None, "data_origin": None}]
    assert caller.get(f"{VALUES}?station_id=none&by=zone_id").json()["values"] == []


def test_pages_of_groups_lead_on(caller: TestClient):
    found: list[str] = []
    following: str | None = f"{VALUES}?by=business_date&limit=7"
    while following:
        page = caller.get(following).json()
        found += [entry["business_date"] for entry in page["values"]]
        following = page["next"]
    assert found == sorted(set(found))
    assert len(found) == 18


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/v1/metrics/no_such/values", 404, "metric.unknown"),
        (f"{VALUES}?mart=dim_zones", 422, "metric.mart_not_offered"),
        ("/v1/metrics/pm25_daily_mean/values", 422, "metric.mart_not_offered"),
        (f"{VALUES}?by=colour", 400, "column.unknown"),
        (f"{VALUES}?by=data_origin", 400, "selection.invalid"),
        (f"{VALUES}?from=2026-03-02&to=2026-03-01", 400, "metric.period_invalid"),
        (f"{VALUES}?to=9999-12-31", 400, "metric.period_invalid"),
        (f"{VALUES}?from=soon", 422, "request.invalid"),
        (f"{VALUES}?limit=100000", 400, "selection.invalid"),
        (f"{VALUES}?offset=99999999999999999999", 400, "selection.invalid"),
        (f"{VALUES}?aqi=x", 400, "filter.invalid"),
    ],
)
def test_what_cannot_be_computed_is_refused(caller: TestClient, address: str, status: int, code: str):
    answer = caller.get(address)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["remedy"]
