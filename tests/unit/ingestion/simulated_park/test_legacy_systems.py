"""The old databases: what a reader finds, what is wrong on purpose, and that they never change by themselves."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from ingestion.simulated_park.identity_codes import organisation_check
from ingestion.simulated_park.legacy_contractor import write_legacy_contractor
from ingestion.simulated_park.legacy_statistics import write_legacy_statistics
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

SEED = 20260301
PRESENT = datetime(2026, 3, 15, 10, 30, tzinfo=PARK_TIME_ZONE)
Truth = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_legacy_statistics(folder, present=PRESENT, seed=SEED, size=ParkSize.SMALL)
    write_legacy_contractor(folder, present=PRESENT, seed=SEED, size=ParkSize.SMALL)
    return folder


def connect(path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def old(root: Path) -> Iterator[Connection]:
    yield from connect(root / "legacy_statistics/economic_information.db")


@pytest.fixture(scope="module")
def new(root: Path) -> Iterator[Connection]:
    yield from connect(root / "legacy_statistics/smart_statistics.db")


@pytest.fixture(scope="module")
def contractors(root: Path) -> Iterator[Connection]:
    yield from connect(root / "legacy_contractor/contractor_safety.db")


def by_kind(root: Path, folder: str) -> Truth:
    truth: Truth = {}
    for defect in json.loads((root / folder / "ground_truth.json").read_text("utf-8"))["planted"]:
        truth.setdefault(defect["kind"], []).append(defect)
    return truth


@pytest.fixture(scope="module")
def planted(root: Path) -> Truth:
    return by_kind(root, "legacy_statistics")


def form(old: Connection, serial: int) -> dict[str, Any]:
    return dict(old.execute(text("select * from BB_B204_1 where XH = :serial"), {"serial": serial}).mappings().one())


def test_sixty_months_end_with_the_last_complete_one(old: Connection, new: Connection):
    first, last = old.execute(text("select min(BQ), max(BQ) from BB_B203")).one()
    assert (first, last) == ("202103", "202602")
    assert new.execute(text("select min(period), max(period) from indicator_value")).one() == ("2021-03", "2026-02")
    january = "select count(*) from {} where substr({}, -2) = '01'"
    assert old.execute(text(january.format("BB_B203", "BQ"))).scalar() == 0
    assert new.execute(text(january.format("indicator_value", "period"))).scalar() == 0


def test_february_is_reported_as_the_total_of_two_months(old: Connection, new: Connection):
    rows = old.execute(text("select ZB01, ZB02, ZB03, ZB04 from BB_B204_1 where substr(BQ, 5) = '02'")).all()
    assert rows
    assert all(month is None and base is None for month, _, base, _ in rows)
    assert all(total and base_total for _, total, _, base_total in rows)
    query = "select value, cum_value from indicator_value where period like '%-02' and indicator_id = 101"
    assert all(value is None and total > 0 for value, total in new.execute(text(query)))


def test_months_add_up_to_totals_except_where_dirt_was_planted(old: Connection, planted: Truth):
    spoiled = {defect["key"]["XH"] for defects in planted.values() for defect in defects if "XH" in defect["key"]}
    query = "select XH, BQ, DWDM, ZB01, ZB02 from BB_B204_1 where substr(BQ, 5) > '01' order by DWDM, XH"
    rows = [row for row in old.execute(text(query)) if row.XH not in spoiled]
    totals = {(row.DWDM, row.BQ): int(row.ZB02) for row in rows}
    checked = 0
    for row in rows:
        before = totals.get((row.DWDM, f"{int(row.BQ) - 1}"))
        if row.ZB01 is not None and before is not None:
            assert before + int(row.ZB01) == int(row.ZB02), row
            checked += 1
    assert checked > 450


def test_the_park_total_of_the_old_system_is_the_true_one(root: Path, old: Connection):
    truth = json.loads((root / "legacy_statistics/ground_truth.json").read_text("utf-8"))
    query = "select sum(cast(ZB01 as integer)) from BB_B204_1 where BQ = '202510' and XH % 10 = 0"
    reported = old.execute(text(query)).scalar()
    assert reported == pytest.approx(truth["gross_output_thousand_yuan_by_month"]["2025-10"], rel=0.05)


def test_a_unit_slip_is_ten_times_too_small(old: Connection, planted: Truth):
    assert len(planted["unit_slip"]) >= 4
    for defect in planted["unit_slip"]:
        row = form(old, defect["key"]["XH"])
        assert row["JLDW"] == "千元"
        assert int(row["ZB02"]) == pytest.approx(int(defect["truth"]["ZB02"]) / 10, abs=1)


def test_full_width_digits_become_the_truth_when_normalised(old: Connection, planted: Truth):
    for defect in planted["full_width_digits"]:
        row = form(old, defect["key"]["XH"])
        assert not row["ZB01"].isascii()
        assert unicodedata.normalize("NFKC", row["ZB01"]) == defect["truth"]["ZB01"]


def test_second_submissions_repeat_or_correct_the_first(old: Connection, planted: Truth):
    for defect in planted["duplicate_submission"]:
        first, again = form(old, defect["truth"]["XH"]), form(old, defect["key"]["XH"])
        assert first["SBSJ"] < again["SBSJ"]
        assert {**first, "XH": 0, "SBSJ": ""} == {**again, "XH": 0, "SBSJ": ""}
    for defect in planted["corrected_submission"]:
        wrong, right = form(old, defect["key"]["XH"]), form(old, defect["truth"]["XH"])
        assert wrong["SBSJ"] < right["SBSJ"]
        assert (wrong["BQ"], wrong["DWDM"]) == (right["BQ"], right["DWDM"])
        assert int(wrong["ZB01"]) < int(right["ZB01"])
        assert right["ZB01"] == defect["truth"]["ZB01"]


def test_other_planted_rows_are_where_the_ground_truth_says(old: Connection, new: Connection, planted: Truth):
    for defect in planted["zero_january"]:
        row = form(old, defect["key"]["XH"])
        assert row["BQ"].endswith("01")
        assert row["ZB02"] == "0"
    for defect in planted["february_not_cumulative"]:
        assert int(form(old, defect["key"]["XH"])["ZB02"]) < 0.75 * int(defect["truth"]["ZB02"])
    for defect in planted["broken_organisation_code"]:
        code = form(old, defect["key"]["XH"])["DWDM"]
        assert organisation_check(code[:8]) != code[8]
        assert organisation_check(defect["truth"]["DWDM"][:8]) == defect["truth"]["DWDM"][8]
    for defect in planted["cumulative_not_restated"]:
        row = new.execute(text("select * from indicator_value where id = :id"), defect["key"]).mappings().one()
        assert row["value"] == pytest.approx(1.06 * defect["truth"]["value"], rel=0.001)
    (renamed,) = planted["renamed_unit"]
    units = old.execute(text("select DWDM, ZT from QY_JBXX")).all()
    assert (renamed["key"]["DWDM"], "停报") in units
    assert (renamed["truth"]["DWDM"], "正常") in units
    periods = "select max(BQ) from BB_B203 where DWDM = :DWDM"
    assert old.execute(text(periods), renamed["key"]).scalar() == "202312"


def test_output_of_five_firms_differs_between_the_systems(old: Connection, new: Connection, planted: Truth):
    deviating = {defect["key"]["company_id"]: defect["truth"] for defect in planted["deviating_output"]}
    assert len(deviating) == 5
    query = (
        "select v.company_id, upper(trim(c.uscc)) as uscc, v.cum_value from indicator_value v join company c "
        "on c.company_id = v.company_id where v.indicator_id = 101 and v.period = '2025-10'"
    )
    spoiled = {defect["key"]["XH"] for defects in planted.values() for defect in defects if "XH" in defect["key"]}
    old_query = "select XH, DWDM, ZB02 from BB_B204_1 where BQ = '202510' and XH % 10 = 0"
    reported_by_code = {row.DWDM: row.ZB02 for row in old.execute(text(old_query)) if row.XH not in spoiled}
    rows = [row for row in new.execute(text(query)) if row.uscc[8:17] in reported_by_code]
    assert len(rows) >= 8
    for row in rows:
        reported = reported_by_code[row.uscc[8:17]]
        expected = deviating.get(row.company_id, {"relative_difference": 0.0})["relative_difference"]
        assert row.cum_value / (int(reported) / 10) - 1 == pytest.approx(expected, abs=2e-4)
        assert expected == 0 or 0.005 <= abs(expected) <= 0.03


def test_everything_is_marked_simulated(old: Connection, new: Connection, contractors: Connection):
    for connection in (old, new, contractors):
        tables = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        assert len(tables) >= 3
        for table in tables:
            assert connection.execute(text(f"select distinct data_origin from {table}")).scalars().all() == [  # noqa: S608
                "simulated"
            ]


def test_files_do_not_change_until_something_was_submitted(tmp_path: Path):
    def write(present: datetime, seed: int = SEED) -> tuple[int, int]:
        legacy = write_legacy_statistics(tmp_path, present=present, seed=seed, size=ParkSize.SMALL)
        contractor = write_legacy_contractor(tmp_path, present=present, seed=seed, size=ParkSize.SMALL)
        return legacy.written_count, contractor.written_count

    assert write(PRESENT) == (3, 2)
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*.db")}
    assert write(PRESENT) == (0, 0)
    assert write(PRESENT.replace(minute=45)) == (0, 0)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.db")} == before
    later = PRESENT.replace(day=16)
    assert write(later)[0] == 0  # a day on: other inputs, the same two databases
    assert write(PRESENT, SEED + 1) == (3, 2)
    write(PRESENT)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.db")} == before


def test_a_correction_is_not_there_before_it_was_submitted(tmp_path: Path):
    present = datetime(2026, 1, 1, 0, 0, tzinfo=PARK_TIME_ZONE)
    write_legacy_statistics(tmp_path, present=present, seed=SEED, size=ParkSize.SMALL)
    for connection in connect(tmp_path / "legacy_statistics/economic_information.db"):
        newest, last = connection.execute(text("select max(SBSJ), max(BQ) from BB_B204_1")).one()
        assert newest < "2026-01-01"
        assert last == "202512"


def test_contractors_workers_and_permits_hang_together(contractors: Connection):
    firms = contractors.execute(text("select count(*), count(uscc) from contractor")).one()
    assert firms == (24, 23)  # one firm without any code
    orphans = (
        "select count(*) from {} t left join contractor c on c.contractor_id = t.contractor_id "
        "where c.contractor_id is null"
    )
    for table in ("contractor_worker", "work_permit"):
        assert contractors.execute(text(orphans.format(table))).scalar() == 0
    days = contractors.execute(text("select distinct substr(issue_time, 1, 10) from work_permit order by 1")).scalars()
    assert list(days)[0::14] == ["2026-03-01", "2026-03-15"]
    assert contractors.execute(text("select max(issue_time) from work_permit")).scalar() <= "2026-03-15 10:00:00"
    grades = contractors.execute(text("select distinct ticket_level from work_permit where ticket_type = 'FIRE'"))
    assert set(grades.scalars()) == {"二级", "一级", "特级"}


def test_planted_dirt_of_the_contractor_system_is_found(root: Path, contractors: Connection):
    planted = by_kind(root, "legacy_contractor")
    for defect in planted["broken_citizen_number"]:
        query = "select id_no from contractor_worker where worker_id = :worker_id"
        id_no = contractors.execute(text(query), defect["key"]).scalar()
        assert id_no[:17] == defect["truth"]["id_no"][:17]
        assert id_no != defect["truth"]["id_no"]
    hours = "(julianday(plan_end_time) - julianday(plan_start_time)) * 24"
    for defect in planted["permit_too_long"]:
        query = f"select {hours} from work_permit where ticket_no = :ticket_no"  # noqa: S608
        assert contractors.execute(text(query), defect["key"]).scalar() > defect["truth"]["longest_hours"]
    reversed_query = f"select ticket_no from work_permit where {hours} < 0"  # noqa: S608
    found = set(contractors.execute(text(reversed_query)).scalars())
    assert found == {defect["key"]["ticket_no"] for defect in planted["permit_ends_before_start"]}


def test_permits_of_the_morning_stay_the_same_in_the_afternoon(tmp_path: Path):
    def permits(hour: int) -> dict[str, Any]:
        folder = tmp_path / str(hour)
        write_legacy_contractor(folder, present=PRESENT.replace(hour=hour), seed=SEED, size=ParkSize.SMALL)
        for connection in connect(folder / "legacy_contractor/contractor_safety.db"):
            query = "select ticket_no, plan_start_time, guardian_name, ticket_position from work_permit"
            return {row.ticket_no: tuple(row) for row in connection.execute(text(query))}
        raise AssertionError

    morning, afternoon = permits(10), permits(17)
    assert len(afternoon) > len(morning)
    assert morning.items() <= afternoon.items()
