from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from api.tokens.schemas import Scope

if TYPE_CHECKING:
    from tests.integration.test_api.conftest import Park

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def caller(park: Park) -> TestClient:
    return park.client(Scope.MAP_READ)


def test_the_list_tells_which_layers_have_data(park: Park, caller: TestClient):
    park.artifacts.write("map/tiles/12/3429/1679.png", b"png")
    body = caller.get("/v1/map/layers").json()
    layers = {layer["layer"]: layer for layer in body["layers"]}
    assert layers["zones"]["label_zh"] == "园区片区"
    assert {name: layer["is_available"] for name, layer in layers.items()} == {
        "zones": True,
        "monitoring_stations": True,
        "enterprises": False,
        "vehicles": False,
    }
    assert (body["base_map"]["tile_count"], body["base_map"]["zooms"]) == (1, [12])


def test_stations_carry_their_latest_level_in_its_colour_and_silent_ones_stay_grey(caller: TestClient):
    answer = caller.get("/v1/map/layers/monitoring_stations.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    stations = {feature["id"]: feature for feature in body["features"]}
    assert stations["A01"]["geometry"] == {"type": "Point", "coordinates": [121.41, 30.8]}
    good = stations["A01"]["properties"]
    assert (good["aqi"], good["colour"], good["aqi_level_label"]) == (63, "#FFFF00", "良")
    assert good["measured_at"] == "2026-03-05T03:00:00Z"
    for silent in ("A02", "A03"):
        properties = stations[silent]["properties"]
        assert (properties["aqi"], properties["colour"]) == (None, "#8c96a3")
    assert body["data_origin"] == "simulated"
    assert body["data_until"] == "2026-03-05T03:00:00+00:00"


def test_zones_carry_their_boundary(caller: TestClient):
    (zone,) = caller.get("/v1/map/layers/zones.geojson").json()["features"]
    assert zone["geometry"]["type"] == "Polygon"
    assert zone["properties"]["zone_name"] == "一区"


def test_a_layer_that_does_not_exist_differs_from_one_without_data(caller: TestClient):
    unknown = caller.get("/v1/map/layers/volcanoes.geojson")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "map.layer_unknown")
    unpublished = caller.get("/v1/map/layers/enterprises.geojson")
    assert (unpublished.status_code, unpublished.json()["code"]) == (404, "map.layer_not_published")
    assert "dim_enterprises" in unpublished.json()["detail"]


def test_an_unchanged_layer_is_not_sent_again(caller: TestClient):
    first = caller.get("/v1/map/layers/zones.geojson")
    again = caller.get("/v1/map/layers/zones.geojson", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_drawn_tile_is_kept_and_an_empty_one_is_asked_for_again_soon(park: Park):
    park.artifacts.write("map/tiles/12/3429/1680.png", b"a tile")
    stranger = park.client()
    drawn = stranger.get("/v1/map/tiles/12/3429/1680.png")
    assert (drawn.content, drawn.headers["park-tile"]) == (b"a tile", "drawn")
    assert drawn.headers["cache-control"] == "public, max-age=86400"
    empty = stranger.get("/v1/map/tiles/12/0/0.png")
    assert (empty.status_code, empty.headers["park-tile"]) == (200, "empty")
    assert empty.content.startswith(b"\x89PNG")
    assert empty.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("tile", ["3/8/0", "3/0/8", "3/-1/0", "25/0/0", "-1/0/0"])
def test_a_tile_outside_the_grid_does_not_exist(park: Park, tile: str):
    answer = park.client().get(f"/v1/map/tiles/{tile}.png")
    assert (answer.status_code, answer.json()["code"]) == (404, "map.tile_unknown")
