"""The byte logs of the gateways that outlets report to: one file a business day and gateway, with what goes wrong.

A gateway files what it receives under the day on which it receives it. What a device says of the last minutes of a day
comes after midnight, so a file holds data of the day before, too.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.hj212_writing import modbus_checksum
from ingestion.simulated_park.outlet_devices import DEVICES, REAL_TIME, TEN_MINUTES, FlagPeriod, Sent, device_day
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.planted_defects import PlantedDefect, ground_truth_json
from lakehouse.settings import PARK_TIME_ZONE

FOLDER = "outlet_monitoring"
STREAM = "outlet_readings"
GROUND_TRUTH_FOLDER, GROUND_TRUTH = "ground_truth", f"{STREAM}.json"
KEYS_FOLDER, KEYS = "device_keys", "sm4_keys.json"
DAYS = 14
PACKED_GATEWAYS = ("gw-b",)  # the encrypted frames are long, so this gateway packs its logs
STACK, WATER, SECRET_STACK, ORGANIC = (device.device_number for device in DEVICES)

_RUBBISH = (b"\x00\xff\x13\x7f", b"+CSQ: 21,99\r\nOK\r\n", b"AT+CIPSEND=0,512\r\n", b"##", b"##12")
_FAR_AHEAD = 2040
Progress = Callable[[int, int], None]
Pick = Callable[[Sent], bool]


@dataclass(frozen=True)
class OutletSummary:
    """What stands in the folder of logs and what the call did to it."""

    folder: Path
    file_count: int
    written_count: int
    unchanged_count: int
    removed_count: int


@dataclass
class _Written:
    """What became of one message on its way.

    Attributes:
        sent: the message.
        copies: how often its frames arrive.
        before: bytes that the gateway receives before it.
        spoil: changes the bytes of its frames.
        lost: index of a packet that does not arrive.
    """

    sent: Sent
    copies: int = 1
    before: bytes = b""
    spoil: Callable[[bytes], bytes] | None = None
    lost: int | None = None

    def content(self) -> bytes:
        frames = [frame for number, frame in enumerate(self.sent.frames()) if number != self.lost]
        content = b"".join(frames)
        return self.before + (content if self.spoil is None else self.spoil(content)) * self.copies


@dataclass
class _Way:
    """All messages of all devices in the order of their arrival, and the defects planted among them."""

    messages: list[_Written]
    chance: random.Random
    last_full_day: date
    defects: list[PlantedDefect] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)

    def pick(self, is_wanted: Pick, count: int) -> list[_Written]:
        """Return some messages that no other defect touches, nor their neighbours."""
        free = [
            position
            for position, message in enumerate(self.messages)
            if is_wanted(message.sent) and not self.touched & {position - 1, position, position + 1}
        ]
        chosen: list[int] = []
        while len(chosen) < count:
            position = self.chance.choice(free)
            if not any(abs(position - other) <= 1 for other in chosen):
                chosen.append(position)
        self.touched.update(chosen)
        return [self.messages[position] for position in sorted(chosen)]

    def plant(self, kind: str, sent: Sent, **truth: object) -> None:
        """Note a defect of one message."""
        key: dict[str, str | int] = {
            "device_number": sent.device.device_number,
            "command": sent.command,
            "data_time": sent.data_time.isoformat(),
            "file": log_name(sent.at.date(), sent.device.gateway),
        }
        self._note(kind, key, truth)

    def plant_period(
        self, kind: str, device_number: str, begins_at: datetime, ends_at: datetime, **truth: object
    ) -> None:
        """Note a defect of a device that lasts."""
        key: dict[str, str | int] = {
            "device_number": device_number,
            "begins_at": begins_at.isoformat(),
            "ends_at": ends_at.isoformat(),
        }
        self._note(kind, key, truth)

    def _note(self, kind: str, key: dict[str, str | int], truth: dict[str, object]) -> None:
        number = sum(defect.kind == kind for defect in self.defects) + 1
        self.defects.append(PlantedDefect(f"{kind}-{number:02d}", kind, STREAM, key, truth))


def write_outlet_logs(root: Path, *, last_full_day: date, seed: int, progress: Progress | None = None) -> OutletSummary:
    """Write `<root>/outlet_readings/<YYYY>/<YYYY-MM-DD>.<gateway>.hj212` for the last 14 full days.

    One gateway packs its logs (`.gz`). Beside them stand `<root>/device_keys/sm4_keys.json` with the key of the device
    that encrypts, and `<root>/ground_truth/outlet_readings.json`. The same inputs give the same bytes; unchanged files
    are left alone.

    Args:
        root: Folder of the logs.
        last_full_day: The last business date (Asia/Shanghai) that has ended.
        seed: Seed of the simulated park.
        progress: Called after every file with the number of files done and the number of all files.

    Raises:
        ForeignFilesError: The folder holds somebody else's files.
    """
    digest = inputs_digest(last_full_day=last_full_day, seed=seed)
    logs, truths, keys = (OwnedFiles(root / name, digest=digest) for name in (STREAM, GROUND_TRUTH_FOLDER, KEYS_FOLDER))
    if not (logs.are_current() and truths.are_current() and keys.are_current()):
        way = _way(last_full_day, seed)
        logs.begin()
        names = [
            (last_full_day - timedelta(days=back), gateway)
            for back in range(DAYS - 1, -1, -1)
            for gateway in sorted({device.gateway for device in DEVICES})
        ]
        by_file: dict[tuple[date, str], list[bytes]] = {name: [] for name in names}
        for message in way.messages:
            by_file[message.sent.at.date(), message.sent.device.gateway].append(message.content())
        for done, (name, contents) in enumerate(by_file.items(), start=1):
            content = b"".join(contents)
            packed = gzip.compress(content, compresslevel=6, mtime=0) if name[1] in PACKED_GATEWAYS else content
            logs.put(f"{name[0]:%Y}/{log_name(*name)}", packed)
            if progress is not None:
                progress(done, len(by_file))
        logs.finish()
        own_keys = {device.device_number: [device.key.hex()] for device in DEVICES if device.key is not None}
        keys.begin().put(KEYS, (json.dumps(own_keys, indent=1) + "\n").encode())
        keys.finish()
        truths.begin().put(GROUND_TRUTH, ground_truth_json(way.defects, **_facts(way)))
        truths.finish()
    return OutletSummary(logs.folder, len(logs.names), logs.written_count, logs.unchanged_count, logs.removed_count)


def log_name(day: date, gateway: str) -> str:
    """Return the name of a gateway's log of one day."""
    return f"{day.isoformat()}.{gateway}.hj212{'.gz' if gateway in PACKED_GATEWAYS else ''}"


