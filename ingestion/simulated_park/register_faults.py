"""Faults of the register of devices that an audit of its limits must find."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.device_kinds import COMBUSTIBLE_GAS, TOXIC_GAS
from ingestion.simulated_park.device_register import Device, Record
from ingestion.simulated_park.planted_defects import PlantedDefect

FAULTY_SHARE = 0.03
STREAM = "monitoring_devices"


def register_faults(devices: Sequence[Device], *, seed: int) -> tuple[dict[str, Record], list[PlantedDefect]]:
    """Choose about 3 % of the enterprises' devices and say what the register has wrong of them.

    The kinds take turns, so that each is there once there are a few dozen devices.

    Returns:
        The wrong columns by record id, and for each the defect with the right ones.
    """
    own = [device for device in devices if device.uscc is not None]
    chance = random.Random(f"{seed}/register faults")
    chosen = chance.sample(own, round(len(own) * FAULTY_SHARE))
    wrong: dict[str, Record] = {}
    defects: list[PlantedDefect] = []
    for number, device in enumerate(sorted(chosen, key=_is_watched_gas, reverse=True)):
        kind, columns = _fault(device, number)
        right = device.as_record(device.installed_on)
        wrong[device.record_id] = columns
        key: dict[str, str | int] = {"record_id": device.record_id}
        truth: dict[str, object] = {name: right[name] for name in columns}
        defects.append(PlantedDefect(f"MP-device-{device.record_id}", kind, STREAM, key, truth))
    return wrong, defects


def _is_watched_gas(device: Device) -> bool:
    return device.kind in {COMBUSTIBLE_GAS.kind, TOXIC_GAS.kind}


def _fault(device: Device, number: int) -> tuple[str, Record]:
    measure = device.measure
    low, high = measure.alarm_high, measure.alarm_high_high
    if _is_watched_gas(device) and number % 3 == 0:
        loosest = measure.range_high / (4 if device.kind == COMBUSTIBLE_GAS.kind else 3)  # 25 %LEL, the exposure limit
        first, second = round(loosest * 1.4, 3), round(loosest * 2.8, 3)
        return planted.GAS_ALARM_TOO_LOOSE, {"upper_limit": first, "alarm_high": first, "alarm_high_high": second}
    if number % 3 == 1:
        return planted.MISSING_UNIT, {"unit": None}
    if number % 3 == 2 and low is not None and high is not None:
        return planted.LIMITS_OUT_OF_ORDER, {"alarm_high": high, "alarm_high_high": low}
    return planted.RANGE_REVERSED, {"range_low": measure.range_high, "range_high": measure.range_low}
