"""The register of monitoring devices: which device stands where, watches what, and within which limits.

A device measures one quantity of one object, such as the level of a tank; several devices of one object that measure
the same quantity form a redundancy group. The register is a feed: a device is entered once and again with every yearly
verification, and the newest record counts.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache

from ingestion.simulated_park import device_kinds as kinds
from ingestion.simulated_park.air_factors import AIR_FACTORS, AirFactor
from ingestion.simulated_park.calendar_months import local_time
from ingestion.simulated_park.device_kinds import DeviceKind, Measure
from ingestion.simulated_park.enterprises import Enterprise, park_enterprises
from ingestion.simulated_park.park_geometry import AIR_STATIONS, AirStation, zone_at
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

Record = dict[str, str | int | float | bool | None]

POINT_COUNT = {ParkSize.SMALL: 600, ParkSize.PARK: 25_000}
IN_USE, OUT_OF_USE, IN_REPAIR = "在用", "停用", "检修"
AIR_STATION_KIND = "air_station"

_REGISTER_OPENED = date(2020, 1, 6)
_FIRST_VERIFIED_YEAR = 2025  # verifications of earlier years were kept on paper
_VERIFICATION_SKIPPED_SHARE = 0.06
_POINTS_PER_GATEWAY = {ParkSize.SMALL: 24, ParkSize.PARK: 96}
_TANKS_ONLY = ("5941", "5942")  # storage firms, GB/T 4754
_MET_MASTS = (AirStation("M01", "北气象站", 121.4480, 30.8118), AirStation("M02", "南气象站", 121.4302, 30.7812))
_AIR_VITALS = {
    "so2": "ENV-AQ-01", "no2": "ENV-AQ-02", "co": "ENV-AQ-03", "o3": "ENV-AQ-04", "pm10": "ENV-AQ-05",
    "pm25": "ENV-AQ-06", "wind_direction": "ENV-ME-01", "air_temperature": "ENV-ME-02", "air_pressure": "ENV-ME-04",
    "wind_speed": "ENV-ME-06",
}  # fmt: skip
_AIR_RANGES = {
    "so2": (0, 1430), "no2": (0, 1030), "co": (0, 62_500), "o3": (0, 1070), "pm10": (0, 1000), "pm25": (0, 1000),
    "wind_direction": (0, 360), "air_temperature": (-40, 60), "air_pressure": (800, 1100), "wind_speed": (0, 60),
}  # fmt: skip


@dataclass(frozen=True)
class WatchedObject:
    """What a device watches: a tank, a unit, a gas point, a station, with its place in WGS-84 degrees."""

    object_id: str
    object_name: str
    object_kind: str
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Device:
    """A device as it really is, with what the register says of it.

    `measure` is right; what the register says wrongly is planted by `register_faults`. `load_key` names what drives
    its quantity beside the weather, such as an enterprise's load.
    """

    record_id: str
    device_name: str
    kind: str
    watched: WatchedObject
    measure: Measure
    uscc: str | None
    zone_id: str
    gateway_id: str
    load_key: str
    maker: str
    model: str
    installed_on: date
    status: str
    redundancy_group: str | None = None
    data_origin: str = "simulated"

    @property
    def quantity_key(self) -> str:
        """Name of the quantity; devices of one redundancy group share it."""
        return self.redundancy_group or self.record_id

    def as_record(self, verified_on: date) -> Record:
        """Return the register's record of the device."""
        measure = self.measure
        return {
            "record_id": self.record_id,
            "device_name": self.device_name,
            "device_kind": self.kind,
            "factor_code": measure.factor_code,
            "unit": measure.unit,
            "upper_limit": measure.alarm_high,
            "uscc": self.uscc,
            "zone_id": self.zone_id,
            "longitude": self.watched.longitude,
            "latitude": self.watched.latitude,
            "installed_on": self.installed_on.isoformat(),
            "device_status": self.status,
            "vital_code": measure.vital_code,
            "sensing_mode": "IOT",
            "maker": self.maker,
            "model": self.model,
            "gateway_id": self.gateway_id,
            "object_id": self.watched.object_id,
            "object_name": self.watched.object_name,
            "object_kind": self.watched.object_kind,
            "range_low": measure.range_low,
            "range_high": measure.range_high,
            "operating_low": measure.operating_low,
            "operating_high": measure.operating_high,
            "period_s": measure.period_s,
            "accuracy": measure.accuracy,
            "redundancy_group": self.redundancy_group,
            "verified_on": verified_on.isoformat(),
            "alarm_low_low": measure.alarm_low_low,
            "alarm_low": measure.alarm_low,
            "alarm_high": measure.alarm_high,
            "alarm_high_high": measure.alarm_high_high,
            "data_origin": self.data_origin,
        }


