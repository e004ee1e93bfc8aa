"""One hourly value, followed from its archive file through every layer to everything that people open.

The expected numbers are computed here from the archive file itself, with plain arithmetic, not by our own code.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from api.tokens.schemas import Scope
from api.tokens.service import create_token
from ingestion.source_file import load_sources
from lakehouse.artifacts import ArtifactStore
from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE, PROJECT_ROOT
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from orchestration.platform import open_keys
from tests.end_to_end.conftest import RunningPlatform, park

STATION = "A01"
PM25 = "a34004"


@dataclass(frozen=True)
class OneReading:
    """The newest PM2.5 reading of a station on the last full day, as the archive file holds it."""

    day: date
    moment: datetime
    value: float
    uri: str
    row_number: int
    day_mean: float


@pytest.fixture(scope="module")
def warehouse(platform: RunningPlatform) -> Iterator[Warehouse]:
    with open_warehouse(platform.settings, platform.home) as opened:
        yield opened


@pytest.fixture(scope="module")
def reading(platform: RunningPlatform) -> OneReading:
    day = platform.settings.last_full_day
    root = platform.home.source_systems / "iot_archive"
    path = root / "air_readings" / f"{day:%Y}" / f"{day}.parquet"
    rows = pl.read_parquet(path).with_row_index("row", offset=1)
    mine = rows.filter(station_id_iot=STATION, factor_code=PM25).sort("measured_at")
    newest = mine.row(-1, named=True)
    return OneReading(
        day=day,
        moment=newest["measured_at"].astimezone(UTC),
        value=newest["value"],
        uri=path.relative_to(root).as_posix(),
        row_number=newest["row"],
        day_mean=math.fsum(mine["value"]) / mine.height,
    )


@pytest.fixture(scope="module")
def api(platform: RunningPlatform, warehouse: Warehouse) -> Iterator[httpx.Client]:
    keys = open_keys(platform.settings, platform.home)
    scopes = [Scope.MARTS_READ, Scope.METRICS_READ, Scope.MAP_READ, Scope.REPORTS_READ]
    with warehouse.connect(Role.PUBLISHER) as connection:
        made = create_token(connection, keys, name="end to end", scopes=scopes, now=platform.settings.present)
    origin = platform.addresses["api"].removesuffix("/docs")
    with httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {made.text}"}, timeout=30) as client:
        yield client


def test_it_lies_in_bronze_with_file_and_row(platform: RunningPlatform, reading: OneReading) -> None:
    table = f"bronze/{load_sources()['iot_archive'].slug('air_readings')}"
    rows = Lake(platform.home.lake).query(
        "select value, _source_uri, _row_number from landed where station_id_iot = ? and factor_code = ? "
        "and measured_at = ? order by _loaded_at desc limit 1",
        {"landed": table},
        [STATION, PM25, reading.moment],
    )
    assert rows.rows() == [(reading.value, reading.uri, reading.row_number)]


def test_readers_see_it_in_the_published_hour_and_day(warehouse: Warehouse, reading: OneReading) -> None:
    hour = warehouse.read(
        Role.READER,
        "select pm25_ug_per_m3, business_date, data_origin from published.fct_air_quality_hourly "
        "where station_id = %s and measured_at = %s",
        (STATION, reading.moment),
    ).row(0, named=True)
    assert hour["pm25_ug_per_m3"] == reading.value
    assert hour["business_date"] == reading.day
    day = warehouse.read(
        Role.READER,
        "select pm25_ug_per_m3 from published.fct_air_quality_daily where station_id = %s and business_date = %s",
        (STATION, reading.day),
    )
    assert day["pm25_ug_per_m3"][0] == pytest.approx(reading.day_mean, abs=1e-9)


def test_other_teams_read_it_from_the_api(api: httpx.Client, reading: OneReading) -> None:
    answer = api.get(
        "/v1/marts/fct_air_quality_hourly/rows",
        params={"station_id": STATION, "measured_at": reading.moment.isoformat(), "columns": "pm25_ug_per_m3"},
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    assert [row["pm25_ug_per_m3"] for row in answer.json()["rows"]] == [reading.value]


def test_the_map_layer_shows_the_station(api: httpx.Client) -> None:
    layer = api.get("/v1/map/layers/monitoring_stations.geojson").raise_for_status().json()
    shown = [feature for feature in layer["features"] if STATION in json.dumps(feature["properties"])]
    assert len(shown) == 1


def test_the_signed_report_prints_the_mean_of_its_day(
    platform: RunningPlatform, warehouse: Warehouse, reading: OneReading, tmp_path: Path
) -> None:
    row = warehouse.read(
        Role.READER,
        "select artifact from published.reports where report_name = 'air_quality_daily' and business_date = %s "
        "and is_current",
        (reading.day,),
    )
    pdf = ArtifactStore(platform.home.artifacts).root / row["artifact"][0]
    verified = subprocess.run(park("reports", "verify", str(pdf)), capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    tampered = tmp_path / pdf.name
    tampered.write_bytes(pdf.read_bytes().replace(b"%PDF-1.7", b"%PDF-1.6", 1) + b"\n")
    signature = pdf.with_suffix(".sig.json")
    refused = subprocess.run(
        park("reports", "verify", str(tampered), str(signature)), capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    # In the table the station's name stands above its zone, and the figures on the line between the two.
    table_row = re.search(r"西北边界空气站\n(?P<figures>[^\n]*)\n *乙烯及衍生物区", text)
    assert table_row is not None, text
    so2, no2, co, o3, pm10, pm25, *_ = re.findall(r"[\d.]+(?= |▲|$)|—", table_row["figures"])
    assert pm25 == str(round(reading.day_mean)), (so2, no2, co, o3, pm10, pm25)


def test_the_trace_leads_from_the_figure_back_to_the_row(platform: RunningPlatform, reading: OneReading) -> None:
    command = park(
        "trace", "fct_air_quality_daily.pm25_ug_per_m3", f"station_id={STATION}", f"business_date={reading.day}"
    )
    traced = subprocess.run(command, capture_output=True, text=True, check=False)
    assert traced.returncode == 0, traced.stdout + traced.stderr
    assert f"{reading.uri}:{reading.row_number}" in traced.stdout
    for expected in ("park_overview/pm25_mean", "published.fct_air_quality_daily", "stg_air_quality__station_days"):
        assert expected in traced.stdout
    limit = "GB 3095-2026" if reading.day >= date(2026, 3, 1) else "GB 3095-2012"
    assert limit in traced.stdout


def test_a_report_and_a_chart_can_be_traced(reading: OneReading) -> None:
    for target in (f"report:air_quality_daily/{reading.day}", "chart:park_overview/pm25_mean"):
        traced = subprocess.run(park("trace", target), capture_output=True, text=True, check=False)
        assert traced.returncode == 0, traced.stdout + traced.stderr
        assert "fct_air_quality_daily" in traced.stdout


def test_dagster_knows_the_assets_and_their_last_run(platform: RunningPlatform) -> None:
    query = (
        '{ assetNodeOrError(assetKey: {path: ["published", "fct_air_quality_daily"]}) { ... on AssetNode { '
        "assetMaterializations(limit: 1) { timestamp } } } }"
    )
    answer = httpx.post(f"{platform.addresses['dagster']}/graphql", json={"query": query}, timeout=60).json()
    (event,) = answer["data"]["assetNodeOrError"]["assetMaterializations"]
    assert datetime.fromtimestamp(float(event["timestamp"]) / 1000, PARK_TIME_ZONE) > datetime.now(UTC) - timedelta(
        days=1
    )


def test_the_readme_names_commands_that_exist() -> None:
    shown = subprocess.run(park("--help"), capture_output=True, text=True, check=True, cwd=PROJECT_ROOT).stdout
    for command in ("run", "once", "trace", "quarantine", "reports", "tokens", "doctor"):
        assert command in shown
