"""Outlets of four invented enterprises: what their devices measure, and what each message says."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from ingestion.simulated_park.hj212_writing import Checksum, message_frames, modbus_checksum, standard_checksum
from lakehouse.settings import PARK_TIME_ZONE

STEP = timedelta(minutes=5)  # between two real-time messages
STEPS_PER_DAY = 288
REAL_TIME, TEN_MINUTES, HOUR, DAY = "2011", "2051", "2061", "2031"
_STEPS = {TEN_MINUTES: 2, HOUR: 12, DAY: STEPS_PER_DAY}
_SENT_AFTER = {REAL_TIME: 2, TEN_MINUTES: 20, HOUR: 60, DAY: 300}  # seconds after what they speak of has ended
_AIR_SHARE_OF_O2 = 21.0
_SECONDS = STEP.total_seconds()


@dataclass(frozen=True)
class Factor:
    """What a device measures.

    Attributes:
        code: factor code of HJ 212-2017.
        level: its usual value.
        swing: how far it moves in a day.
        noise: how far it jumps between two values.
        decimals: places it is sent with.
        is_converted: whether it is also sent converted to the reference oxygen (Zs).
        is_flow: whether it is the flow, in m³/s or L/s.
        sample_minutes: minutes between two samples of an analyser that takes long; 0: measures all the time.
    """

    code: str
    level: float
    swing: float
    noise: float
    decimals: int
    is_converted: bool = False
    is_flow: bool = False
    sample_minutes: int = 0


@dataclass(frozen=True)
class OutletDevice:
    """A data logger at one outlet."""

    device_number: str  # MN
    enterprise_code: str
    outlet_name: str
    station_type: str  # ST
    gateway: str
    factors: tuple[Factor, ...]
    version: int = 1
    reference_o2: float = 3.0
    checksum: Checksum = standard_checksum
    key: bytes | None = None


@dataclass
class Sent:
    """One message on its way.

    Attributes:
        at: when the gateway receives it, Asia/Shanghai.
        device: who sends it.
        command: CN.
        data_time: the moment it speaks of.
        values: factor code → suffix → text.
        is_resent: whether it is sent again after a fault.
    """

    at: datetime
    device: OutletDevice
    command: str
    data_time: datetime
    values: dict[str, dict[str, str]]
    is_resent: bool = False

    @property
    def value_count(self) -> int:
        """How many measured values it carries."""
        return sum(suffix not in ("Flag", "SampleTime") for fields in self.values.values() for suffix in fields)

    def frames(self) -> list[bytes]:
        """Return its frames."""
        header = [
            ("QN", f"{self.at:%Y%m%d%H%M%S}{self.at.microsecond // 1000:03d}"),
            ("ST", self.device.station_type),
            ("CN", self.command),
            ("PW", "123456"),
            ("MN", self.device.device_number),
        ]
        items = [f"DataTime={self.data_time:%Y%m%d%H%M%S}"]
        for code, fields in self.values.items():
            items.append(",".join(f"{code}-{suffix}={text}" for suffix, text in fields.items()))
        device = self.device
        return message_frames(
            header,
            items,
            version=device.version,
            is_resent=self.is_resent,
            checksum=device.checksum,
            key=device.key,
        )


_STACK = (
    Factor("a21026", 18.0, 4.0, 0.8, 3, is_converted=True),
    Factor("a21002", 62.0, 9.0, 2.0, 3, is_converted=True),
    Factor("a34013", 4.2, 1.1, 0.2, 3, is_converted=True),
    Factor("a19001", 4.6, 0.4, 0.1, 2),
    Factor("a00000", 31.0, 4.0, 0.6, 2, is_flow=True),
    Factor("a01012", 128.0, 6.0, 1.0, 1),
)
DEVICES = (
    OutletDevice(
        "99000000E01STK0000000001",
        "E01",
        "裂解炉废气排口",
        "31",
        "gw-a",
        (
            *_STACK[:3],
            Factor("a21005", 26.0, 6.0, 1.5, 3, is_converted=True),
            Factor("a21024", 2.4, 0.6, 0.1, 3, is_converted=True),
            *_STACK[3:],
            Factor("a01011", 12.4, 1.2, 0.2, 2),
            Factor("a01013", -86.0, 12.0, 3.0, 1),
            Factor("a01014", 7.8, 0.6, 0.1, 2),
        ),
    ),
    OutletDevice(
        "99000000E06WTR0000000001",
        "E06",
        "污水总排口",
        "32",
        "gw-a",
        (
            Factor("w01001", 7.4, 0.3, 0.05, 2),
            Factor("w01018", 38.0, 7.0, 1.5, 2, sample_minutes=120),
            Factor("w21003", 1.6, 0.5, 0.1, 3, sample_minutes=120),
            Factor("w00000", 21.0, 6.0, 1.0, 2, is_flow=True),
        ),
    ),
    OutletDevice(
        "99000000E11STK0000000001",
        "E11",
        "燃煤锅炉废气排口",
        "31",
        "gw-b",
        _STACK,
        version=2,
        reference_o2=6.0,
        key=b"0" * 16,  # the test key of the standard's annex
    ),
    OutletDevice(
        "99000000E05VOC0000000001",
        "E05",
        "有机废气焚烧炉排口",
        "31",
        "gw-b",
        (Factor("a24088", 14.0, 4.0, 0.8, 3), Factor("a00000", 9.0, 1.0, 0.2, 2, is_flow=True)),
        checksum=modbus_checksum,
    ),
)


@dataclass(frozen=True)
class FlagPeriod:
    """Hours in which a factor is not measured in its usual way (flag of the standard)."""

    device_number: str
    factor_code: str
    begins_at: datetime
    ends_at: datetime
    flag: str

    def covers(self, device: OutletDevice, factor: Factor, moment: datetime) -> bool:
        """Tell whether a value of this moment has the flag."""
        is_own = (device.device_number, factor.code) == (self.device_number, self.factor_code)
        return is_own and self.begins_at <= moment < self.ends_at


@dataclass(frozen=True)
class DeviceDay:
    """What one device measured in one day, every five minutes.

    Attributes:
        device: the device.
        day: the business date.
        series: factor code → 288 values.
        flags: periods with another flag than N.
    """

    device: OutletDevice
    day: date
    series: dict[str, list[float]]
    flags: Sequence[FlagPeriod] = field(default_factory=tuple)

    def messages(self) -> Iterator[Sent]:
        """Yield the day's messages: real-time, ten minutes, hours, and the day itself."""
        for step in range(STEPS_PER_DAY):
            yield self._message(REAL_TIME, step, 1, self._now(step))
        for command, count in _STEPS.items():
            for step in range(0, STEPS_PER_DAY, count):
                yield self._message(command, step, count, self._statistics(step, count))

    def _message(self, command: str, step: int, count: int, values: dict[str, dict[str, str]]) -> Sent:
        begin = self._moment(step)
        ended = begin if command == REAL_TIME else begin + count * STEP
        # Two devices of one gateway never send in the same moment.
        late = timedelta(seconds=_SENT_AFTER[command], milliseconds=137 + 211 * DEVICES.index(self.device))
        return Sent(ended + late, self.device, command, begin, values)

    def _moment(self, step: int) -> datetime:
        return datetime.combine(self.day, time(), PARK_TIME_ZONE) + step * STEP

    def _flag(self, factor: Factor, step: int) -> str:
        moment = self._moment(step)
        own = (period.flag for period in self.flags if period.covers(self.device, factor, moment))
        return next(own, "N")

    def _converted(self, value: float, step: int) -> float:
        oxygen = self.series["a19001"][step]
        return value * (_AIR_SHARE_OF_O2 - self.device.reference_o2) / (_AIR_SHARE_OF_O2 - oxygen)

    def _now(self, step: int) -> dict[str, dict[str, str]]:
        values = {}
        for factor in self.device.factors:
            value = self.series[factor.code][step]
            fields = {"Rtd": _text(value, factor)}
            if factor.is_converted:
                fields["ZsRtd"] = _text(self._converted(value, step), factor)
            if factor.sample_minutes:
                sample = step - step % (factor.sample_minutes // 5)
                fields["SampleTime"] = f"{self._moment(sample):%Y%m%d%H%M%S}"
            values[factor.code] = {**fields, "Flag": self._flag(factor, step)}
        return values

    def _statistics(self, first: int, count: int) -> dict[str, dict[str, str]]:
        steps = range(first, first + count)
        flow = next(factor for factor in self.device.factors if factor.is_flow)
        volume = sum(self.series[flow.code][step] * _SECONDS for step in steps)
        values = {}
        for factor in self.device.factors:
            plain = [self.series[factor.code][step] for step in steps]
            fields = _span(plain, "", factor)
            if factor.is_converted:
                fields |= _span([self._converted(self.series[factor.code][step], step) for step in steps], "Zs", factor)
                fields["Cou"] = f"{volume * sum(plain) / count / 1e6:.4f}"  # mg/m³ · m³ are mg; kg are sent
            if factor.is_flow:
                fields["Cou"] = f"{volume:.2f}"
            values[factor.code] = {**fields, "Flag": self._flag(factor, first)}
        return values


def device_day(device: OutletDevice, day: date, *, seed: int, flags: Sequence[FlagPeriod] = ()) -> DeviceDay:
    """Return what a device measured in one day; the same seed gives the same values.

    Args:
        device: the device.
        day: the business date.
        seed: seed of the simulated park.
        flags: periods with another flag than N.
    """
    series = {}
    for factor in device.factors:
        chance = random.Random(f"{seed}/outlet/{device.device_number}/{factor.code}/{day}")
        phase = random.Random(f"{seed}/outlet/{device.device_number}/{factor.code}").uniform(0, math.tau)
        wander = 0.0
        values = []
        for step in range(STEPS_PER_DAY):
            wander = 0.9 * wander + chance.gauss(0, factor.noise)
            held = step - step % (factor.sample_minutes // 5) if factor.sample_minutes else step
            value = factor.level + factor.swing * math.sin(math.tau * held / STEPS_PER_DAY + phase) + wander
            values.append(max(value, factor.level * 0.05) if factor.level > 0 else value)
            if held != step:  # the analyser repeats its last result until the next one is there
                values[-1] = values[held]
        series[factor.code] = values
    return DeviceDay(device, day, series, tuple(flags))


def _span(values: list[float], prefix: str, factor: Factor) -> dict[str, str]:
    parts = (("Min", min(values)), ("Avg", sum(values) / len(values)), ("Max", max(values)))
    return {f"{prefix}{name}": _text(value, factor) for name, value in parts}


def _text(value: float, factor: Factor) -> str:
    return f"{value:.{factor.decimals}f}"