@cache
def park_devices(*, seed: int, size: ParkSize) -> tuple[Device, ...]:
    """Return the invented devices of the park: stations first, then each enterprise's, `POINT_COUNT` in all."""
    stations = [*_air_station_devices(), *_boundary_devices(seed), *_met_mast_devices(seed)]
    enterprises = park_enterprises(seed=seed, size=size)
    weights = [1 + 40 * enterprise.output_share for enterprise in enterprises]
    chance = random.Random(f"{seed}/devices/{size}")
    owners = Counter(chance.choices(range(len(enterprises)), weights, k=POINT_COUNT[size] - len(stations)))
    devices = list(stations)
    number = 1
    for place, enterprise in enumerate(enterprises):
        own = _enterprise_devices(enterprise, owners[place], number, seed, size)
        devices += own
        number += len(own)
    return tuple(devices)


def register_records(devices: Sequence[Device], *, seed: int, present: datetime) -> Iterator[tuple[datetime, Record]]:
    """Yield the records of the devices with their times of update, as right as the devices are.

    Args:
        devices: The devices.
        seed: Seed of the simulated park.
        present: Verifications up to the year of this moment are in the register.
    """
    last_year = present.astimezone(PARK_TIME_ZONE).year
    for number, device in enumerate(devices):
        chance = random.Random(f"{seed}/register/{device.record_id}")
        entered_on = max(
            device.installed_on + timedelta(days=chance.randrange(5, 60)),
            _REGISTER_OPENED + timedelta(days=chance.randrange(300)),
        )
        yield local_time(entered_on, hour=10, second=number % 3600), device.as_record(device.installed_on)
        day_of_year = chance.randrange(340)
        for year in range(_FIRST_VERIFIED_YEAR, last_year + 1):
            verified_on = date(year, 1, 5) + timedelta(days=day_of_year)
            if chance.random() >= _VERIFICATION_SKIPPED_SHARE and device.status != OUT_OF_USE:
                entered_at = local_time(verified_on + timedelta(days=4), hour=15, second=number % 3600)
                yield entered_at, device.as_record(verified_on)


def _air_station_devices() -> Iterator[Device]:
    for station in AIR_STATIONS:
        for factor in AIR_FACTORS:
            name = f"{station.station_name}{factor.pollutant_code}分析仪"
            yield _station_device(
                station, f"{station.station_id}-{factor.factor_code}", name, AIR_STATION_KIND, _air_measure(factor)
            )


def _air_measure(factor: AirFactor) -> Measure:
    low, high = _AIR_RANGES[factor.pollutant_code]
    return Measure(
        _AIR_VITALS[factor.pollutant_code], factor.source_unit, low, high, low, high, round((high - low) * 0.01, 3),
        factor.decimals, 0, 0, factor_code=factor.factor_code, period_s=3600,
    )  # fmt: skip


def _boundary_devices(seed: int) -> Iterator[Device]:
    measure, kind = kinds.boundary_voc_measure(), kinds.BOUNDARY_VOC
    for station in AIR_STATIONS:
        device = _station_device(
            station, f"{station.station_id}-{measure.factor_code}", f"{station.station_name}{kind.title}", kind.kind,
            measure,
        )  # fmt: skip
        watched = replace(
            device.watched,
            object_id=f"B{station.station_id[1:]}",
            object_name=station.station_name.replace("空气站", "厂界站"),
            object_kind="boundary_station",
        )
        chance = random.Random(f"{seed}/boundary/{station.station_id}")
        yield replace(device, watched=watched, maker=_maker(kind, chance), model=_model(kind, chance))


def _met_mast_devices(seed: int) -> Iterator[Device]:
    kind = kinds.METEOROLOGY
    for mast in _MET_MASTS:
        for title, measure in kinds.METEOROLOGY_MEASURES.items():
            device = _station_device(
                mast, f"{mast.station_id}-{measure.vital_code}", f"{mast.station_name}{title}传感器", kind.kind, measure
            )
            chance = random.Random(f"{seed}/mast/{device.record_id}")
            watched = replace(device.watched, object_kind="met_mast")
            yield replace(device, watched=watched, maker=_maker(kind, chance), model=_model(kind, chance))


def _station_device(station: AirStation, record_id: str, name: str, kind: str, measure: Measure) -> Device:
    return Device(
        record_id=record_id,
        device_name=name,
        kind=kind,
        watched=WatchedObject(
            station.station_id, station.station_name, AIR_STATION_KIND, station.longitude, station.latitude
        ),
        measure=measure,
        uscc=None,
        zone_id=zone_at(station.longitude, station.latitude).zone_id,
        gateway_id=f"GW-{station.station_id}",
        load_key="park",
        maker=kinds.MAKERS[1],
        model="AQ-500",
        installed_on=date(2012, 12, 1),
        status=IN_USE,
    )


@dataclass(frozen=True)
class _Place:
    """A device that is still without number: what it watches and how."""

    kind: DeviceKind
    title: str
    watched: WatchedObject
    measure: Measure
    group: str | None


