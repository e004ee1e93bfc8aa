from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import httpx
import polars as pl
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.marts.filters import OPERATORS
from api.tokens.schemas import Scope
from lakehouse.warehouse import Role

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration
HOURLY = "/v1/marts/fct_air_quality_hourly"
ENTRIES = "/v1/marts/fct_gate_entries"


def rows(client: TestClient, address: str) -> list[dict]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def all_pages(client: TestClient, address: str) -> list[dict]:
    found: list[dict] = []
    following: str | None = address
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["row_count"] == len(page["rows"]) > 0
        found += page["rows"]
        following = page["next"]
        assert ('rel="next"' in answer.headers.get("link", "")) is (following is not None)
    return found


def problem(answer: httpx.Response, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"]) == (code, status)
    assert body["type"] == f"urn:park:problem:{code}"
    assert all(body[member] for member in ("title", "detail", "remedy", "instance", "request_id"))
    return body


def test_the_list_names_each_published_mart_with_its_age(reader: TestClient):
    marts = {mart["mart"]: mart for mart in reader.get("/v1/marts").json()["marts"]}
    assert "not_in_the_ledger" not in marts
    hourly = marts["fct_air_quality_hourly"]
    assert hourly["label_zh"] == "空气质量小时值"
    assert hourly["grain"].startswith("One row per station per hour.")
    assert (hourly["row_count"], hourly["data_until"]) == (1200, "2026-03-05T03:00:00Z")
    assert marts["dim_zones"]["is_held"] is True


def test_the_dictionary_gives_type_unit_label_and_values(reader: TestClient):
    answer = reader.get(f"{HOURLY}/columns").json()
    columns = {column["name"]: column for column in answer["columns"]}
    assert answer["key"] == ["station_id", "measured_at"]
    assert columns["pm25_ug_per_m3"]["type"] == "double precision"
    assert columns["pm25_ug_per_m3"]["unit_symbol"] == "µg/m³"
    assert columns["aqi_level"]["values"][0]["zh"] == "优"
    assert columns["measured_at"]["is_nullable"] is False


@pytest.mark.parametrize(
    "mart",
    [
        "not_in_the_ledger",
        "publications",
        "pg_class",
        "marts.fct",
        "x'; drop table published.dim_zones; --",
        "%00",
        "ops.api_tokens",
    ],
)
@pytest.mark.parametrize("view", ["rows", "columns"])
def test_only_published_marts_can_be_named(reader: TestClient, mart: str, view: str):
    body = problem(reader.get(f"/v1/marts/{mart}/{view}"), 404, "mart.unknown")
    assert "dim_zones" in body["available"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("pm25=3", "pm25"), ("pm25__gte=3", "pm25__gte"), ("columns=aqi,pm25", "columns"), ("order=-pm25", "order")],
)
def test_an_unknown_column_is_named_with_those_that_exist(reader: TestClient, query: str, parameter: str):
    body = problem(reader.get(f"{HOURLY}/rows?{query}"), 400, "column.unknown")
    assert (body["column"], body["parameter"]) == ("pm25", parameter)
    assert "pm25_ug_per_m3" in body["available"]
    assert "pm25_ug_per_m3" in body["remedy"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("station_id=A02", 400),
        ("station_id__in=A01,A03", 800),
        ("station_id__in=A01&station_id__in=A03", 800),
        ("aqi__is_null=true", 48),
        ("aqi__is_null=false", 1152),
        ("primary_pollutants=PM₂.₅", 400),
        ("business_date=2026-03-01", 72),
        ("business_date__gte=2026-03-01&business_date__lt=2026-03-02", 72),
        ("measured_at__gte=2026-03-01T00:00:00&measured_at__lt=2026-03-02", 72),  # park time
        ("measured_at__gte=2026-02-28T16:00:00Z&measured_at__lte=2026-03-01T15:00:00%2B00:00", 72),
        ("measured_at=2026-03-01T08:00:00+08:00", 3),  # the plus sign was not escaped
        ("pm25_ug_per_m3__gt=11.4", 48),
        ("aqi__gte=99999999999999999999", 0),
        ("pm25_ug_per_m3__lt=-1e300", 0),
        ("station_id=A01&aqi__gte=30&aqi__lte=31", 17),
    ],
)
def test_filters_choose_rows(reader: TestClient, query: str, expected: int):
    assert len(rows(reader, f"{HOURLY}/rows?{query}&limit=10000")) == expected


