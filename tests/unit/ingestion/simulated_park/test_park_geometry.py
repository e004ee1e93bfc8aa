"""The zones are a partition of the park, and the committed seeds say the same as the program."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import pytest
from shapely.geometry import Point, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from ingestion.simulated_park.air_factors import AIR_FACTORS
from ingestion.simulated_park.park_geometry import AIR_STATIONS, PARK_BOUNDARY, zone_at
from ingestion.simulated_park.reference_seeds import grids_csv, monitoring_stations_csv, zones_csv
from lakehouse.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project/seeds/reference"
SQUARE_METRES_PER_SQUARE_DEGREE = 110_860 * 95_730  # at 30.8° N


def read_seed(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((SEEDS / name).read_text("utf-8"))))


def square_metres(geometry: BaseGeometry) -> float:
    return geometry.area * SQUARE_METRES_PER_SQUARE_DEGREE


@pytest.fixture(scope="module")
def outlines():
    return {row["zone_id"]: shape(json.loads(row["boundary_geojson"])) for row in read_seed("ref_zones.csv")}


def test_there_are_eight_valid_zones(outlines: dict[str, Polygon]):
    assert list(outlines) == [f"Z{number}" for number in range(1, 9)]
    for outline in outlines.values():
        assert outline.geom_type == "Polygon"
        assert outline.is_valid
        assert outline.exterior.is_ccw
        assert square_metres(outline) > 1_000_000


def test_zones_cover_the_park_to_the_square_metre(outlines: dict[str, Polygon]):
    union = unary_union(list(outlines.values()))
    assert square_metres(PARK_BOUNDARY.symmetric_difference(union)) < 1
    assert square_metres(PARK_BOUNDARY) == pytest.approx(29.9e6, rel=0.01)


def test_no_two_zones_overlap(outlines: dict[str, Polygon]):
    for one, other in itertools.combinations(outlines.values(), 2):
        assert square_metres(one.intersection(other)) < 1


def test_sixteen_grids_divide_the_zones(outlines: dict[str, Polygon]):
    rows = read_seed("ref_grids.csv")
    assert [row["grid_id"] for row in rows] == [f"G-{number:02d}" for number in range(1, 17)]
    grids = {row["grid_id"]: shape(json.loads(row["boundary_geojson"])) for row in rows}
    assert all(grid.geom_type == "Polygon" and grid.is_valid and grid.exterior.is_ccw for grid in grids.values())
    for zone_id, outline in outlines.items():
        parts = [grids[row["grid_id"]] for row in rows if row["zone_id"] == zone_id]
        assert square_metres(outline.symmetric_difference(unary_union(parts))) < 1
    for one, other in itertools.combinations(grids.values(), 2):
        assert square_metres(one.intersection(other)) < 1
    areas = [square_metres(grid) for grid in grids.values()]
    assert min(areas) > 1_000_000
    assert max(areas) < 2_600_000


def test_stations_stand_in_the_zone_the_seed_names(outlines: dict[str, Polygon]):
    rows = read_seed("ref_monitoring_stations.csv")
    assert [row["station_id"] for row in rows] == [station.station_id for station in AIR_STATIONS]
    for row in rows:
        assert outlines[row["zone_id"]].contains(Point(float(row["longitude"]), float(row["latitude"])))


def test_a_position_outside_the_park_belongs_to_the_nearest_zone():
    assert zone_at(121.4400, 30.7750).zone_id == "Z4"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ref_zones.csv", zones_csv()),
        ("ref_grids.csv", grids_csv()),
        ("ref_monitoring_stations.csv", monitoring_stations_csv()),
    ],
)
def test_the_committed_seed_is_what_the_program_draws(name: str, text: str):
    assert Path(SEEDS / name).read_text("utf-8") == text


def test_every_reading_of_an_air_station_has_exactly_one_conversion():
    rows = read_seed("ref_vital_factors.csv")
    keys = [(row["factor_code"], row["source_unit"], row["valid_from"]) for row in rows]
    assert len(keys) == len(set(keys))
    by_key = {(row["factor_code"], row["source_unit"]): row for row in rows}
    for factor in AIR_FACTORS:
        row = by_key[factor.factor_code, factor.source_unit]
        assert row["pollutant_code"] == factor.pollutant_code
    assert float(by_key["a21005", "ug/m3"]["conversion_factor"]) * 900 == pytest.approx(0.9)
    for row in rows:
        if row["source_unit"] == row["canonical_unit"]:
            assert float(row["conversion_factor"]) == 1
