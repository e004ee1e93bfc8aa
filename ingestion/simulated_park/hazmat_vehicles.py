"""Three invented tank lorries on the park's roads, and the byte logs of the gateway that they report to."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.jt808_writing import BATCH, HEARTBEAT, POSITION, Fix, batch_body, frame
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.planted_defects import PlantedDefect, ground_truth_json
from lakehouse.settings import PARK_TIME_ZONE

FOLDER = "vehicle_tracking"
STREAM = "vehicle_positions"
GATEWAY = "gw-v"
GROUND_TRUTH_FOLDER, GROUND_TRUTH = "ground_truth", f"{STREAM}.json"
DAYS = 14

_PERIOD = timedelta(seconds=30)
_TRIPS = (7.5, 10.0, 13.0, 15.5)  # hours at which a lorry enters the gate
_LOADING = timedelta(minutes=40)
_DRIVING_KMH, _SPEEDING_KMH, _LIMIT_KMH = 27.0, 52.0, 40.0
_OVERSPEED = 1 << 1
_DEAD_SPOT = timedelta(minutes=6)
_METRES_PER_DEGREE = 111_195.0
Place = tuple[float, float]

# Roads are drawn, not surveyed: from the north gate along the main road to where the lorry loads (WGS-84).
_NORTH_GATE = (121.4700, 30.8175)
_MAIN_ROAD: tuple[Place, ...] = (_NORTH_GATE, (121.4660, 30.8060), (121.4640, 30.7985), (121.4560, 30.7915))


@dataclass(frozen=True)
class Lorry:
    """A vehicle with its terminal.

    Attributes:
        phone: terminal number; it begins with 12, which no operator has.
        plate: invented number plate.
        cargo: what it fetches.
        road: from the gate to the place of loading.
        speeds_at: trip on which it drives too fast, by number from 0; None: never.
    """

    phone: str
    plate: str
    cargo: str
    road: tuple[Place, ...]
    speeds_at: int | None = None


LORRIES = (
    Lorry("012000000001", "示范A0001挂", "液氯", (*_MAIN_ROAD, (121.4480, 30.7935))),
    Lorry("00000000012000000002", "示范A0002挂", "丙烯", (*_MAIN_ROAD, (121.4400, 30.7880), (121.4290, 30.7885)), 2),
    Lorry("012000000003", "示范A0003挂", "苯", (*_MAIN_ROAD, (121.4555, 30.7845))),
)


@dataclass(frozen=True)
class VehicleSummary:
    """What stands in the folder of logs and what the call did to it."""

    folder: Path
    file_count: int
    written_count: int
    unchanged_count: int
    removed_count: int


@dataclass
class _Message:
    """One message on its way to the gateway.

    Attributes:
        at: when it arrives.
        lorry: who sends it.
        fixes: the positions it carries; none: a heartbeat.
        is_batch: whether they were kept while there was no network.
        before: bytes that the gateway receives before it.
        is_broken: whether a bit falls over on the way.
        is_cut: whether its end does not arrive.
    """

    at: datetime
    lorry: Lorry
    fixes: list[Fix]
    is_batch: bool = False
    before: bytes = b""
    is_broken: bool = False
    is_cut: bool = False

    def content(self, serial: int) -> bytes:
        kind = BATCH if self.is_batch else POSITION if self.fixes else HEARTBEAT
        body = batch_body(self.fixes) if self.is_batch else self.fixes[0].body() if self.fixes else b""
        content = frame(kind, body, phone=self.lorry.phone, serial=serial % 0x10000)
        if self.is_broken:
            middle = len(content) // 2
            # A bit that makes no delimiter and no escape of the byte.
            content = content[:middle] + bytes([content[middle] ^ 0x80]) + content[middle + 1 :]
        return self.before + (content[: len(content) - 7] if self.is_cut else content)


@dataclass
class _Logbook:
    """The defects that were planted."""

    defects: list[PlantedDefect] = field(default_factory=list)

    def plant(self, kind: str, message: _Message, **truth: object) -> None:
        number = sum(defect.kind == kind for defect in self.defects) + 1
        key: dict[str, str | int] = {
            "terminal": message.lorry.phone,
            "at": message.at.isoformat(),
            "file": log_name(message.at.date()),
        }
        self.defects.append(PlantedDefect(f"{kind}-{number:02d}", kind, STREAM, key, truth))


def write_vehicle_logs(root: Path, *, last_full_day: date, seed: int) -> VehicleSummary:
    """Write `<root>/vehicle_positions/<YYYY>/<YYYY-MM-DD>.gw-v.jt808` for the last 14 full days.

    Beside them stands `<root>/ground_truth/vehicle_positions.json`. The same inputs give the same bytes; unchanged
    files are left alone.

    Args:
        root: Folder of the logs.
        last_full_day: The last business date (Asia/Shanghai) that has ended.
        seed: Seed of the simulated park.

    Raises:
        ForeignFilesError: The folder holds somebody else's files.
    """
    digest = inputs_digest(last_full_day=last_full_day, seed=seed)
    logs, truths = (OwnedFiles(root / name, digest=digest) for name in (STREAM, GROUND_TRUTH_FOLDER))
    if not (logs.are_current() and truths.are_current()):
        days = [last_full_day - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        logbook = _Logbook()
        messages = _messages(days, seed, logbook)
        logs.begin()
        for day in days:
            content = b"".join(
                message.content(serial) for serial, message in enumerate(messages) if message.at.date() == day
            )
            logs.put(f"{day:%Y}/{log_name(day)}", content)
        logs.finish()
        truths.begin().put(GROUND_TRUTH, ground_truth_json(logbook.defects, **_facts(messages)))
        truths.finish()
    return VehicleSummary(logs.folder, len(logs.names), logs.written_count, logs.unchanged_count, logs.removed_count)


def log_name(day: date) -> str:
    """Return the name of the gateway's log of one day."""
    return f"{day.isoformat()}.{GATEWAY}.jt808"