@pytest.mark.parametrize(
    "query",
    [
        "aqi=high", "aqi=1.5", "aqi=", "aqi=１", "aqi=1_0", "business_date=2026-02-30", "measured_at__gte=yesterday",
        "pm25_ug_per_m3=NaN", "pm25_ug_per_m3=1e999", "aqi__like=1", "aqi__is_null=maybe", "station_id__in=",
        "station_id=A01&station_id=A02", "station_id=A%0001",
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_understood_is_refused_with_its_name(reader: TestClient, query: str):
    body = problem(reader.get(f"{HOURLY}/rows?{query}"), 400, "filter.invalid")
    assert query.split("=", maxsplit=1)[0] in body["detail"]


@pytest.mark.parametrize(
    "order",
    ["", "order=measured_at", "order=-aqi", "order=aqi,-station_id", "order=-primary_pollutants,pm25_ug_per_m3"],
)
def test_pages_hold_every_row_once_and_in_order(reader: TestClient, order: str):
    paged = all_pages(reader, f"{HOURLY}/rows?limit=97&{order}")
    assert paged == rows(reader, f"{HOURLY}/rows?limit=10000&{order}")
    keys = [(row["station_id"], row["measured_at"]) for row in paged]
    assert len(set(keys)) == len(keys) == 1200
    if order == "":
        assert keys == sorted(keys)
    if order == "order=-aqi":
        values = [row["aqi"] for row in paged]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=True)
        assert values[len(known) :] == [None] * 48


def test_a_page_after_a_new_publication_is_refused_instead_of_mixed(park: Park, reader: TestClient):
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("create table published.dim_zones__next (like published.dim_zones)")
        connection.execute("insert into published.dim_zones__next select * from published.dim_zones")
        connection.execute("insert into published.dim_zones values ('Z2', '二区', '{}', 'synthetic')")
    following = reader.get("/v1/marts/dim_zones/rows?limit=1").json()["next"]
    with park.warehouse.connect(Role.PUBLISHER) as connection:
        connection.execute("drop table published.dim_zones")
        connection.execute("alter table published.dim_zones__next rename to dim_zones")
    problem(reader.get(following), 409, "page.outdated")


@pytest.mark.parametrize("after", ["", "x", "bm90IGpzb24", "W10", "W251bGwsIiIsW10sIigwLDEpIl0"])
def test_a_forged_page_mark_is_refused(reader: TestClient, after: str):
    problem(reader.get(f"{HOURLY}/rows?after={after}"), 400, "page.invalid")


def test_a_page_mark_belongs_to_its_order(reader: TestClient):
    following = reader.get(f"{HOURLY}/rows?limit=1&order=aqi").json()["next"]
    problem(reader.get(following.replace("order=aqi", "order=-aqi")), 400, "page.invalid")


def test_columns_come_as_chosen_and_the_worst_origin_is_told_all_the_same(reader: TestClient):
    answer = reader.get(f"{HOURLY}/rows?columns=aqi,station_id&limit=2")
    assert answer.json()["columns"] == list(answer.json()["rows"][0]) == ["aqi", "station_id"]
    assert answer.json()["data_origin"] == answer.headers["park-data-origin"] == "replayed"


def test_every_format_carries_the_same_rows(reader: TestClient):
    query = "columns=station_id,measured_at,business_date,aqi,pm25_ug_per_m3&order=measured_at,station_id"
    expected = rows(reader, f"{HOURLY}/rows?{query}&limit=10000")
    arrow = pa.ipc.open_stream(reader.get(f"{HOURLY}/rows?{query}&format=arrow").content).read_all()
    parquet = pl.read_parquet(io.BytesIO(reader.get(f"{HOURLY}/rows?{query}&format=parquet").content))
    text = reader.get(f"{HOURLY}/rows?{query}", headers={"Accept": "text/csv"}).text
    assert arrow.schema.metadata[b"data_origin"] == b"replayed"
    assert pl.DataFrame(pl.from_arrow(arrow)).equals(parquet)
    assert parquet["measured_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_list() == [
        row["measured_at"] for row in expected
    ]
    assert parquet["aqi"].to_list() == [row["aqi"] for row in expected]
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["measured_at"] for line in lines] == [row["measured_at"] for row in expected]
    assert [line["aqi"] for line in lines] == ["" if row["aqi"] is None else str(row["aqi"]) for row in expected]
    assert [float(line["pm25_ug_per_m3"]) for line in lines] == [row["pm25_ug_per_m3"] for row in expected]


def test_a_csv_for_excel_begins_with_a_byte_order_mark_and_survives_awkward_text(reader: TestClient):
    answer = reader.get(f"{ENTRIES}/rows?format=csv&bom=true&columns=entry_id,note,deposit_yuan,tags,entered_at")
    assert answer.content.startswith(b"\xef\xbb\xbfentry_id,note,")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="fct_gate_entries.csv"' in answer.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert lines[1] == ["1", '含逗号, "引号"\n和换行', "1234567890.10", "{a,b}", "2026-03-01T08:00:00.5"]
    assert lines[2] == ["2", "", "", "", ""]


def test_an_empty_selection_is_a_valid_file_in_every_format(reader: TestClient):
    query = f"{HOURLY}/rows?station_id=none"
    assert rows(reader, query) == []
    assert reader.get(f"{query}&format=csv&columns=aqi").text == "aqi\r\n"
    assert pl.read_parquet(io.BytesIO(reader.get(f"{query}&format=parquet").content)).height == 0
    assert pa.ipc.open_stream(reader.get(f"{query}&format=arrow").content).read_all().num_rows == 0


