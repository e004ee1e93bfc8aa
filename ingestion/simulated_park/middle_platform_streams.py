"""What the data middle platform has to offer: its streams as records with a time of update.

A stream is a feed of changes: a correction is a second record with the same `record_id` and a later `update_time`.
Only what was updated by the present moment is there. The dirt of statistics reference §13 is in it: lower-case credit
codes, blanks, taxes in yuan a month late, electricity by account.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.calendar_months import last_complete_month, local_time, month_after, months_from
from ingestion.simulated_park.device_register import Device, Record, park_devices, register_records
from ingestion.simulated_park.enterprises import Enterprise, park_enterprises
from ingestion.simulated_park.hazard_register import hazard_streams
from ingestion.simulated_park.outlet_register import outlet_register_devices
from ingestion.simulated_park.park_economy import MonthlyFigures, monthly_figures
from ingestion.simulated_park.planted_defects import PlantedDefect
from ingestion.simulated_park.production_index import SECTOR_NAMES, has_production_index, read_production_index
from ingestion.simulated_park.register_faults import register_faults
from ingestion.simulated_park.replayed_plants import replayed_devices
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

MONTH_COUNT = 60

_CORRECTED_EVERY = 17  # one tax or electricity record in so many is corrected weeks later


@dataclass(frozen=True)
class PlatformStream:
    """A stream: its Chinese title and its records in the order of update time and record id."""

    name: str
    title: str
    records: tuple[Record, ...]


def platform_streams(
    *, seed: int, size: ParkSize, present: datetime, replay_dir: Path | None = None
) -> dict[str, PlatformStream]:
    """Return all streams by name; `production_index` only where the folder of real series has one.

    Args:
        seed: Seed of the simulated park.
        size: Size of the simulated park.
        present: Records updated later are not there yet.
        replay_dir: Folder of real series, or None.
    """
    streams = [stream for stream, _ in _simulated_streams(seed=seed, size=size, present=present, replay_dir=replay_dir)]
    if replay_dir is not None and has_production_index(replay_dir):
        streams.append(_stream("production_index", "工业生产指数", _index_records(replay_dir), present))
    return {stream.name: stream for stream in streams}


def platform_ground_truth(*, seed: int, size: ParkSize, present: datetime) -> list[PlantedDefect]:
    """Return what was planted in the simulated streams that are visible at the present moment."""
    visible: list[PlantedDefect] = []
    for stream, defects in _simulated_streams(seed=seed, size=size, present=present):
        versions = Counter(record["record_id"] for record in stream.records)
        for defect in defects:
            # A correction that has not come yet is nothing anybody could find.
            needed = 2 if defect.kind == planted.LATE_CORRECTION else 1
            if versions[defect.key["record_id"]] >= needed:
                visible.append(defect)
    return visible


def _simulated_streams(
    *, seed: int, size: ParkSize, present: datetime, replay_dir: Path | None = None
) -> Iterator[tuple[PlatformStream, list[PlantedDefect]]]:
    enterprises = park_enterprises(seed=seed, size=size)
    last = last_complete_month(present)
    months = months_from(month_after(last, 1 - MONTH_COUNT), last)
    figures = {
        enterprise.number: monthly_figures(enterprise, seed=seed, first=months[0], last=last)
        for enterprise in enterprises
    }
    defects: list[PlantedDefect] = []
    yield _stream("enterprises", "法人库", _enterprise_records(enterprises, seed, defects), present), defects
    invented = park_devices(seed=seed, size=size)
    devices = [*invented, *replayed_devices(replay_dir), *outlet_register_devices(seed=seed, size=size)]
    wrong, defects = register_faults(invented, seed=seed)
    yield _stream("monitoring_devices", "监测设备", _device_records(devices, wrong, seed, present), present), defects
    for hazard in hazard_streams(enterprises, seed=seed, present=present):
        yield _stream(hazard.name, hazard.title, hazard.records, present), hazard.defects
    for name, title, records_of in (
        ("tax_monthly", "月度税收", _tax_record),
        ("electricity_monthly", "月度用电", _electricity_record),
    ):
        defects = []
        records = _monthly_records(
            name, records_of, enterprises, months=months, figures=figures, seed=seed, defects=defects
        )
        yield _stream(name, title, records, present), defects


def _stream(name: str, title: str, records: Iterable[tuple[datetime, Record]], present: datetime) -> PlatformStream:
    visible = [
        {**record, "update_time": updated_at.astimezone(PARK_TIME_ZONE).isoformat(timespec="seconds")}
        for updated_at, record in records
        if updated_at <= present
    ]
    visible.sort(key=lambda record: (str(record["update_time"]), str(record["record_id"])))
    return PlatformStream(name, title, tuple(visible))


def _enterprise_records(
    enterprises: Sequence[Enterprise], seed: int, defects: list[PlantedDefect]
) -> Iterator[tuple[datetime, Record]]:
    for enterprise in enterprises:
        chance = random.Random(f"{seed}/legal entity/{enterprise.number}")
        record_id = f"FR{enterprise.number:04d}"
        code, name = enterprise.unified_credit_code, enterprise.name
        is_corrected = enterprise.number % 5 == 1
        key: dict[str, str | int] = {"record_id": record_id}
        if enterprise.number % 6 == 2:
            truth: dict[str, object] = {"uscc": code}
            defects.append(PlantedDefect(f"MP-code-{record_id}", planted.UNTIDY_CREDIT_CODE, "enterprises", key, truth))
            code = code.lower()
        if enterprise.number % 6 == 5:
            truth = {"enterprise_name": name}
            defects.append(PlantedDefect(f"MP-name-{record_id}", planted.UNTIDY_NAME, "enterprises", key, truth))
            name = f" {name}　"
        record: Record = {
            "record_id": record_id,
            "uscc": code,
            "enterprise_name": name,
            "registration_class_code": enterprise.registration_class,
            "registration_class_name": enterprise.registration_class_name,
            "industry_code": enterprise.industry_code,
            "industry_name": enterprise.industry_name,
            "main_products": enterprise.main_products,
            "zone_id": enterprise.zone.zone_id,
            "longitude": enterprise.longitude,
            "latitude": enterprise.latitude,
            "coordinate_system": "WGS-84",
            "established_on": enterprise.established_on.isoformat(),
            "registered_capital_yuan": enterprise.registered_capital_yuan,
            "staff_count": round(enterprise.staff_count * 0.96)
            if enterprise.number % 5 == 1
            else enterprise.staff_count,
            "land_area_m2": enterprise.land_area_m2,
            "contact_name": enterprise.contact_name,
            "contact_phone": enterprise.contact_phone,
            "business_status": "存续",
            "data_origin": "simulated",
        }
        entered_at = local_time(date(2020, 1, 6) + timedelta(days=chance.randrange(300)), hour=chance.randrange(8, 18))
        yield entered_at, record
        if is_corrected:
            corrected_at = entered_at + timedelta(days=400 + chance.randrange(600), minutes=chance.randrange(60))
            truth = {"staff_count": enterprise.staff_count}
            defects.append(PlantedDefect(f"MP-late-{record_id}", planted.LATE_CORRECTION, "enterprises", key, truth))
            yield corrected_at, {**record, "staff_count": enterprise.staff_count}


def _device_records(
    devices: Sequence[Device], wrong: Mapping[str, Record], seed: int, present: datetime
) -> Iterator[tuple[datetime, Record]]:
    """Yield the register of devices with what stands wrong in it."""
    for updated_at, record in register_records(devices, seed=seed, present=present):
        yield updated_at, {**record, **wrong.get(str(record["record_id"]), {})}


_RecordOf = Callable[[Enterprise, MonthlyFigures, date], list[Record]]


def _monthly_records(
    stream: str,
    records_of: _RecordOf,
    enterprises: Sequence[Enterprise],
    *,
    months: Sequence[date],
    figures: dict[int, dict[date, MonthlyFigures]],
    seed: int,
    defects: list[PlantedDefect],
) -> Iterator[tuple[datetime, Record]]:
    """Yield every firm's months a month late, some of them first wrong and corrected weeks later."""
    for enterprise in enterprises:
        for month in months:
            chance = random.Random(f"{seed}/{stream}/{enterprise.number}/{month}")
            arrived_at = local_time(
                month_after(month, 1) + timedelta(days=chance.randrange(9, 20)),
                hour=chance.randrange(8, 18),
                second=chance.randrange(3600),
            )
            is_corrected = chance.randrange(_CORRECTED_EVERY) == 0
            for record in records_of(enterprise, figures[enterprise.number][month], month):
                if not is_corrected:
                    yield arrived_at, record
                    continue
                yield arrived_at, _understated(record)
                yield arrived_at + timedelta(days=chance.randrange(20, 45)), record
                key: dict[str, str | int] = {"record_id": str(record["record_id"])}
                truth: dict[str, object] = {name: record[name] for name in _AMOUNTS if name in record}
                defects.append(
                    PlantedDefect(f"MP-late-{record['record_id']}", planted.LATE_CORRECTION, stream, key, truth)
                )


