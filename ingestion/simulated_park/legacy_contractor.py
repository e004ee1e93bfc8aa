"""The contractor management system as a SQLite database: invented firms, workers and special-work permits.

Columns after safety reference §5.1 and §5.3. All people are invented; their numbers lie in an area nobody has assigned.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.calendar_months import local_time
from ingestion.simulated_park.enterprises import Enterprise, park_enterprises
from ingestion.simulated_park.identity_codes import citizen_number, mobile_number, person_name, unified_credit_code
from ingestion.simulated_park.legacy_statistics import LegacySummary
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.planted_defects import PlantedDefect, ground_truth_json
from ingestion.simulated_park.sqlite_image import Cell, ColumnType, TableImage, database_image
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

FOLDER = "legacy_contractor"
DATABASE = "contractor_safety.db"
GROUND_TRUTH = "ground_truth.json"
PERMIT_DAYS = 14

_FIRMS = {ParkSize.SMALL: 24, ParkSize.PARK: 450}
_WORKERS_PER_FIRM = {ParkSize.SMALL: (6, 14), ParkSize.PARK: (20, 47)}
_PERMITS_PER_DAY = {ParkSize.SMALL: (18, 30), ParkSize.PARK: (400, 700)}
_FIRST_NUMBER = 1001  # credit codes of contractors follow those of the park's enterprises
_NO_CODE_EVERY = 24  # about 4 % of the firms never gave a code
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

_BRANDS = ("恒筑", "安信", "海诚", "正源", "中砺", "华固", "东衡", "信达建", "禾力", "嘉工", "远卓", "明匠")
_TRADES = {
    "construction": "建设工程",
    "maintenance": "检维修",
    "scaffolding": "脚手架工程",
    "insulation": "防腐保温",
    "lifting": "吊装",
    "testing": "无损检测",
    "cleaning": "工业清洗",
}
_JOBS = ("焊工", "架子工", "电工", "起重工", "管工", "监护人", "普工", "保温工")


@dataclass(frozen=True)
class _PermitKind:
    """A kind of special work: grades and the longest validity of one permit in hours (GB 30871-2022)."""

    code: str
    grades: tuple[str, ...]
    longest_hours: int
    weight: int


_PERMIT_KINDS = (
    _PermitKind("FIRE", ("二级",), 72, 20),
    _PermitKind("FIRE", ("一级", "特级"), 8, 8),
    _PermitKind("SPACE", ("",), 24, 12),
    _PermitKind("BLIND", ("",), 24, 8),
    _PermitKind("HIGH", ("Ⅰ级", "Ⅱ级", "Ⅲ级"), 168, 22),
    _PermitKind("LIFT", ("三级", "二级"), 24, 12),
    _PermitKind("POWER", ("",), 360, 12),
    _PermitKind("EARTH", ("",), 168, 4),
    _PermitKind("ROAD", ("",), 168, 2),
)


@dataclass(frozen=True)
class _Firm:
    contractor_id: int
    name: str
    cells: list[Cell]


def write_legacy_contractor(root: Path, *, present: datetime, seed: int, size: ParkSize) -> LegacySummary:
    """Write `<root>/legacy_contractor/contractor_safety.db` and `ground_truth.json`.

    Tables `contractor`, `contractor_worker`, `work_permit` (the last fourteen days up to the present moment). The same
    inputs give the same bytes; unchanged files are left alone.

    Raises:
        ForeignFilesError: The folder holds somebody else's files.
    """
    hour = present.astimezone(PARK_TIME_ZONE).replace(minute=0, second=0, microsecond=0)
    files = OwnedFiles(root / FOLDER, digest=inputs_digest(present=hour.isoformat(), seed=seed, size=size))
    if not files.are_current():
        files.begin()
        tables, defects = contractor_tables(present=hour, seed=seed, size=size)
        files.put(DATABASE, database_image(tables))
        files.put(GROUND_TRUTH, ground_truth_json(defects))
        files.finish()
    return LegacySummary(files.folder, files.written_count, files.unchanged_count)


def contractor_tables(*, present: datetime, seed: int, size: ParkSize) -> tuple[list[TableImage], list[PlantedDefect]]:
    """Return the tables of the contractor system and what was planted in them."""
    defects: list[PlantedDefect] = []
    firms = [_firm(number, seed, defects) for number in range(1, _FIRMS[size] + 1)]
    workers = _workers(firms, seed, size, defects)
    permits = _permits(firms, park_enterprises(seed=seed, size=size), defects, present=present, seed=seed, size=size)
    return [
        _table("contractor", _CONTRACTOR_COLUMNS, [firm.cells for firm in firms]),
        _table("contractor_worker", _WORKER_COLUMNS, workers),
        _table("work_permit", _PERMIT_COLUMNS, permits),
    ], defects


_CONTRACTOR_COLUMNS: dict[str, ColumnType] = {
    "contractor_id": "integer",
    "contractor_name": "text",
    "uscc": "text",
    "contractor_type": "text",
    "legal_person": "text",
    "safety_licence_no": "text",
    "licence_expiry": "text",
    "insurance_expiry": "text",
    "safety_head": "text",
    "safety_head_phone": "text",
    "entry_status": "text",
    "admitted_at": "text",
    "update_time": "text",
    "data_origin": "text",
}
_WORKER_COLUMNS: dict[str, ColumnType] = {
    "worker_id": "integer",
    "contractor_id": "integer",
    "worker_name": "text",
    "id_no": "text",
    "phone": "text",
    "job_type": "text",
    "entry_card_no": "text",
    "health_check_expiry": "text",
    "insurance_expiry": "text",
    "points_balance": "integer",
    "status": "text",
    "update_time": "text",
    "data_origin": "text",
}
_PERMIT_COLUMNS: dict[str, ColumnType] = {
    "ticket_no": "text",
    "ticket_type": "text",
    "ticket_level": "text",
    "enterprise_name": "text",
    "enterprise_uscc": "text",
    "contractor_id": "integer",
    "ticket_position": "text",
    "zone_id": "text",
    "longitude": "real",
    "latitude": "real",
    "issue_time": "text",
    "plan_start_time": "text",
    "plan_end_time": "text",
    "ticket_status": "text",
    "guardian_name": "text",
    "update_time": "text",
    "data_origin": "text",
}


def _table(name: str, columns: dict[str, ColumnType], rows: Sequence[Sequence[Cell]]) -> TableImage:
    return TableImage(name, columns, (next(iter(columns)),), rows)


def _firm(number: int, seed: int, defects: list[PlantedDefect]) -> _Firm:
    chance = random.Random(f"{seed}/contractor/{number}")
    trade = chance.choice(list(_TRADES))
    brand = _BRANDS[(number - 1) % len(_BRANDS)]
    serial = (number - 1) // len(_BRANDS)
    tail = f"第{serial}" if serial else ""
    place, opening, closing = chance.choice((("临海", "（", "）"), ("临海", "(", ")"), ("", "", "")))
    name = f"示范{brand}{tail}{opening}{place}{closing}{_TRADES[trade]}有限公司"
    admitted_on = date(2019, 1, 1) + timedelta(days=chance.randrange(2000))
    licence_until = date(2027, 1, 1) + timedelta(days=chance.randrange(900))
    code: str | None = unified_credit_code(_FIRST_NUMBER + number)
    key: dict[str, str | int] = {"contractor_id": number}
    if number % _NO_CODE_EVERY == 7:
        truth: dict[str, object] = {"uscc": code}
        defects.append(PlantedDefect(f"CT-code-{number}", planted.MISSING_CREDIT_CODE, "contractor", key, truth))
        code = None
    if number % 20 == 11:
        licence_until = date(2025, 6, 30)
        truth = {"licence_expiry": licence_until.isoformat()}
        defects.append(PlantedDefect(f"CT-licence-{number}", planted.EXPIRED_LICENCE, "contractor", key, truth))
    cells: list[Cell] = [
        number,
        name,
        code,
        trade,
        person_name(chance),
        f"(示)JZ安许证字[{admitted_on.year}]{number:06d}",
        licence_until.isoformat(),
        (licence_until - timedelta(days=chance.randrange(30, 200))).isoformat(),
        person_name(chance),
        mobile_number(chance),
        "ADMITTED",
        admitted_on.isoformat(),
        local_time(admitted_on, hour=chance.randrange(9, 17)).strftime(_TIME_FORMAT),
        "simulated",
    ]
    return _Firm(number, name, cells)


def _workers(firms: Sequence[_Firm], seed: int, size: ParkSize, defects: list[PlantedDefect]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for firm in firms:
        chance = random.Random(f"{seed}/workers/{firm.contractor_id}")
        for place in range(chance.randint(*_WORKERS_PER_FIRM[size])):
            worker_id = firm.contractor_id * 1000 + place
            born_on = date(1966, 1, 1) + timedelta(days=chance.randrange(14_000))
            id_no = citizen_number(born_on, worker_id)
            if worker_id % 97 == 5:
                wrong = id_no[:-1] + ("0" if id_no[-1] != "0" else "1")
                key: dict[str, str | int] = {"worker_id": worker_id}
                defects.append(
                    PlantedDefect(
                        f"CT-id-{worker_id}", planted.BROKEN_CITIZEN_NUMBER, "contractor_worker", key, {"id_no": id_no}
                    )
                )
                id_no = wrong
            entered_on = date(2024, 1, 1) + timedelta(days=chance.randrange(600))
            rows.append(
                [
                    worker_id,
                    firm.contractor_id,
                    person_name(chance),
                    id_no,
                    mobile_number(chance),
                    chance.choice(_JOBS),
                    f"RC{worker_id:08d}",
                    (entered_on + timedelta(days=730)).isoformat(),
                    (entered_on + timedelta(days=1095)).isoformat(),
                    chance.choice((12, 12, 12, 10, 9, 6)),
                    "在场" if chance.random() < 0.8 else "离场",
                    local_time(entered_on, hour=chance.randrange(8, 18)).strftime(_TIME_FORMAT),
                    "simulated",
                ]
            )
    return rows


def _permits(
    firms: Sequence[_Firm],
    enterprises: Sequence[Enterprise],
    defects: list[PlantedDefect],
    *,
    present: datetime,
    seed: int,
    size: ParkSize,
) -> list[list[Cell]]:
    today = present.astimezone(PARK_TIME_ZONE).date()
    rows: list[list[Cell]] = []
    for day in (today - timedelta(days=back) for back in range(PERMIT_DAYS, -1, -1)):
        chance = random.Random(f"{seed}/permits/{day}")
        for place in range(chance.randint(*_PERMITS_PER_DAY[size])):
            row, defect = _permit(
                place, day, chance.choice(firms), chance.choice(enterprises), present=present, chance=chance
            )
            if row is not None:
                rows.append(row)
                defects.extend([defect] if defect else [])
    return rows


def _permit(
    place: int, day: date, firm: _Firm, enterprise: Enterprise, *, present: datetime, chance: random.Random
) -> tuple[list[Cell] | None, PlantedDefect | None]:
    kind = chance.choices(_PERMIT_KINDS, [kind.weight for kind in _PERMIT_KINDS])[0]
    ticket_no = f"{kind.code}-{day:%Y%m%d}-{place + 1:04d}"
    issued_at = local_time(day, hour=7, minute=chance.randrange(600))
    start = issued_at + timedelta(minutes=chance.randrange(15, 90))
    end = start + timedelta(hours=chance.randint(1, max(1, min(kind.longest_hours, 48) - 1)))
    defect = None
    key: dict[str, str | int] = {"ticket_no": ticket_no}
    if place == 3:
        end = start + timedelta(hours=kind.longest_hours + 5)
        truth: dict[str, object] = {"longest_hours": kind.longest_hours}
        defect = PlantedDefect(f"CT-long-{day}", planted.PERMIT_TOO_LONG, "work_permit", key, truth)
    if place == 5 and day.day % 7 == 0:
        start, end = end, start
        defect = PlantedDefect(f"CT-order-{day}", planted.PERMIT_ENDS_BEFORE_START, "work_permit", key, {})
    # The office clerk writes the owner's name short, or as on the seal.
    owner = chance.choice((enterprise.name, enterprise.name, enterprise.name.removesuffix("有限公司")))
    grade = chance.choice(kind.grades)
    guardian = person_name(chance)
    plant = chance.randrange(1, 9)
    shift = (chance.uniform(-0.0006, 0.0006), chance.uniform(-0.0006, 0.0006))
    if issued_at > present:  # after all draws: a later permit of the day must not depend on the present moment
        return None, None
    is_closed = max(start, end) <= present
    row: list[Cell] = [
        ticket_no,
        kind.code,
        grade or None,
        owner,
        enterprise.unified_credit_code,
        firm.contractor_id,
        f"{enterprise.zone.zone_name}{plant}号装置",
        enterprise.zone.zone_id,
        round(enterprise.longitude + shift[0], 6),
        round(enterprise.latitude + shift[1], 6),
        issued_at.strftime(_TIME_FORMAT),
        start.strftime(_TIME_FORMAT),
        end.strftime(_TIME_FORMAT),
        "ACCEPTED_CLOSED" if is_closed else "IN_WORK" if start <= present else "APPROVED",
        guardian,
        (max(start, end) if is_closed else issued_at).strftime(_TIME_FORMAT),
        "simulated",
    ]
    return row, defect