def test_json_shows_odd_types_and_no_infinities(reader: TestClient):
    first, second, third = rows(reader, f"{ENTRIES}/rows?order=entry_id")
    assert first["deposit_yuan"] == 1234567890.1
    assert (first["tags"], first["details"]) == (["a", "b"], {"k": 1})
    assert first['odd "name'] == "x"
    assert second["ratio"] is None
    assert third["ratio"] is None


def test_a_column_named_like_a_parameter_can_still_be_filtered(reader: TestClient):
    assert [row["entry_id"] for row in rows(reader, f"{ENTRIES}/rows?limit__eq=8")] == [2]
    assert len(rows(reader, f"{ENTRIES}/rows?limit=2")) == 2


def personal_texts(client: TestClient, extra: str) -> str:
    answer = client.get(f"{ENTRIES}/rows?order=entry_id{extra}")
    assert answer.status_code == 200
    if "parquet" in extra:
        return str(pl.read_parquet(io.BytesIO(answer.content)).to_dicts())
    if "arrow" in extra:
        return str(pa.ipc.open_stream(answer.content).read_all().to_pylist())
    return answer.text


@pytest.mark.parametrize("extra", ["", "&format=csv", "&format=parquet", "&format=arrow"])
def test_personal_columns_leave_masked_or_not_at_all(reader: TestClient, extra: str):
    text = personal_texts(reader, extra)
    assert "欧阳**" in text
    assert "138****5678" in text
    assert "欧阳建国" not in text
    assert "13812345678" not in text
    assert "id_number_digest" not in text


@pytest.mark.parametrize(
    "query",
    ["contact_phone=13812345678", "worker_name__gte=李", "order=worker_name", "id_number_digest=ab", "columns=phone",
     "contact_phone__is_null=true"],
)  # fmt: skip
def test_personal_columns_cannot_be_guessed_through_filters_or_order(reader: TestClient, query: str):
    problem(reader.get(f"{ENTRIES}/rows?{query}"), 403, "column.personal")


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=-1", "format=xml", "columns=aqi&order=aqi,aqi"])
def test_parameters_out_of_range_are_refused(reader: TestClient, query: str):
    problem(reader.get(f"{HOURLY}/rows?{query}"), 400, "selection.invalid")


def test_a_media_type_that_is_not_offered_is_refused_and_a_browser_gets_json(reader: TestClient):
    problem(reader.get(f"{HOURLY}/rows", headers={"Accept": "application/xml"}), 406, "format.not_offered")
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    answer = reader.get(f"{HOURLY}/rows?limit=1", headers={"Accept": browser})
    assert answer.headers["content-type"] == "application/json"


def test_files_take_no_page_mark(reader: TestClient):
    following = reader.get(f"{HOURLY}/rows?limit=1").json()["next"]
    problem(reader.get(f"{following}&format=csv"), 400, "selection.invalid")


def test_an_unchanged_answer_is_not_sent_again(reader: TestClient):
    first = reader.get(f"{HOURLY}/rows?limit=1")
    tagged = {"If-None-Match": first.headers["etag"]}
    assert reader.get(f"{HOURLY}/rows?limit=1", headers=tagged).status_code == 304
    assert reader.get(f"{HOURLY}/rows?limit=2", headers=tagged).status_code == 200
    assert reader.get(f"{HOURLY}/rows?limit=1&format=csv", headers=tagged).status_code == 200


NAMES = st.one_of(
    st.sampled_from(
        ["columns", "order", "after", "format", "station_id", "aqi", "measured_at", "contact_phone", "tags"]
    ),
    st.text(max_size=30),
    st.tuples(st.sampled_from(["aqi", "run", "details", 'odd "name', "x"]), st.sampled_from([*OPERATORS, "or"])).map(
        "__".join
    ),
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["1 or 1=1", "'; drop table published.dim_zones; --", "ctid", "aqi;--", "{0}", "%s", "%(x)s", "\\'", '"']
    ),
    st.integers().map(str),
    st.datetimes().map(str),
    st.floats().map(str),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mart=st.sampled_from(["fct_air_quality_hourly", "fct_gate_entries"]), name=NAMES, value=VALUES)
def test_no_parameter_breaks_the_query_or_reaches_beyond_it(reader: TestClient, mart: str, name: str, value: str):
    answer = reader.get(f"/v1/marts/{mart}/rows", params={name: value, "limit": "3"})
    assert answer.status_code in (200, 400, 403, 422), answer.text
    assert "unpublished" not in answer.text
    assert "13812345678" not in answer.text


def test_another_scope_does_not_open_marts(park: Park):
    body = problem(park.client(Scope.METRICS_READ).get("/v1/marts"), 403, "token.scope_missing")
    assert body["scope"] == "marts:read"