_AMOUNTS = ("vat_yuan", "income_tax_yuan", "other_tax_yuan", "total_tax_yuan", "consumption_kwh")


def _understated(record: Record) -> Record:
    """Return the record as it first came: 5 % of the amounts had not been booked yet."""
    first = dict(record)
    for name in _AMOUNTS:
        amount = record.get(name)
        if isinstance(amount, int | float):
            first[name] = round(amount * 0.95, 2) if isinstance(amount, float) else round(amount * 0.95)
    return first


def _tax_record(enterprise: Enterprise, figure: MonthlyFigures, month: date) -> list[Record]:
    taxes = (figure.vat_paid_yuan, figure.income_tax_paid_yuan, figure.other_tax_paid_yuan)
    return [
        {
            "record_id": f"SS{enterprise.number:04d}-{month:%Y%m}",
            "taxpayer_id": enterprise.unified_credit_code,
            "period": f"{month:%Y%m}",
            "vat_yuan": taxes[0],
            "income_tax_yuan": taxes[1],
            "other_tax_yuan": taxes[2],
            "total_tax_yuan": round(sum(taxes), 2),
            "data_origin": "simulated",
        }
    ]


def _electricity_record(enterprise: Enterprise, figure: MonthlyFigures, month: date) -> list[Record]:
    """Return the month by account: every third firm has two accounts, and some accounts carry no credit code."""
    shares = (0.72, 0.28) if enterprise.number % 3 == 1 else (1.0,)
    records: list[Record] = []
    for place, share in enumerate(shares, start=1):
        account = f"3199{enterprise.number:05d}{place}"
        records.append(
            {
                "record_id": f"{account}-{month:%Y%m}",
                "account_no": account,
                "account_name": enterprise.name,
                "uscc": None if enterprise.number % 8 == 4 else enterprise.unified_credit_code,
                "period": f"{month:%Y%m}",
                "consumption_kwh": round(figure.electricity_kwh * share),
                "data_origin": "simulated",
            }
        )
    return records


def _index_records(replay_dir: Path) -> Iterator[tuple[datetime, Record]]:
    for item in read_production_index(replay_dir):
        yield (
            item.published_at,
            {
                "record_id": f"IPI-{item.sector}-{item.month:%Y%m}",
                "sector": item.sector,
                "sector_name": SECTOR_NAMES.get(item.sector, item.sector),
                "period": f"{item.month:%Y%m}",
                "index_value": item.value,
                "is_seasonally_adjusted": False,
                "data_origin": "replayed",
            },
        )
