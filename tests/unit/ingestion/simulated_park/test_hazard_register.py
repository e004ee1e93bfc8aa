"""The invented register of hazards: the same whenever it is read, with every kind of fault that is planted in it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from shapely.geometry import Point

from ingestion.simulated_park.enterprises import park_enterprises
from ingestion.simulated_park.hazard_register import HazardStream, Record, hazard_streams, hazard_units
from ingestion.simulated_park.park_geometry import PARK_BOUNDARY
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

PRESENT = datetime(2026, 11, 22, 8, tzinfo=PARK_TIME_ZONE)


def streams(present: datetime = PRESENT, size: ParkSize = ParkSize.SMALL) -> dict[str, HazardStream]:
    enterprises = park_enterprises(seed=1, size=size)
    return {stream.name: stream for stream in hazard_streams(enterprises, seed=1, present=present)}


def records(stream: HazardStream) -> dict[str, Record]:
    return {str(record["record_id"]): record for _, record in stream.records}


@pytest.mark.parametrize(("size", "count"), [(ParkSize.SMALL, 38), (ParkSize.PARK, 51)])
def test_units_stand_in_the_park_beside_their_owner(size: ParkSize, count: int):
    enterprises = park_enterprises(seed=1, size=size)
    units = hazard_units(enterprises, seed=1)
    assert len({unit.hazard_unit_id for unit in units}) == len(units) == count
    for unit in units:
        assert PARK_BOUNDARY.contains(Point(unit.longitude, unit.latitude)), unit.hazard_unit_id
        assert abs(unit.longitude - unit.owner.longitude) <= 0.0006 + 1e-9
    assert records(streams(size=size)["hazard_units"]).keys() == {unit.hazard_unit_id for unit in units}


def test_a_day_reads_the_same_whenever_it_is_read():
    now, later = streams(), streams(datetime(2026, 12, 3, 9, tzinfo=PARK_TIME_ZONE))
    for name, stream in now.items():
        early, late = records(stream), records(later[name])
        common = early.keys() & late.keys()
        assert len(common) > 30, name
        assert [key for key in common if early[key] != late[key]] == []


def test_a_park_is_enlarged_once_and_never_back():
    designs = [
        (record["inventory_date"], record["design_maximum"])
        for record in records(streams()["hazard_inventories"]).values()
        if str(record["record_id"]).startswith("KC-HU-E01-02-01")
    ]
    by_day = dict(sorted(designs))
    assert {value for day, value in by_day.items() if str(day) < "2026-07-01"} == {2000}
    assert {value for day, value in by_day.items() if str(day) >= "2026-07-01"} == {3200}


def test_every_planted_fault_is_in_the_record_it_names():
    found = Counter[str]()
    for stream in streams().values():
        by_id = records(stream)
        for defect in stream.defects:
            record = by_id[str(defect.key["record_id"])]
            found[defect.kind] += 1
            match defect.kind:
                case "unit_slip":
                    assert (record["quantity_unit"], record["design_maximum"]) == ("kg", 650_000)
                case "missing_quantity":
                    assert record["stored_quantity"] is None
                case "missing_design_quantity":
                    assert record["design_maximum"] is None
                case "overfilled":
                    assert float(str(record["stored_quantity"])) > float(str(record["design_maximum"]))
                case "duplicate_submission":
                    again = by_id[f"{record['record_id']}-R"]
                    assert {**again, "record_id": record["record_id"]} == record
                case "missing_exposed_persons":
                    assert record["exposed_persons"] is None
                case "missing_guarantor":
                    assert "操作负责人" not in str(record["guarantor_roles"])
                case "missing_duty_rate":
                    assert record["guarantor_duty_rate"] is None
                case "unknown_chemical":
                    assert record["cas_no"] == "99999-00-7"
    assert len(found) == 9


def test_nobody_stores_more_than_the_design_but_where_it_is_planted():
    stream = streams()["hazard_inventories"]
    planted = {defect.key["record_id"] for defect in stream.defects if defect.kind == "overfilled"}
    above = {
        record["record_id"]
        for _, record in stream.records
        if record["design_maximum"]
        and float(str(record["stored_quantity"] or 0)) > float(str(record["design_maximum"]))
    }
    assert above == planted != set()
