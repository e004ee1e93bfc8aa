"""The register of devices: objects with several devices, limits in order, and faults that an audit can find."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.simulated_park.device_register import POINT_COUNT, park_devices
from ingestion.simulated_park.middle_platform_streams import platform_ground_truth, platform_streams
from ingestion.simulated_park.outlet_devices import DEVICES, device_day
from ingestion.simulated_park.replayed_plants import replayed_devices
from lakehouse.settings import PARK_TIME_ZONE, PROJECT_ROOT, ParkSize

SEED = 20260301
PRESENT = datetime(2026, 11, 22, 8, tzinfo=PARK_TIME_ZONE)
OUTLET_FACTORS = 11 + 4 + 6 + 2  # of the cracking furnace, the waste water, the boiler and the incinerator
REFERENCE = PROJECT_ROOT / "dbt_project" / "seeds" / "reference"
# Highest set point of the first alarm by gas: 25 %LEL, and by GBZ 2.1 in mg/m3 the MAC, where there is none the PC-TWA.
LOOSEST = {
    "combustible_gas": {None: 25},
    "toxic_gas": {
        "a21005": 20, "a21028": 10, "a21001": 20, "a21022": 1, "a21024": 7.5, "a99049": 0.5, "a25002": 3,
        "a23001": 10, "a24046": 10, "a99010": 1, "a30001": 25, "a21026": 5,
    },
}  # fmt: skip

Row = dict[str, Any]


def register(size: ParkSize = ParkSize.SMALL, present: datetime = PRESENT, seed: int = SEED) -> dict[str, Row]:
    """Return the newest record of every device."""
    records = platform_streams(seed=seed, size=size, present=present)["monitoring_devices"].records
    return {str(record["record_id"]): record for record in records}


@pytest.fixture(scope="module")
def newest() -> dict[str, Row]:
    return register()


@pytest.fixture(scope="module")
def planted() -> dict[str, str]:
    defects = platform_ground_truth(seed=SEED, size=ParkSize.SMALL, present=PRESENT)
    return {str(one.key["record_id"]): one.kind for one in defects if one.table == "monitoring_devices"}


def limits_of(row: Row) -> list[float]:
    names = ("alarm_low_low", "alarm_low", "alarm_high", "alarm_high_high")
    return [row[name] for name in names if row[name] is not None]


def findings(row: Row) -> set[str]:
    """Audit one device as a steward would, by hand."""
    found = set()
    if row["unit"] is None:
        found.add("missing_unit")
    if row["range_low"] >= row["range_high"]:
        found.add("range_reversed")
    if limits_of(row) != sorted(set(limits_of(row))):
        found.add("limits_out_of_order")
    elif row["device_kind"] in LOOSEST and row["alarm_high"] > LOOSEST[row["device_kind"]].get(row["factor_code"], 0):
        found.add("gas_alarm_too_loose")
    return found


@pytest.mark.parametrize("size", list(ParkSize))
def test_every_planted_fault_and_nothing_else_is_wrong(size: ParkSize):
    defects = platform_ground_truth(seed=SEED, size=size, present=PRESENT)
    expected = {one.key["record_id"]: {one.kind} for one in defects if one.table == "monitoring_devices"}
    found = {name: wrong for name, row in register(size).items() if (wrong := findings(row))}
    assert found == expected
    assert 0.02 < len(expected) / POINT_COUNT[size] < 0.04


def test_every_kind_of_fault_is_in_the_small_park(planted: dict[str, str]):
    counts = Counter(planted.values())
    assert set(counts) == {"gas_alarm_too_loose", "missing_unit", "limits_out_of_order", "range_reversed"}
    assert min(counts.values()) >= 2


def test_the_ground_truth_has_the_right_columns(newest: dict[str, Row]):
    devices = {
        device.record_id: device.as_record(date(2026, 1, 1)) for device in park_devices(seed=SEED, size=ParkSize.SMALL)
    }
    for defect in platform_ground_truth(seed=SEED, size=ParkSize.SMALL, present=PRESENT):
        if defect.table == "monitoring_devices":
            name = str(defect.key["record_id"])
            assert {column: devices[name][column] for column in defect.truth} == defect.truth
            assert not defect.truth.items() <= newest[name].items()


def test_the_park_has_its_points_and_they_are_of_every_kind(newest: dict[str, Row]):
    assert len(newest) == POINT_COUNT[ParkSize.SMALL] + OUTLET_FACTORS
    counts = Counter(row["device_kind"] for row in newest.values())
    assert set(counts) == {
        "air_station", "boundary_voc", "meteorology", "combustible_gas", "toxic_gas", "oxygen", "temperature",
        "pressure", "tank_level", "flow", "outlet",
    }  # fmt: skip
    assert counts["combustible_gas"] > counts["toxic_gas"] > counts["oxygen"] > 0
    assert {row["device_status"] for row in newest.values()} == {"在用", "停用", "检修"}
    assert {row["period_s"] for row in newest.values()} == {10, 60, 300, 600, 3600}
    assert all(row["maker"].startswith("示范") for row in newest.values())


def test_units_can_be_converted_into_those_of_the_catalogue(newest: dict[str, Row], planted: dict[str, str]):
    with (REFERENCE / "ref_vitals.csv").open(encoding="utf-8") as file:
        canonical = {row["vital_code"]: row["canonical_unit"] for row in csv.DictReader(file)}
    with (REFERENCE / "ref_unit_conversions.csv").open(encoding="utf-8") as file:
        convertible = {(row["source_unit"], row["canonical_unit"]) for row in csv.DictReader(file)}
    for name, row in newest.items():
        if planted.get(name) != "missing_unit":
            assert (row["unit"], canonical[row["vital_code"]]) in convertible, (name, row["unit"], row["vital_code"])


def test_a_tank_has_level_temperature_and_pressure(newest: dict[str, Row]):
    by_object: dict[str, list[Row]] = defaultdict(list)
    for row in newest.values():
        by_object[row["object_id"]].append(row)
    tanks = {name: rows for name, rows in by_object.items() if rows[0]["object_kind"] == "tank"}
    whole = [rows for rows in tanks.values() if {row["device_kind"] for row in rows} >= {"tank_level", "temperature"}]
    assert len(tanks) > 20
    assert len(whole) > 0.7 * len(tanks)  # the last tank of an enterprise may lack its last devices
    for rows in by_object.values():
        assert len({row["object_name"] for row in rows}) == 1
        assert len({row["uscc"] for row in rows}) == 1
        assert len({row["zone_id"] for row in rows}) == 1


def test_groups_measure_one_quantity_two_or_three_times(newest: dict[str, Row]):
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in newest.values():
        if row["redundancy_group"] is not None:
            groups[row["redundancy_group"]].append(row)
    assert {len(rows) for rows in groups.values()} == {2, 3}
    assert {rows[0]["device_kind"] for rows in groups.values()} == {"tank_level", "pressure"}
    for rows in groups.values():
        assert len({(row["object_id"], row["vital_code"], row["period_s"]) for row in rows}) == 1


def test_operating_bands_and_limits_lie_in_the_range(newest: dict[str, Row], planted: dict[str, str]):
    for name, row in newest.items():
        if name in planted:
            continue
        assert row["range_low"] <= row["operating_low"] < row["operating_high"] <= row["range_high"], name
        assert all(row["range_low"] <= limit <= row["range_high"] for limit in limits_of(row)), name
        assert 0 < row["accuracy"] < 0.1 * (row["range_high"] - row["range_low"]), name


def test_every_year_brings_a_verification_and_no_record_knows_the_future():
    records = platform_streams(seed=SEED, size=ParkSize.SMALL, present=PRESENT)["monitoring_devices"].records
    by_device: dict[str, list[Row]] = defaultdict(list)
    for record in records:
        assert str(record["verified_on"]) <= str(record["update_time"])[:10] <= "2026-11-22"
        by_device[str(record["record_id"])].append(record)
    for versions in by_device.values():
        dates = [version["verified_on"] for version in versions]
        assert dates == sorted(set(dates))
        if versions[0]["device_status"] == "停用":
            assert len(versions) == 1
    overdue = [rows for rows in by_device.values() if rows[-1]["verified_on"] < "2025-11-22"]
    assert 0.02 < len(overdue) / len(by_device) < 0.2  # some verifications are skipped


def test_every_factor_in_the_logs_of_the_outlets_is_a_device_with_its_unit(newest: dict[str, Row]):
    outlets = {name: row for name, row in newest.items() if row["device_kind"] == "outlet"}
    assert set(outlets) == {f"{outlet.device_number}-{one.code}" for outlet in DEVICES for one in outlet.factors}
    acid = outlets["99000000E06WTR0000000001-w01001"]
    assert (acid["unit"], acid["vital_code"], acid["alarm_low"], acid["alarm_high"]) == ("pH", "ENV-WW-01", 6, 9)
    assert (acid["object_kind"], acid["zone_id"], acid["gateway_id"]) == ("water_outlet", "Z2", "gw-a")
    # Both are flows, and HJ 212 counts them in different units.
    assert outlets["99000000E06WTR0000000001-w00000"]["unit"] == "L/s"
    assert outlets["99000000E11STK0000000001-a00000"]["unit"] == "m3/s"
    assert {row["period_s"] for row in outlets.values()} == {600}
    assert len({row["object_id"] for row in outlets.values()}) == len(DEVICES)
    assert {row["data_origin"] for row in outlets.values()} == {"simulated"}


def test_what_outlets_measure_lies_in_their_operating_band(newest: dict[str, Row]):
    for outlet in DEVICES:
        series = device_day(outlet, PRESENT.date(), seed=SEED).series
        for code, values in series.items():
            row = newest[f"{outlet.device_number}-{code}"]
            inside = [row["operating_low"] <= value <= row["operating_high"] for value in values]
            assert sum(inside) > 0.98 * len(values), row["record_id"]
            assert all(row["range_low"] <= value <= row["range_high"] for value in values), row["record_id"]


def test_the_register_depends_on_the_seed_and_on_nothing_else(newest: dict[str, Row]):
    assert register() == newest
    other = register(seed=SEED + 1)
    assert set(other) == set(newest)
    assert other != newest


def test_replayed_plants_are_registered_where_their_files_are(tmp_path: Path):
    assert replayed_devices(None) == []
    assert replayed_devices(tmp_path) == []
    (tmp_path / "tep").mkdir()
    (tmp_path / "tep" / "d00.dat").write_text("", "utf-8")
    process = replayed_devices(tmp_path)
    assert [device.record_id for device in process] == [
        *(f"TEP-XMEAS-{number:02d}" for number in range(1, 42)),
        *(f"TEP-XMV-{number:02d}" for number in range(1, 12)),
    ]
    (tmp_path / "skab").mkdir()
    (tmp_path / "skab" / "valve1_0.csv").write_text("", "utf-8")
    records = platform_streams(seed=SEED, size=ParkSize.SMALL, present=PRESENT, replay_dir=tmp_path)
    rows = [row for row in records["monitoring_devices"].records if row["data_origin"] == "replayed"]
    newest = {str(row["record_id"]): row for row in rows}
    assert Counter(row["period_s"] for row in newest.values()) == {180: 52, 1: 8}
    assert newest["TEP-XMEAS-07"]["unit"] == "kPa"
    assert newest["TEP-XMEAS-23"]["unit"] == "mol%"
    assert newest["SKAB-volume-flow-raterms"]["object_kind"] == "pump"
    assert {row["zone_id"] for row in newest.values()} == {"Z6"}
    assert all(not findings(row) for row in newest.values())