def _messages(days: list[date], seed: int, logbook: _Logbook) -> list[_Message]:
    messages: list[_Message] = []
    for lorry in LORRIES:
        mileage = random.Random(f"{seed}/lorry/{lorry.phone}").uniform(20_000, 180_000)
        for day in days:
            chance = random.Random(f"{seed}/lorry/{lorry.phone}/{day}")
            for trip, hour in enumerate(_TRIPS):
                begin = datetime.combine(day, time(), PARK_TIME_ZONE) + timedelta(
                    hours=hour, minutes=chance.uniform(0, 40)
                )
                fixes = list(_trip(lorry, begin.replace(microsecond=0), mileage, is_fast=trip == lorry.speeds_at))
                mileage = fixes[-1].mileage_km
                messages += _sent(lorry, fixes, has_dead_spot=trip == 1 and day.day % 4 == 0, logbook=logbook)
    messages.sort(key=lambda message: (message.at, message.lorry.phone))
    _spoil(messages, random.Random(f"{seed}/lorries"), logbook)
    return messages


def _trip(lorry: Lorry, begin: datetime, mileage: float, *, is_fast: bool) -> Iterator[Fix]:
    """Yield a trip: from the gate to the place of loading, waiting there, and back with a full tank."""
    speed = _SPEEDING_KMH if is_fast else _DRIVING_KMH
    length = sum(_metres(start, end) for start, end in _legs(lorry.road))
    at = begin
    driven = 0.0
    step = speed / 3.6 * _PERIOD.total_seconds()
    for road, is_loaded in ((lorry.road, False), (lorry.road[::-1], True)):
        travelled = 0.0
        while travelled < length:
            place, direction = _place(road, travelled)
            alarm = _OVERSPEED if speed > _LIMIT_KMH else 0
            yield Fix(at, *place, speed, direction, mileage + driven / 1000, alarm, is_loaded=is_loaded)
            at += _PERIOD
            travelled += step
            driven += step
        if not is_loaded:
            end, direction = _place(road, length)
            stands_until = at + _LOADING
            while at < stands_until:
                yield Fix(at, *end, 0.0, direction, mileage + driven / 1000)
                at += 4 * _PERIOD


