"""The catalogue of vitals and the conversions of units, checked as wholes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestion.source_file import load_sources

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

# What the reference list of vitals calls a class, and how many of its codes are spelled out here.
CLASSES = {
    "SAF-TK": 4, "SAF-PR": 11, "SAF-EQ": 6, "SAF-GS": 3, "SAF-FI": 3, "SAF-MH": 4, "SAF-SW": 8, "SAF-CT": 6,
    "SAF-PE": 2, "SAF-HD": 2, "SAF-CM": 2, "SAF-VH": 4, "SAF-PL": 2, "SAF-BE": 3, "ENV-AQ": 7, "ENV-VO": 12,
    "ENV-OD": 3, "ENV-CE": 12, "ENV-WW": 6, "ENV-SW": 4, "ENV-MV": 1, "ENV-HW": 2, "ENV-NO": 1, "ENV-ME": 6,
    "GRD-PT": 4, "GRD-RS": 1, "GRD-DV": 2, "HOT": 5, "PUB": 4,
}  # fmt: skip


def rows(repository: Repository, name: str) -> list[dict[str, str]]:
    """Return the rows of a reference seed."""
    path = Path(repository.root / "dbt_project/seeds/reference" / name)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_class_of_the_reference_list_is_spelled_out(repository: Repository):
    found: dict[str, list[str]] = {}
    for row in rows(repository, "ref_vitals.csv"):
        if not row["valid_to"]:
            name, number = row["vital_code"].rsplit("-", 1)
            found.setdefault(name, []).append(number)
    assert {name: len(numbers) for name, numbers in found.items()} == CLASSES
    for name, numbers in found.items():
        assert sorted(numbers) == [f"{number:02d}" for number in range(1, len(numbers) + 1)], name


def test_a_vital_is_connected_to_a_stream_that_exists(repository: Repository):
    slugs = {source.slug(name) for source in load_sources().values() for name in source.streams}
    unknown = {
        row["vital_code"]: row["source_stream"]
        for row in rows(repository, "ref_vitals.csv")
        if row["source_stream"] and row["source_stream"] not in slugs
    }
    assert not unknown, "leave source_stream empty until the stream is there"


def test_conversions_go_there_and_back(repository: Repository):
    conversions = {
        (row["source_unit"], row["canonical_unit"]): (float(row["factor"]), float(row["offset"]))
        for row in rows(repository, "ref_unit_conversions.csv")
        if not row["valid_to"]
    }
    there_and_back = 0
    for (source, canonical), (factor, offset) in conversions.items():
        assert conversions[canonical, canonical] == (1.0, 0.0), f"{canonical} has no row of its own"
        back = conversions.get((canonical, source))
        if back is not None and source != canonical:
            assert back[0] * (7.5 * factor + offset) + back[1] == pytest.approx(7.5), f"{source} to {canonical}"
            there_and_back += 1
    assert there_and_back > 20


@pytest.mark.parametrize(
    ("source", "canonical", "value", "expected"),
    [
        ("MPa", "kPa", 0.25, 250.0),
        ("bar", "MPa", 12.0, 1.2),
        ("degF", "degC", 212.0, 100.0),
        ("K", "degC", 273.15, 0.0),
        ("ratio", "%", 0.42, 42.0),
        ("kg/h", "t/h", 3664.0, 3.664),
        ("L/min", "m3/h", 32.0, 1.92),
        ("km3/h", "m3/h", 0.25052, 250.52),
        ("mg/m3", "ug/m3", 0.06, 60.0),
        ("L/s", "m3/h", 10.0, 36.0),
    ],
)
def test_known_conversions(repository: Repository, source: str, canonical: str, value: float, expected: float):
    (row,) = [
        row
        for row in rows(repository, "ref_unit_conversions.csv")
        if (row["source_unit"], row["canonical_unit"]) == (source, canonical)
    ]
    assert float(row["factor"]) * value + float(row["offset"]) == pytest.approx(expected, abs=1e-9)
