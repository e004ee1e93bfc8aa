"""The register of hazards as the middle platform shares it: units, what they hold, and how the day is managed.

Everything is invented. Quantities are chosen so that every grade of GB 18218 and units below the threshold occur; the
dirt that is planted ends as findings of the register, because a quantity dropped in silence makes a plant look safe.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.calendar_months import local_time, month_after
from ingestion.simulated_park.enterprises import Enterprise
from ingestion.simulated_park.hazard_templates import HAZARD_TEMPLATES, Holding, UnitTemplate
from ingestion.simulated_park.planted_defects import PlantedDefect
from lakehouse.settings import PARK_TIME_ZONE

Record = dict[str, str | int | float | bool | None]
TimedRecord = tuple[datetime, Record]

INVENTORY_DAYS = 30
INVENTORY_MONTHS = 12
MANAGEMENT_DAYS = 30

_GUARANTORS = ("主要负责人", "技术负责人", "操作负责人")
_KILOGRAMS_PER_TONNE = 1000
_NORMAL, _STARTUP, _TURNAROUND = "normal", "startup", "turnaround"
# What was reported of a day must not depend on when it is read: all that is planted hangs on the calendar.
_ENLARGED_ON = date(2026, 7, 1)
_DEFECT_DAYS = (1, 11, 21)
_TURNAROUND_DAYS, _STARTUP_DAYS = range(5, 15), range(15, 17)


@dataclass(frozen=True)
class HazardUnit:
    """A unit that stands in the register, with its owner and its place (WGS-84 degrees)."""

    hazard_unit_id: str
    template: UnitTemplate
    owner: Enterprise
    longitude: float
    latitude: float


@dataclass(frozen=True)
class HazardStream:
    """A stream of the register: its Chinese title, its records by time of update, and what was planted in them."""

    name: str
    title: str
    records: tuple[TimedRecord, ...]
    defects: list[PlantedDefect]


def hazard_units(enterprises: Sequence[Enterprise], *, seed: int) -> list[HazardUnit]:
    """Return the production and storage units of the enterprises, within some 60 m of their owner's place."""
    units = []
    for owner in enterprises:
        chance = random.Random(f"{seed}/hazard units/{owner.number}")
        for place, template in enumerate(HAZARD_TEMPLATES.get(owner.number, ()), start=1):
            shift = (chance.uniform(-0.0006, 0.0006), chance.uniform(-0.0006, 0.0006))
            units.append(
                HazardUnit(
                    f"HU-{owner.enterprise_code}-{place:02d}",
                    template,
                    owner,
                    round(owner.longitude + shift[0], 6),
                    round(owner.latitude + shift[1], 6),
                )
            )
    return units


def hazard_streams(enterprises: Sequence[Enterprise], *, seed: int, present: datetime) -> Iterator[HazardStream]:
    """Yield the streams `hazard_units`, `hazard_inventories` and `management_states`.

    Inventories are there for the first day of the last twelve months and for each of the last thirty days; states for
    the last thirty days and today.

    Args:
        enterprises: The owners.
        seed: Seed of the simulated park.
        present: The present moment; the days are counted back from it.
    """
    units = hazard_units(enterprises, seed=seed)
    today = present.astimezone(PARK_TIME_ZONE).date()
    defects: list[PlantedDefect] = []
    yield HazardStream("hazard_units", "危险源单元", tuple(_unit_records(units, seed, defects)), defects)
    defects = []
    records = tuple(_inventory_records(units, seed, today, defects))
    yield HazardStream("hazard_inventories", "危险源在存量", records, defects)
    defects = []
    states = tuple(_state_records(enterprises, seed, today, defects))
    yield HazardStream("management_states", "安全管理状态", states, defects)


def _unit_records(units: Iterable[HazardUnit], seed: int, defects: list[PlantedDefect]) -> Iterator[TimedRecord]:
    for unit in units:
        chance = random.Random(f"{seed}/hazard unit/{unit.hazard_unit_id}")
        filed_on = date(2021, 3, 1) + timedelta(days=chance.randrange(900))
        key: dict[str, str | int] = {"record_id": unit.hazard_unit_id}
        template = unit.template
        guarantors: tuple[str, ...] = _GUARANTORS
        if template.defect == planted.MISSING_EXPOSED_PERSONS:
            defects.append(PlantedDefect(f"HZ-persons-{unit.hazard_unit_id}", template.defect, "hazard_units", key, {}))
        if template.defect == planted.MISSING_GUARANTOR:
            guarantors = _GUARANTORS[:2]
            defects.append(
                PlantedDefect(
                    f"HZ-guarantor-{unit.hazard_unit_id}", template.defect, "hazard_units", key, {"role": "操作负责人"}
                )
            )
        yield (
            local_time(filed_on, hour=chance.randrange(8, 18), minute=chance.randrange(60)),
            {
                "record_id": unit.hazard_unit_id,
                "hazard_unit_id": unit.hazard_unit_id,
                "unit_name": template.name,
                "unit_kind": template.kind,
                "uscc": unit.owner.unified_credit_code,
                "zone_id": unit.owner.zone.zone_id,
                "longitude": unit.longitude,
                "latitude": unit.latitude,
                "coordinate_system": "WGS-84",
                "exposed_persons": template.exposed_persons,
                "guarantor_roles": "、".join(guarantors),
                "filed_on": filed_on.isoformat(),
                "unit_status": "在用",
                "data_origin": "simulated",
            },
        )