def _sent(lorry: Lorry, fixes: list[Fix], *, has_dead_spot: bool, logbook: _Logbook) -> Iterator[_Message]:
    """Yield the messages of a trip: one a position; those of a dead spot come together when the network is back."""
    delay = timedelta(seconds=1 + LORRIES.index(lorry))
    kept: list[Fix] = []
    begin = fixes[3].at
    for fix in fixes:
        if has_dead_spot and begin <= fix.at < begin + _DEAD_SPOT:
            kept.append(fix)
            continue
        if kept:
            batch = _Message(fix.at + delay, lorry, kept, is_batch=True)
            logbook.plant(planted.RESENT_DATA, batch, positions_resent=len(kept))
            yield batch
            kept = []
        yield _Message(fix.at + delay, lorry, [fix])
    yield _Message(fixes[-1].at + timedelta(minutes=1) + delay, lorry, [])


def _spoil(messages: list[_Message], chance: random.Random, logbook: _Logbook) -> None:
    single = [
        position
        for position, message in enumerate(messages[:-1])
        if message.fixes and not message.is_batch and position % 2 == 0
    ]
    chosen = iter(chance.sample(single, 14))
    for position in sorted(next(chosen) for _ in range(4)):
        messages[position].is_broken = True
        logbook.plant(planted.BROKEN_CHECKSUM, messages[position], positions_lost=1)
    for position in sorted(next(chosen) for _ in range(3)):
        messages[position].is_cut = True
        logbook.plant(planted.TRUNCATED_FRAME, messages[position], positions_lost=1)
    for position in sorted(next(chosen) for _ in range(3)):
        messages[position].before = b"AT+QISEND\r\n"
        logbook.plant(planted.RUBBISH_BETWEEN_FRAMES, messages[position], bytes_hex=messages[position].before.hex())
    for position in sorted(next(chosen) for _ in range(4)):
        message = messages[position]
        message.fixes = [replace(message.fixes[0], is_located=False)]
        logbook.plant(planted.NO_FIX, message, positions_lost=1)


def _facts(messages: list[_Message]) -> dict[str, object]:
    usable: Counter[str] = Counter()
    for message in messages:
        if not message.is_broken and not message.is_cut:
            usable[message.lorry.phone] += sum(fix.is_located for fix in message.fixes)
    return {
        "usable_positions_by_terminal": dict(usable),
        "vehicles": [
            {"terminal": lorry.phone, "plate": lorry.plate, "cargo": lorry.cargo, "gateway": GATEWAY}
            for lorry in LORRIES
        ],
    }


def _legs(road: tuple[Place, ...]) -> Iterator[tuple[Place, Place]]:
    return pairwise(road)


def _place(road: tuple[Place, ...], travelled: float) -> tuple[Place, float]:
    """Return the place after so many metres, and the direction there."""
    left = travelled
    legs = list(_legs(road))
    for start, end in legs:
        length = _metres(start, end)
        if left <= length or (start, end) == legs[-1]:
            share = min(left / length, 1.0)
            place = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            return place, _direction(start, end)
        left -= length
    message = "a road needs two places"
    raise ValueError(message)


def _metres(start: Place, end: Place) -> float:
    east = (end[0] - start[0]) * math.cos(math.radians(start[1]))
    return math.hypot(east, end[1] - start[1]) * _METRES_PER_DEGREE


def _direction(start: Place, end: Place) -> float:
    east = (end[0] - start[0]) * math.cos(math.radians(start[1]))
    return math.degrees(math.atan2(east, end[1] - start[1])) % 360
