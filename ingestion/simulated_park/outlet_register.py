"""The devices of the simulated outlets in the register: one for every factor that a data logger sends.

An HJ 212 frame names factors and no units; what a value is counted in is bound to the device number and the factor
here, in the register. The limits are what the invented enterprises wrote into it, and no limits of a standard.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.simulated_park.device_kinds import MAKERS, DeviceKind, Measure
from ingestion.simulated_park.device_register import IN_USE, Device, WatchedObject
from ingestion.simulated_park.enterprises import Enterprise, park_enterprises
from ingestion.simulated_park.outlet_devices import DEVICES, STEP, Factor, OutletDevice
from lakehouse.settings import ParkSize

OUTLET = DeviceKind("outlet", "排口在线监测仪", "CM", (0, 2, 4))
PERIOD_S = 2 * int(STEP.total_seconds())  # a message with means (CN 2051) speaks of two steps

_STACK, _WATER_OUTLET = "outlet", "water_outlet"  # kinds of objects
_OBJECT_KINDS = {"31": _STACK, "32": _WATER_OUTLET}  # by ST, the type of station
_STEADY_NOISES = 7.0  # three standard deviations of a wander that keeps nine tenths of itself at every step


@dataclass(frozen=True)
class _Analyser:
    """What measures a factor: its title, vital, unit, range, accuracy in that unit, and the limits reported for it."""

    title: str
    vital_code: str
    unit: str
    range_low: float
    range_high: float
    accuracy: float
    alarm_low: float | None = None
    alarm_high: float | None = None


_ANALYSERS = {
    "a21026": _Analyser("二氧化硫", "ENV-CE-01", "mg/m3", 0, 200, 4, alarm_high=50),
    "a21002": _Analyser("氮氧化物", "ENV-CE-02", "mg/m3", 0, 300, 6, alarm_high=100),
    "a34013": _Analyser("颗粒物", "ENV-CE-03", "mg/m3", 0, 50, 1, alarm_high=20),
    "a24088": _Analyser("非甲烷总烃", "ENV-CE-04", "mg/m3", 0, 200, 4, alarm_high=70),
    "a19001": _Analyser("含氧量", "ENV-CE-05", "%VOL", 0, 25, 0.5),
    "a00000": _Analyser("烟气流量", "ENV-CE-06", "m3/s", 0, 100, 1),
    "a01012": _Analyser("烟气温度", "ENV-CE-07", "degC", 0, 300, 3),
    "a01011": _Analyser("烟气流速", "ENV-CE-08", "m/s", 0, 40, 0.5),
    "a01013": _Analyser("烟气静压", "ENV-CE-09", "Pa", -1000, 1000, 20),
    "a01014": _Analyser("烟气湿度", "ENV-CE-10", "%", 0, 40, 1),
    "a21005": _Analyser("一氧化碳", "ENV-CE-11", "mg/m3", 0, 500, 10, alarm_high=100),
    "a21024": _Analyser("氯化氢", "ENV-CE-12", "mg/m3", 0, 50, 1, alarm_high=30),
    "w01001": _Analyser("pH", "ENV-WW-01", "pH", 0, 14, 0.1, alarm_low=6, alarm_high=9),
    "w01018": _Analyser("化学需氧量", "ENV-WW-02", "mg/L", 0, 200, 5, alarm_high=60),
    "w21003": _Analyser("氨氮", "ENV-WW-03", "mg/L", 0, 20, 0.2, alarm_high=8),
    "w00000": _Analyser("流量", "ENV-WW-06", "L/s", 0, 50, 0.5),
}


def outlet_register_devices(*, seed: int, size: ParkSize) -> list[Device]:
    """Return a device for every factor of every simulated outlet; its record_id is `<device number>-<factor code>`.

    Args:
        seed: Seed of the simulated park.
        size: Size of the simulated park.
    """
    enterprises = {enterprise.enterprise_code: enterprise for enterprise in park_enterprises(seed=seed, size=size)}
    return [
        _device(outlet, factor, enterprises[outlet.enterprise_code], seed)
        for outlet in DEVICES
        for factor in outlet.factors
    ]


def _device(outlet: OutletDevice, factor: Factor, enterprise: Enterprise, seed: int) -> Device:
    analyser = _ANALYSERS[factor.code]
    watched = _watched(outlet, enterprise, seed)
    # A logger and its analysers are bought and built in together.
    chance = random.Random(f"{seed}/outlet/register/{outlet.device_number}")
    return Device(
        record_id=f"{outlet.device_number}-{factor.code}",
        device_name=f"{watched.object_name}{analyser.title}监测仪",
        kind=OUTLET.kind,
        watched=watched,
        measure=_measure(analyser, factor),
        uscc=enterprise.unified_credit_code,
        zone_id=enterprise.zone.zone_id,
        gateway_id=outlet.gateway,
        load_key=enterprise.enterprise_code,
        maker=MAKERS[chance.choice(OUTLET.makers)],
        model=f"{OUTLET.model}-{chance.choice((200, 300, 500))}",
        installed_on=date(2018, 1, 1) + timedelta(days=chance.randrange(2000)),
        status=IN_USE,
    )


def _watched(outlet: OutletDevice, enterprise: Enterprise, seed: int) -> WatchedObject:
    chance = random.Random(f"{seed}/outlet/place/{outlet.device_number}")
    name = enterprise.name.removeprefix("示范").removesuffix("有限公司")
    return WatchedObject(
        f"{enterprise.enterprise_code}-{outlet.device_number.partition(enterprise.enterprise_code)[2][:3]}01",
        f"{name}{outlet.outlet_name}",
        _OBJECT_KINDS[outlet.station_type],
        round(enterprise.longitude + chance.uniform(-0.0008, 0.0008), 6),
        round(enterprise.latitude + chance.uniform(-0.0008, 0.0008), 6),
    )


def _measure(analyser: _Analyser, factor: Factor) -> Measure:
    usual = factor.swing + _STEADY_NOISES * factor.noise
    return Measure(
        analyser.vital_code,
        analyser.unit,
        analyser.range_low,
        analyser.range_high,
        round(max(factor.level - usual, analyser.range_low), 3),
        round(min(factor.level + usual, analyser.range_high), 3),
        analyser.accuracy,
        factor.decimals,
        factor.level,
        factor.swing,
        alarm_low=analyser.alarm_low,
        alarm_high=analyser.alarm_high,
        factor_code=factor.code,
        period_s=PERIOD_S,
    )
