"""Which faults telemetry has on which day, at which device.

A day's faults depend on the day alone: the calendar runs through a cycle of fourteen days, each with its own kinds, so
two weeks of archive hold every kind and a day that has been written never changes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingestion.simulated_park import device_kinds as kinds
from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.device_register import IN_USE, Device
from ingestion.simulated_park.telemetry_readings import CSV_ZONE
from ingestion.simulated_park.telemetry_signals import DAY, HOUR, day_start
from lakehouse.settings import PARK_TIME_ZONE

CYCLE_DAYS = 14

_PROCESS = (kinds.TEMPERATURE.kind, kinds.PRESSURE.kind, kinds.FLOW.kind, kinds.TANK_LEVEL.kind)
_STEADY = (kinds.TEMPERATURE.kind, kinds.PRESSURE.kind, kinds.FLOW.kind)
_FIRST_MINUTE, _LAST_MINUTE = 120, 1080  # faults of single points begin between 02:00 and 18:00
_DRIFT_DAYS = (4, 9)  # days of the cycle, both included
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
    def day(self) -> date:
        """The business date on which it begins."""
        return datetime.fromtimestamp(self.first_s, PARK_TIME_ZONE).date()


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
    # Whole gateways first: no point of theirs then has another fault.
    _Rule(planted.GAP_OF_GATEWAY, (3, 8), 1, (45, 150)),
    _Rule(planted.LATE_FILE, (6, 12), 1, (40, 40)),
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
    _Rule(planted.GAP_OF_POINT, (0, 5, 10), 1, (120, 360)),
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
        is_whole_gateway = rule.kind in {planted.GAP_OF_GATEWAY, planted.LATE_FILE}
        taken_gateways = {fault.device.gateway_id for fault in faults}
        for _ in range(rule.count):
            fits = [one for one in pool if one.record_id not in taken and _fits(one, rule)]
            if is_whole_gateway:
                fits = [one for one in fits if one.gateway_id not in taken_gateways]
            if not fits:
                continue
            device = chance.choice(fits)
            start = day_start(day) + 60 * chance.randint(_FIRST_MINUTE, _LAST_MINUTE)
            variant = rule.variants[rule.days.index(place) % len(rule.variants)]
            faults.append(PlannedFault(rule.kind, device, start, start + 60 * chance.randint(*rule.minutes), variant))
            taken.add(device.record_id)
            if is_whole_gateway:
                taken |= {one.record_id for one in pool if one.gateway_id == device.gateway_id}
    return faults


def _fits(device: Device, rule: _Rule) -> bool:
    """Tell whether a fault can befall a device: the old gateway writes no flags, kPa for MPa is a slip by 1000."""
    if rule.kind == planted.SOURCE_FLAG and device.zone_id == CSV_ZONE:
        return False
    if rule.variants == ("1000",) and device.measure.unit != "MPa":
        return False
    return device.kind in rule.device_kinds


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
