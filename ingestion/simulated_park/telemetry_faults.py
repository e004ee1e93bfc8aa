"""Faults of telemetry, planted into a day's readings with the answer that a steward should find.

A day's faults depend on the day alone: the calendar runs through a cycle of fourteen days, each with its own kinds, so
two weeks of archive hold every kind and a day that has been written never changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from ingestion.simulated_park import device_kinds as kinds
from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.device_register import IN_USE, Device
from ingestion.simulated_park.planted_defects import PlantedDefect
from ingestion.simulated_park.telemetry_readings import Places, Readings
from ingestion.simulated_park.telemetry_signals import DAY, HOUR, day_start
from lakehouse.settings import PARK_TIME_ZONE

CYCLE_DAYS = 14
TABLE = "point_readings"
UNKNOWN_UNIT_TEXT = "刻度"

_PROCESS = (kinds.TEMPERATURE.kind, kinds.PRESSURE.kind, kinds.FLOW.kind, kinds.TANK_LEVEL.kind)
_STEADY = (kinds.TEMPERATURE.kind, kinds.PRESSURE.kind, kinds.FLOW.kind)
_FIRST_MINUTE, _LAST_MINUTE = 120, 1080  # faults of single points begin between 02:00 and 18:00
_DRIFT_DAYS = (4, 9)  # days of the cycle, both included
_DRIFT_IN_ACCURACIES = 12.0
_LONG_GAP_DAY = 7  # of the cycle; the gap runs from noon to 18:00 of the day after


@dataclass(frozen=True)
class PlannedFault:
    """A fault before it is planted: what, where, when (Unix seconds, end excluded)."""

    kind: str
    device: Device
    first_s: int
    last_s: int
    variant: str = ""

    @property
    def points_key(self) -> dict[str, str | int]:
        """Where a steward finds it."""
        return {"point_id": self.device.record_id, "first_at": iso(self.first_s)}


@dataclass
class PlantedRows:
    """What planting leaves beside the rows in place.

    Attributes:
        tail: Rows that arrived after all others and stand at the end of the file.
        late: Rows that came as a second file on the day after.
        removed: Rows that never came, or not in this place.
        defects: What was planted.
    """

    tail: list[Readings] = field(default_factory=list)
    late: list[Readings] = field(default_factory=list)
    removed: list[Places] = field(default_factory=list)
    defects: list[PlantedDefect] = field(default_factory=list)


def day_of_cycle(day: date) -> int:
    """Return the place of a day in the cycle of faults, 0 to 13."""
    return day.toordinal() % CYCLE_DAYS


def iso(second: int) -> str:
    """Return a Unix time as ISO 8601 in Asia/Shanghai."""
    return datetime.fromtimestamp(second, PARK_TIME_ZONE).isoformat()


def silent_points(devices: Sequence[Device], *, seed: int) -> frozenset[str]:
    """Return the points that have been registered as in use and never sent anything: about one in 200."""
    own = [device.record_id for device in devices if device.uscc is not None and device.status == IN_USE]
    return frozenset(random.Random(f"{seed}/silent points").sample(own, len(own) // 200))


@dataclass(frozen=True)
class _Rule:
    """On which days of the cycle a kind is planted, how often, into which devices and for how many minutes."""

    kind: str
    days: tuple[int, ...]
    count: int
    minutes: tuple[int, int]
    device_kinds: tuple[str, ...] = _PROCESS
    variants: tuple[str, ...] = ("",)


_EVERY_DAY = tuple(range(CYCLE_DAYS))
_RULES = (
    _Rule(planted.SPIKE, _EVERY_DAY, 2, (1, 1)),
    _Rule(planted.FLAT_LINE, (1, 4, 7, 10, 12, 13), 1, (45, 180), _STEADY),
    _Rule(planted.STUCK_AT_RANGE_END, (2, 9, 13), 1, (120, 300), _STEADY, ("range_high", "range_low", "range_high")),
    _Rule(planted.UNIT_JUMP, (3,), 1, (60, 90), (kinds.FLOW.kind,), ("10",)),
    _Rule(planted.UNIT_JUMP, (11,), 1, (60, 90), (kinds.PRESSURE.kind,), ("1000",)),
    _Rule(planted.UNUSABLE_VALUE, (5, 12), 1, (4, 4), _STEADY),
    _Rule(planted.DATED_TOMORROW, (6, 13), 1, (4, 4)),
    _Rule(planted.CLOCK_JUMPED_BACK, (8,), 1, (60, 60)),
    _Rule(planted.DUPLICATE_EQUAL, (0, 7), 1, (5, 5)),
    _Rule(planted.DUPLICATE_DIFFERS, (1, 10), 1, (3, 3)),
    _Rule(planted.OUT_OF_ORDER, (2, 11), 1, (20, 20)),
    _Rule(planted.LATE_ROWS, (4, 9), 1, (30, 30)),
    _Rule(planted.LATE_FILE, (6, 12), 1, (40, 40)),
    _Rule(planted.GAP_OF_POINT, (0, 5, 10), 1, (120, 360)),
    _Rule(planted.GAP_OF_GATEWAY, (3, 8), 1, (45, 150)),
    _Rule(planted.SOURCE_FLAG, (1,), 1, (120, 120), _STEADY, ("M",)),
    _Rule(planted.SOURCE_FLAG, (4,), 1, (12, 12), (kinds.COMBUSTIBLE_GAS.kind,), ("C",)),
    _Rule(planted.SOURCE_FLAG, (6,), 1, (90, 90), _STEADY, ("D",)),
    _Rule(planted.SOURCE_FLAG, (9,), 1, (15, 15), (kinds.PRESSURE.kind, kinds.FLOW.kind), ("T",)),
    _Rule(planted.SOURCE_FLAG, (11,), 1, (60, 60), _PROCESS, ("B",)),
    _Rule(planted.UNKNOWN_POINT, (5,), 1, (60, 60)),
    _Rule(planted.UNKNOWN_UNIT, (8,), 1, (90, 90), _STEADY),
)


def plan_day(devices: Sequence[Device], day: date, *, seed: int) -> list[PlannedFault]:
    """Return the faults of a day at the given devices; no device and no gateway has two of them.

    Args:
        devices: Devices that send on this day and whose files arrive whole.
        day: The business date.
        seed: Seed of the simulated park.
    """
    place = day_of_cycle(day)
    pool = [device for device in devices if device.uscc is not None and device.status == IN_USE]
    faults = [*_drift(pool, day, seed), *_long_gap(pool, day, seed)]
    taken = {fault.device.record_id for fault in faults}
    for number, rule in enumerate(_RULES):
        if place not in rule.days:
            continue
        chance = random.Random(f"{seed}/telemetry faults/{day}/{number}")
        for _ in range(rule.count):
            fits = [one for one in pool if one.kind in rule.device_kinds and one.record_id not in taken]
            if rule.kind == planted.UNIT_JUMP and rule.variants == ("1000",):
                fits = [one for one in fits if one.measure.unit == "MPa"] or fits
            if not fits:
                continue
            device = chance.choice(fits)
            start = day_start(day) + 60 * chance.randint(_FIRST_MINUTE, _LAST_MINUTE)
            variant = rule.variants[rule.days.index(place) % len(rule.variants)]
            faults.append(PlannedFault(rule.kind, device, start, start + 60 * chance.randint(*rule.minutes), variant))
            taken.add(device.record_id)
            if rule.kind in {planted.GAP_OF_GATEWAY, planted.LATE_FILE}:
                taken |= {one.record_id for one in pool if one.gateway_id == device.gateway_id}
    return faults


def _drift(pool: Sequence[Device], day: date, seed: int) -> Iterator[PlannedFault]:
    """Yield the drift that one member of a group of three has from the fifth to the tenth day of each cycle."""
    first, last = _DRIFT_DAYS
    place = day_of_cycle(day)
    if first <= place <= last:
        groups: dict[str, list[Device]] = {}
        for device in pool:
            if device.redundancy_group is not None:
                groups.setdefault(device.redundancy_group, []).append(device)
        threes = [members for _, members in sorted(groups.items()) if len(members) >= 3]
        if threes:
            begins = day_start(day - timedelta(days=place - first))
            chance = random.Random(f"{seed}/drift/{begins}")
            device = chance.choice(chance.choice(threes))
            yield PlannedFault(planted.DRIFT, device, begins, begins + (last - first + 1) * DAY)


def _long_gap(pool: Sequence[Device], day: date, seed: int) -> Iterator[PlannedFault]:
    """Yield the gap of more than a day that one point has in each cycle."""
    place = day_of_cycle(day)
    if place in {_LONG_GAP_DAY, _LONG_GAP_DAY + 1}:
        noon = day_start(day - timedelta(days=place - _LONG_GAP_DAY)) + DAY // 2
        level = [device for device in pool if device.kind == kinds.TANK_LEVEL.kind and device.redundancy_group is None]
        if level:
            yield PlannedFault(
                planted.GAP_OF_POINT, random.Random(f"{seed}/long gap/{noon}").choice(level), noon, noon + 30 * HOUR
            )


def plant(faults: Sequence[PlannedFault], devices: Sequence[Device], readings: Readings) -> PlantedRows:
    """Put the faults into the readings of some devices, in place, and return what does not stand in its place.

    Args:
        faults: Faults of the day; those of other devices are passed over.
        devices: The devices of the readings.
        readings: Rows sorted by point and time.
    """
    left = PlantedRows()
    names = {device.record_id for device in devices}
    for fault in faults:
        if fault.kind in {planted.GAP_OF_GATEWAY, planted.LATE_FILE}:
            _plant_gateway(fault, devices, readings, left)
            continue
        if fault.device.record_id not in names:
            continue
        rows = readings.rows_of(fault.device.record_id, fault.first_s, fault.last_s)
        if len(rows):
            truth = _PLANTERS[fault.kind](fault, rows, readings, left)
            left.defects.append(_defect(fault, fault.points_key, truth))
    return left


def without(readings: Readings, removed: Sequence[Places]) -> Readings:
    """Return the readings without some rows."""
    if not removed:
        return readings
    keep = np.ones(len(readings), dtype=np.bool_)
    keep[np.concatenate(removed)] = False
    return readings.take(np.flatnonzero(keep))


def _defect(fault: PlannedFault, key: dict[str, str | int], truth: dict[str, object]) -> PlantedDefect:
    name = f"TEL-{fault.kind}-{fault.device.record_id}-{truth.pop('day', iso(fault.first_s)[:16])}"
    return PlantedDefect(name, fault.kind, TABLE, key, {"zone_id": fault.device.zone_id, **truth})


def _plant_gateway(fault: PlannedFault, devices: Sequence[Device], readings: Readings, left: PlantedRows) -> None:
    """Take the rows of a whole gateway away, for good or into the late file; a large one lies in several blocks."""
    gateway = fault.device.gateway_id
    parts = [
        readings.rows_of(device.record_id, fault.first_s, fault.last_s)
        for device in devices
        if device.gateway_id == gateway
    ]
    rows = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    if not len(rows):
        return
    if fault.kind == planted.LATE_FILE:
        late = readings.take(rows)
        late.received = late.received - late.received % DAY + DAY + 3 * HOUR - 8 * HOUR  # 03:00 of the day after
        left.late.append(late)
    left.removed.append(rows)
    key: dict[str, str | int] = {"gateway_id": gateway, "first_at": iso(fault.first_s)}
    points = [device.record_id for device, part in zip(_of_gateway(devices, gateway), parts, strict=True) if len(part)]
    left.defects.append(
        _defect(
            fault, key, {"day": f"{iso(fault.first_s)[:16]}-{points[0]}", **_until(fault), "rows": len(rows),
                         "points": points},
        )
    )  # fmt: skip


def _of_gateway(devices: Sequence[Device], gateway: str) -> list[Device]:
    return [device for device in devices if device.gateway_id == gateway]


def _until(fault: PlannedFault) -> dict[str, object]:
    return {"last_before": iso(fault.last_s)}


def _spike(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    place = int(rows[0])
    right = float(readings.value[place])
    jump = 0.3 * (measure.range_high - measure.range_low)
    # Inside the sensor's range, so that no range test finds it.
    wrong = right + jump if right + jump < measure.range_high else right - jump
    readings.value[place] = round(wrong, measure.decimals)
    return {"right": right, "written": float(readings.value[place])}


def _flat_line(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.value[rows] = readings.value[rows[0]]
    return {**_until(fault), "written": float(readings.value[rows[0]]), "rows": len(rows)}


def _drift_away(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    share = (readings.measured[rows] - fault.first_s) / (fault.last_s - fault.first_s)
    offset = _DRIFT_IN_ACCURACIES * measure.accuracy * share
    readings.value[rows] = np.round(readings.value[rows] + offset, measure.decimals)
    return {
        **_until(fault),
        "day": iso(int(readings.measured[rows[0]]))[:10],
        "business_date": iso(int(readings.measured[rows[0]]))[:10],
        "redundancy_group": fault.device.redundancy_group,
        "offset_at_end": round(float(offset[-1]), 4),
        "offset_when_recalibrated": round(_DRIFT_IN_ACCURACIES * measure.accuracy, 4),
    }


def _stuck(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    readings.value[rows] = measure.range_high if fault.variant == "range_high" else measure.range_low
    return {**_until(fault), "written": float(readings.value[rows[0]]), "at": fault.variant, "rows": len(rows)}


def _unit_jump(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.value[rows] = readings.value[rows] * float(fault.variant)
    return {**_until(fault), "factor": float(fault.variant), "unit": fault.device.measure.unit, "rows": len(rows)}


def _unusable(_fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    right = readings.value[rows].tolist()
    wrong = np.resize(np.array([np.nan, 1e308, np.inf, -np.inf]), len(rows))
    readings.value[rows] = wrong
    return {"written": [str(value) for value in wrong], "right": right}


def _dated_tomorrow(_fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.measured[rows] += DAY
    return {"written_at": [iso(int(moment)) for moment in readings.measured[rows]], "rows": len(rows)}


def _clock_back(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.measured[rows] -= HOUR
    return {**_until(fault), "written_from": iso(int(readings.measured[rows[0]])), "rows": len(rows)}


def _again(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    copy = readings.take(rows)
    copy.received = copy.received + 90
    left.tail.append(copy)
    return {**_until(fault), "rows": len(rows)}


def _corrected(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    first = readings.value[rows].tolist()
    copy = readings.take(rows)
    copy.value = np.round(copy.value + 3.0 * measure.accuracy, measure.decimals)
    copy.received = copy.received + 600
    left.tail.append(copy)
    return {"superseded": first, "right": copy.value.tolist(), "rows": len(rows)}


def _out_of_order(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    backwards = readings.take(rows[::-1])
    readings.measured[rows], readings.value[rows] = backwards.measured, backwards.value
    readings.received[rows] = backwards.received.max()
    return {**_until(fault), "rows": len(rows)}


def _late_rows(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    late = readings.take(rows)
    late.received = late.received + 3 * HOUR
    left.tail.append(late)
    left.removed.append(rows)
    return {**_until(fault), "received_from": iso(int(late.received[0])), "rows": len(rows)}


def _gap(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    left.removed.append(rows)
    first = int(readings.measured[rows[0]])
    return {**_until(fault), "day": iso(first)[:16], "rows": len(rows)}


def _flagged(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    span = measure.range_high - measure.range_low
    shown = {
        "M": measure.range_low,
        "C": round(measure.range_low + 0.5 * span, measure.decimals),  # the test gas
        "D": round(measure.range_low - 0.1 * span, measure.decimals),  # a broken loop: below 4 mA
        "T": measure.range_high,
        "B": 0.0,
    }
    readings.value[rows] = shown[fault.variant]
    readings.flag[rows] = readings.flag_code(fault.variant)
    return {**_until(fault), "source_flag": fault.variant, "written": shown[fault.variant], "rows": len(rows)}


def _unknown_point(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    stranger = readings.take(rows).renamed(f"X{fault.device.record_id[1:]}")
    left.tail.append(stranger)
    return {**_until(fault), "unknown_point_id": stranger.names[0], "rows": len(rows)}


def _unknown_unit(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.unit[rows] = readings.unit_code(UNKNOWN_UNIT_TEXT)
    return {**_until(fault), "written": UNKNOWN_UNIT_TEXT, "right": fault.device.measure.unit, "rows": len(rows)}


_PLANTERS: dict[str, Callable[[PlannedFault, Places, Readings, PlantedRows], dict[str, object]]] = {
    planted.SPIKE: _spike,
    planted.FLAT_LINE: _flat_line,
    planted.DRIFT: _drift_away,
    planted.STUCK_AT_RANGE_END: _stuck,
    planted.UNIT_JUMP: _unit_jump,
    planted.UNUSABLE_VALUE: _unusable,
    planted.DATED_TOMORROW: _dated_tomorrow,
    planted.CLOCK_JUMPED_BACK: _clock_back,
    planted.DUPLICATE_EQUAL: _again,
    planted.DUPLICATE_DIFFERS: _corrected,
    planted.OUT_OF_ORDER: _out_of_order,
    planted.LATE_ROWS: _late_rows,
    planted.GAP_OF_POINT: _gap,
    planted.SOURCE_FLAG: _flagged,
    planted.UNKNOWN_POINT: _unknown_point,
    planted.UNKNOWN_UNIT: _unknown_unit,
}