def _way(last_full_day: date, seed: int) -> _Way:
    flags = _flag_periods(last_full_day)
    days = [last_full_day - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    sent = [
        message
        for device in DEVICES
        for day in days
        for message in device_day(device, day, seed=seed, flags=flags).messages()
    ]
    way = _Way([], random.Random(f"{seed}/outlet_logs"), last_full_day)
    for period in flags:
        truth = {"factor_code": period.factor_code, "flag": period.flag}
        way.plant_period(planted.SOURCE_FLAG, period.device_number, period.begins_at, period.ends_at, **truth)
    arrived = list(_interrupted(way, sent))
    arrived.sort(key=lambda message: (message.at, message.device.device_number, message.command))
    way.messages = [_Written(message) for message in arrived if message.at.date() <= last_full_day]
    way.plant_period(planted.CHECKSUM_DIALECT, ORGANIC, _at(days[0], 0), _at(last_full_day, 24), dialect="modbus")
    _spoil(way)
    return way


def _flag_periods(last: date) -> tuple[FlagPeriod, ...]:
    periods = (
        (STACK, "a21026", 3, 9, 11, "D"),
        (STACK, "a21002", 9, 8, 8.5, "C"),
        (SECRET_STACK, "a21002", 2, 8, 8.5, "C"),
        (WATER, "w01018", 5, 13, 15, "M"),
        (ORGANIC, "a24088", 7, 20, 22, "F"),
    )
    return tuple(
        FlagPeriod(device, factor, _at(day, begin), _at(day, end), flag)
        for device, factor, back, begin, end, flag in periods
        for day in [last - timedelta(days=back)]
    )


def _interrupted(way: _Way, sent: list[Sent]) -> Iterator[Sent]:
    """Yield the messages without those of a gap; those of a fault of the line come after it, marked as sent again."""
    last = way.last_full_day
    gap = (_at(last - timedelta(days=6), 2), _at(last - timedelta(days=6), 5))
    # The second fault ends after midnight, so its data lie in the log of the day after theirs.
    faults = {
        STACK: (_at(last - timedelta(days=4), 14), _at(last - timedelta(days=4), 15.5)),
        SECRET_STACK: (_at(last - timedelta(days=8), 22), _at(last - timedelta(days=7), 0.5)),
    }
    lost: Counter[str] = Counter()
    for message in sent:
        number = message.device.device_number
        if number == WATER and gap[0] <= message.at < gap[1]:
            lost[number] += message.value_count
            continue
        fault = faults.get(number)
        if fault is not None and fault[0] <= message.at < fault[1]:
            lost[number] += message.value_count
            waited = fault[1] + (message.at - fault[0]) / 100
            yield replace(message, at=waited, is_resent=True)
        else:
            yield message
    way.plant_period(planted.GAP_OF_DEVICE, WATER, *gap, values_missing=lost[WATER])
    for number, fault in faults.items():
        way.plant_period(planted.RESENT_DATA, number, *fault, values_resent=lost[number])


def _spoil(way: _Way) -> None:
    """Plant what happens to single messages."""
    for device in (STACK, WATER, SECRET_STACK, ORGANIC):
        for message in way.pick(_of(device, REAL_TIME), 3):
            message.spoil = _with_another_digit
            way.plant(planted.BROKEN_CHECKSUM, message.sent, values_lost=message.sent.value_count)
    for message in way.pick(_of(WATER, REAL_TIME), 2):
        message.spoil = _cut
        way.plant(planted.TRUNCATED_FRAME, message.sent, values_lost=message.sent.value_count)
    for rubbish, message in zip(_RUBBISH, way.pick(_of(STACK, REAL_TIME), len(_RUBBISH)), strict=True):
        message.before = rubbish
        way.plant(planted.RUBBISH_BETWEEN_FRAMES, message.sent, bytes_hex=rubbish.hex())
    for command, device in ((TEN_MINUTES, STACK), (REAL_TIME, WATER), (TEN_MINUTES, SECRET_STACK)):
        for message in way.pick(_of(device, command), 1):
            message.copies = 2
            way.plant(planted.REPEATED_MESSAGE, message.sent, values_repeated=message.sent.value_count)
    for message in way.pick(_of(STACK, TEN_MINUTES), 2):
        message.lost = 1
        in_first = _value_count(message.sent.frames()[0])
        way.plant(planted.MISSING_PACKET, message.sent, values_lost=message.sent.value_count - in_first)
    for message in way.pick(_of(ORGANIC, REAL_TIME), 2):
        message.sent.values["a24088"]["Rtd"] = "--"
        way.plant(planted.UNUSABLE_VALUE, message.sent, factor_code="a24088", text="--")
    for message in way.pick(_of(WATER, REAL_TIME), 1):
        way.plant(planted.DATED_FAR_AHEAD, message.sent, dated=_FAR_AHEAD, values_lost=message.sent.value_count)
        message.sent = replace(message.sent, data_time=message.sent.data_time.replace(month=1, day=1, year=_FAR_AHEAD))


def _facts(way: _Way) -> dict[str, object]:
    """Return how many values of each device should be usable, and what the devices are."""
    usable: Counter[str] = Counter()
    for message in way.messages:
        usable[message.sent.device.device_number] += message.sent.value_count * message.copies
    for defect in way.defects:
        # A value that is no number is one value; the other losses say how many.
        lost = {planted.UNUSABLE_VALUE: 1}.get(defect.kind, defect.truth.get("values_lost", 0))
        usable[str(defect.key["device_number"])] -= int(str(lost))
    return {
        "usable_values_by_device": dict(usable),
        "devices": [
            {
                "device_number": device.device_number,
                "enterprise_code": device.enterprise_code,
                "outlet_name": device.outlet_name,
                "gateway": device.gateway,
                "is_encrypted": device.key is not None,
                "dialect": "modbus" if device.checksum is modbus_checksum else "standard",
                "factor_codes": [factor.code for factor in device.factors],
            }
            for device in DEVICES
        ],
    }


def _of(device_number: str, command: str) -> Pick:
    return lambda sent: sent.device.device_number == device_number and sent.command == command and not sent.is_resent


def _with_another_digit(content: bytes) -> bytes:
    """Change the last digit before the closing marks or, in an encrypted area, the last number of it."""
    end = content.rindex(b"&&")
    position = max(place for place in range(end) if content[place : place + 1].isdigit())
    other = b"1" if content[position : position + 1] != b"1" else b"2"
    return content[:position] + other + content[position + 1 :]


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10]


def _value_count(frame: bytes) -> int:
    area = frame.split(b"CP=&&")[1].rsplit(b"&&", 1)[0].decode()
    names = [item.partition("=")[0].rpartition("-")[2] for item in area.replace(";", ",").split(",")]
    return sum(name not in ("DataTime", "Flag", "SampleTime") for name in names)


def _at(day: date, hour: float) -> datetime:
    return datetime.combine(day, time(), PARK_TIME_ZONE) + timedelta(hours=hour)