def _enterprise_devices(
    enterprise: Enterprise, count: int, first_number: int, seed: int, size: ParkSize
) -> list[Device]:
    chance = random.Random(f"{seed}/devices/{size}/{enterprise.number}")
    places: list[_Place] = []
    tanks = units = 0
    while len(places) < count:
        if enterprise.industry_code in _TANKS_ONLY or chance.random() < 0.62:
            tanks += 1
            near = _watched(enterprise, f"T-{100 + tanks}", "储罐", "tank", chance)
            places += _tank_places(near, chance)
        else:
            units += 1
            near = _watched(enterprise, f"U-{units:02d}", "装置", "unit", chance)
            places += _unit_places(near, chance)
        places += _gas_places(enterprise, near, len(places), chance)
    places = places[:count]
    members = Counter(place.group for place in places)
    devices = []
    for index, place in enumerate(places):
        group = place.group if members[place.group] > 1 else None  # the last group may have lost its others
        devices.append(
            Device(
                record_id=f"D{first_number + index:06d}",
                device_name=place.title,
                kind=place.kind.kind,
                watched=place.watched,
                measure=place.measure,
                uscc=enterprise.unified_credit_code,
                zone_id=enterprise.zone.zone_id,
                gateway_id=f"GW-{enterprise.enterprise_code}-{1 + index // _POINTS_PER_GATEWAY[size]:02d}",
                load_key=enterprise.enterprise_code,
                maker=_maker(place.kind, chance),
                model=_model(place.kind, chance),
                installed_on=date(2015, 1, 1) + timedelta(days=chance.randrange(3000)),
                status=chance.choices((IN_USE, OUT_OF_USE, IN_REPAIR), (95, 3, 2))[0],
                redundancy_group=group,
            )
        )
    return devices


def _tank_places(tank: WatchedObject, chance: random.Random) -> Iterator[_Place]:
    gauges = chance.choices((1, 2, 3), (60, 25, 15))[0]
    yield from _redundant(tank, kinds.TANK_LEVEL, "液位计", kinds.level_measure(), gauges)
    yield from _redundant(tank, kinds.TEMPERATURE, "温度变送器", kinds.tank_temperature_measure(chance))
    pressure = kinds.tank_pressure_measure(chance)
    yield from _redundant(tank, kinds.PRESSURE, "压力变送器", pressure, chance.choices((1, 2, 3), (84, 12, 4))[0])


def _unit_places(unit: WatchedObject, chance: random.Random) -> Iterator[_Place]:
    for stage in ("反应段", "分离段"):
        yield from _redundant(unit, kinds.TEMPERATURE, f"{stage}温度变送器", kinds.unit_temperature_measure(chance))
    pressure = kinds.unit_pressure_measure(chance)
    yield from _redundant(unit, kinds.PRESSURE, "压力变送器", pressure, chance.choices((1, 2, 3), (60, 22, 18))[0])
    for stream in ("进料", "出料", "循环"):
        yield from _redundant(unit, kinds.FLOW, f"{stream}流量计", kinds.flow_measure(chance))


def _redundant(
    watched: WatchedObject, kind: DeviceKind, title: str, measure: Measure, count: int = 1
) -> Iterator[_Place]:
    group = f"{watched.object_id}-{kind.model}" if count > 1 else None
    for letter in "ABC"[:count]:
        name = f"{watched.object_name}{title}{letter if group else ''}"
        yield _Place(kind, name, watched, measure, group)


def _gas_places(enterprise: Enterprise, near: WatchedObject, number: int, chance: random.Random) -> Iterator[_Place]:
    gases = kinds.toxic_gases_of(enterprise.main_products)
    combustible, toxic = chance.randint(1, 3), chance.randint(0, 2)
    oxygen = 1 if chance.random() < 0.15 else 0
    for index in range(combustible + toxic + oxygen):
        if index < combustible:
            kind, title, measure = kinds.COMBUSTIBLE_GAS, "可燃气体", kinds.combustible_measure(chance)
        elif index < combustible + toxic:
            gas = chance.choice(gases)
            kind, title, measure = kinds.TOXIC_GAS, gas.title, kinds.toxic_measure(gas, chance)
        else:
            kind, title, measure = kinds.OXYGEN, "氧气", kinds.oxygen_measure()
        watched = WatchedObject(
            f"{enterprise.enterprise_code}-G{number + index + 1:04d}",
            f"{near.object_name}旁{title}探测点{index + 1}",
            "gas_point",
            round(near.longitude + chance.uniform(-0.0001, 0.0001), 6),
            round(near.latitude + chance.uniform(-0.0001, 0.0001), 6),
        )
        yield _Place(kind, watched.object_name.replace("探测点", "探测器"), watched, measure, None)


def _watched(enterprise: Enterprise, tag: str, title: str, kind: str, chance: random.Random) -> WatchedObject:
    return WatchedObject(
        f"{enterprise.enterprise_code}-{tag.replace('-', '')}",
        f"{enterprise.name.removeprefix('示范').removesuffix('有限公司')}{tag}{title}",
        kind,
        round(enterprise.longitude + chance.uniform(-0.0008, 0.0008), 6),
        round(enterprise.latitude + chance.uniform(-0.0008, 0.0008), 6),
    )


def _maker(kind: DeviceKind, chance: random.Random) -> str:
    return kinds.MAKERS[chance.choice(kind.makers)]


def _model(kind: DeviceKind, chance: random.Random) -> str:
    return f"{kind.model}-{chance.choice((200, 300, 500))}"