def _inventory_dates(today: date) -> list[date]:
    month = today.replace(day=1)
    firsts = {month_after(month, -back) for back in range(INVENTORY_MONTHS)}
    return sorted(firsts | {today - timedelta(days=back) for back in range(1, INVENTORY_DAYS + 1)})


def _inventory_records(
    units: Iterable[HazardUnit], seed: int, today: date, defects: list[PlantedDefect]
) -> Iterator[TimedRecord]:
    for unit in units:
        for place, holding in enumerate(unit.template.holdings, start=1):
            holding_id = f"{unit.hazard_unit_id}-{place:02d}"
            yield from _holding_records(unit, holding, holding_id, seed=seed, today=today, defects=defects)


def _holding_records(
    unit: HazardUnit, holding: Holding, holding_id: str, *, seed: int, today: date, defects: list[PlantedDefect]
) -> Iterator[TimedRecord]:
    """Yield one substance of one unit day by day; what it may hold changes only where the template says so."""
    chance = random.Random(f"{seed}/inventory/{holding_id}")
    phase, mean_share = chance.uniform(0, 2 * math.pi), chance.uniform(0.45, 0.7)
    for day in _inventory_dates(today):
        swing = 0.18 * math.sin(2 * math.pi * day.toordinal() / 23 + phase)
        share = mean_share + swing + random.Random(f"{seed}/inventory/{holding_id}/{day}").uniform(-0.04, 0.04)
        is_defect_day = day.day in _DEFECT_DAYS
        design_t = holding.design_maximum_t
        if design_t is not None and holding.before_enlargement_t is not None and day < _ENLARGED_ON:
            design_t = holding.before_enlargement_t
        record_id = f"KC-{holding_id}-{day:%Y%m%d}"
        record: Record = {
            "record_id": record_id,
            "hazard_unit_id": unit.hazard_unit_id,
            "inventory_date": day.isoformat(),
            "chemical_name": holding.name,
            "cas_no": holding.cas_no,
            "is_mixture": holding.is_mixture,
            "concentration_pct": holding.concentration_pct,
            "reported_classes": holding.reported_classes,
            "design_maximum": design_t,
            "stored_quantity": round((design_t or holding.typical_t) * share, 3),
            "quantity_unit": "t",
            "data_origin": "simulated",
        }
        key: dict[str, str | int] = {"record_id": record_id}
        if holding.defect == planted.UNIT_SLIP:
            record["quantity_unit"] = "kg"
            for name in ("design_maximum", "stored_quantity"):
                record[name] = float(record[name] or 0) * _KILOGRAMS_PER_TONNE
        elif holding.defect == planted.OVERFILLED and is_defect_day and design_t is not None:
            record["stored_quantity"] = round(design_t * 1.06, 3)
        elif holding.defect == planted.MISSING_QUANTITY and is_defect_day:
            record["stored_quantity"] = None
        if holding.defect is not None and is_defect_day:
            truth: dict[str, object] = {"hazard_unit_id": unit.hazard_unit_id, "chemical_name": holding.name}
            defects.append(
                PlantedDefect(f"HZ-{holding.defect}-{record_id}", holding.defect, "hazard_inventories", key, truth)
            )
        reported_at = local_time(day + timedelta(days=1), hour=6, minute=chance.randrange(60))
        yield reported_at, record
        if holding.defect == planted.DUPLICATE_SUBMISSION and is_defect_day:
            yield reported_at + timedelta(minutes=5), {**record, "record_id": f"{record_id}-R"}


def _state_records(
    enterprises: Sequence[Enterprise], seed: int, today: date, defects: list[PlantedDefect]
) -> Iterator[TimedRecord]:
    for enterprise in enterprises:
        habit = random.Random(f"{seed}/management/{enterprise.number}")
        carelessness = habit.choice((0.02, 0.05, 0.05, 0.15, 0.3))
        for day in (today - timedelta(days=back) for back in range(MANAGEMENT_DAYS, -1, -1)):
            chance = random.Random(f"{seed}/management/{enterprise.number}/{day}")
            record_id = f"GL{enterprise.number:04d}-{day:%Y%m%d}"
            is_published = chance.random() > carelessness / 2
            duty_rate: float | None = round(min(1.0, chance.uniform(0.93, 1.0) - carelessness), 3)
            if enterprise.number == 4 and day.day in _DEFECT_DAYS:
                duty_rate = None
                key: dict[str, str | int] = {"record_id": record_id}
                defects.append(
                    PlantedDefect(f"HZ-duty-{record_id}", planted.MISSING_DUTY_RATE, "management_states", key, {})
                )
            yield (
                local_time(day, hour=7 if is_published else 10, minute=chance.randrange(5, 55)),
                {
                    "record_id": record_id,
                    "uscc": enterprise.unified_credit_code,
                    "state_date": day.isoformat(),
                    "overdue_major_dangers": 1 if chance.random() < carelessness / 6 else 0,
                    "overdue_general_dangers": sum(chance.random() < carelessness for _ in range(12)),
                    "is_commitment_published": is_published,
                    "guarantor_duty_rate": duty_rate,
                    "operating_state": _operating_state(enterprise, day),
                    "data_origin": "simulated",
                },
            )


def _operating_state(enterprise: Enterprise, day: date) -> str:
    """Return the state of a plant; a continuous one is overhauled and started up again in one month of seven."""
    if not enterprise.is_continuous or (day.month + enterprise.number) % 7:
        return _NORMAL
    if day.day in _TURNAROUND_DAYS:
        return _TURNAROUND
    return _STARTUP if day.day in _STARTUP_DAYS else _NORMAL
