"""What the instruments of the simulated park show, minute by minute: tanks that fill, plants under load, still gas.

Every random number is a hash of who and when, not a draw from a sequence. A value therefore depends on its point and
its moment alone: it is the same whichever period is asked for, and nothing jumps at midnight.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from ingestion.simulated_park import device_kinds as kinds
from ingestion.simulated_park.device_register import Device
from ingestion.simulated_park.generated_air import park_weather
from lakehouse.settings import PARK_TIME_ZONE

Values = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

HOUR = 3600
DAY = 86_400
EXCURSIONS_PER_GAS_POINT_DAY = 0.004

_TANK_STAGE = 10 * HOUR  # a tank moves to another level in eight hours and rests for two
_MOVING_SHARE = 0.8
_TANK_LOWEST, _TANK_SPAN = 22.0, 55.0  # percent: at most 55 % in 8 h, below 7 %/h
_IRWIN_HALL_SIGMA = (4 / 12) ** 0.5  # standard deviation of the sum of four uniform numbers
_LAST_START, _FIRST_START = 20 * HOUR, HOUR // 2  # a gas cloud ends on the day it began
_RISE_S = 180
_CLOUD_S = 90 * 60
_GAMMA = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Excursion:
    """A true rise of a gas: it climbs to `peak` (device's unit) within three minutes and falls off with `fall_s`."""

    record_id: str
    start_s: int
    peak: float
    fall_s: float


class Weather:
    """The park's weather at any second of a few days."""

    def __init__(self, *, first_day: date, last_day: date, seed: int) -> None:
        self._hours = park_weather(first_day=first_day, last_day=last_day, seed=seed)
        self._start = day_start(first_day)

    def at(self, name: str, seconds: Seconds) -> Values:
        """Return one of the series of `park_weather`, straight between its hours; shape of `seconds`."""
        series = self._hours[name]
        result: Values = np.interp((seconds - self._start) / HOUR, np.arange(len(series)), series)
        return result


def day_start(day: date) -> int:
    """Return the Unix time of a day's first second in Asia/Shanghai."""
    return int(datetime.combine(day, time(), PARK_TIME_ZONE).timestamp())


def day_seconds(day: date, period_s: int) -> Seconds:
    """Return the Unix times of a day's readings."""
    return day_start(day) + np.arange(0, DAY, period_s, dtype=np.int64)


def signal_values(devices: Sequence[Device], seconds: Seconds, *, seed: int, weather: Weather) -> Values:
    """Return what the devices show, without faults: shape (devices, moments), rounded to each one's resolution.

    Args:
        devices: Devices of any kinds but air stations.
        seconds: Unix times, ascending.
        seed: Seed of the simulated park.
        weather: The weather of these days.
    """
    values = np.empty((len(devices), len(seconds)))
    by_kind: dict[str, list[int]] = {}
    for place, device in enumerate(devices):
        by_kind.setdefault(device.kind, []).append(place)
    for kind, places in by_kind.items():
        values[places] = _SIGNALS[kind](_Points.of([devices[place] for place in places], seed), seconds, weather)
    by_decimals: dict[int, list[int]] = {}
    for place, device in enumerate(devices):
        by_decimals.setdefault(device.measure.decimals, []).append(place)
    for decimals, places in by_decimals.items():
        values[places] = np.round(values[places], decimals) + 0.0  # no -0.0
    return values


def excursions(devices: Sequence[Device], day: date, *, seed: int) -> list[Excursion]:
    """Return the true rises of gas that begin on a day at the given devices."""
    gas = [device for device in devices if device.kind in kinds.GAS_KINDS]
    if not gas:
        return []
    keys = _keys([device.quantity_key for device in gas], seed, "excursion")
    at = np.array([day_start(day)], dtype=np.int64)
    strikes = np.flatnonzero(_uniform(keys, at)[:, 0] < EXCURSIONS_PER_GAS_POINT_DAY)
    found = []
    for place in strikes:
        device = gas[place]
        start, height, fall = (
            float(_uniform(_keys([device.quantity_key], seed, f"excursion {part}"), at)[0, 0])
            for part in ("start", "height", "fall")
        )
        measure = device.measure
        top = measure.alarm_high_high or 0.0
        peak = -1.9 if device.kind == kinds.OXYGEN.kind else top * (0.15 + 1.1 * height**2)
        moment = day_start(day) + _FIRST_START + round(start * (_LAST_START - _FIRST_START) / 60) * 60
        found.append(Excursion(device.record_id, moment, peak, 240.0 + 600.0 * fall))
    return found


def gateway_delays(gateways: Sequence[str], moments: Sequence[Seconds], *, seed: int) -> Seconds:
    """Return the seconds from each reading to its receipt, the readings of the gateways' points one after another.

    A gateway sends what it has once a minute or at every reading, two to nine seconds late and in the order of time.
    """
    delays: dict[tuple[str, int], Seconds] = {}
    parts = []
    for gateway, seconds in zip(gateways, moments, strict=True):
        known = (gateway, len(seconds))  # one gateway samples all its points of one period together
        if known not in delays:
            key = _keys([gateway], seed, "delay")
            sent = seconds + 2 + (_hashes(key, seconds)[0] >> np.uint64(61)).astype(np.int64)
            delays[known] = np.maximum.accumulate(sent) - seconds
        parts.append(delays[known])
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _cloud(excursion: Excursion, seconds: Seconds) -> Values:
    since = (seconds - excursion.start_s).astype(np.float64)
    rising = excursion.peak * since / _RISE_S
    falling = excursion.peak * np.exp(-np.clip(since - _RISE_S, 0, None) / excursion.fall_s)
    shape: Values = np.where((since <= 0) | (since >= _CLOUD_S), 0.0, np.where(since < _RISE_S, rising, falling))
    return shape


@dataclass(frozen=True)
class _Points:
    """Devices of one kind as columns: arrays of shape (devices, 1) that spread over the moments."""

    devices: Sequence[Device]
    seed: int
    working_point: Values
    swing: Values
    accuracy: Values

    @classmethod
    def of(cls, devices: Sequence[Device], seed: int) -> _Points:
        def column(values: list[float]) -> Values:
            return np.array(values, dtype=np.float64)[:, None]

        return cls(
            devices,
            seed,
            column([device.measure.working_point for device in devices]),
            column([device.measure.swing for device in devices]),
            column([device.measure.accuracy for device in devices]),
        )

    def quantity(self, name: str) -> Keys:
        """Return keys that devices of one redundancy group share."""
        return _keys([device.quantity_key for device in self.devices], self.seed, name)

    def watched(self, name: str) -> Keys:
        """Return keys that devices of one object share."""
        return _keys([device.watched.object_id for device in self.devices], self.seed, name)

    def load(self, seconds: Seconds) -> Values:
        """Return the load of each device's enterprise, about -1 to 1."""
        keys = _keys([device.load_key for device in self.devices], self.seed, "load")
        names, places = np.unique(keys, return_inverse=True)
        load = 0.65 * _smooth(names, seconds, 12 * HOUR) + 0.35 * _smooth(names ^ np.uint64(1), seconds, 3 * HOUR)
        return load[places]

    def instrument(self, seconds: Seconds) -> Values:
        """Return what the instrument adds: its own constant error and its noise, both within its accuracy."""
        own = _keys([device.record_id for device in self.devices], self.seed, "instrument")
        constant = (_uniform(own, np.zeros(1, dtype=np.int64)) - 0.5) * self.accuracy
        return constant + 0.12 * self.accuracy * _normal(own, seconds)


def _tank_level(points: _Points, seconds: Seconds, _weather: Weather) -> Values:
    return tank_levels(points.watched("level"), seconds) + points.instrument(seconds)


def tank_levels(keys: Keys, seconds: Seconds) -> Values:
    """Return levels in percent that move straight from stage to stage and rest in between; (tanks, moments)."""
    shifted = seconds[None, :] + (keys % np.uint64(_TANK_STAGE)).astype(np.int64)[:, None]
    stage, into = np.divmod(shifted, _TANK_STAGE)
    first = stage.min()
    stages = np.arange(first, stage.max() + 2, dtype=np.int64)
    targets = _TANK_LOWEST + _TANK_SPAN * _uniform(keys, stages)
    before = np.take_along_axis(targets, stage - first, axis=1)
    after = np.take_along_axis(targets, stage - first + 1, axis=1)
    moved = np.minimum(into / (_TANK_STAGE * _MOVING_SHARE), 1.0)
    result: Values = before + (after - before) * moved
    return result


def _temperature(points: _Points, seconds: Seconds, weather: Weather) -> Values:
    outside = weather.at("air_temperature", seconds)[None, :] - 17.0
    slow = _smooth(points.quantity("slow"), seconds, 6 * HOUR)
    quick = _smooth(points.quantity("quick"), seconds, 40 * 60)
    is_unit = np.array([[device.watched.object_kind == "unit"] for device in points.devices])
    is_ambient = np.array([[device.measure.swing > 5.0 and not is_one] for device, (is_one,) in
                           zip(points.devices, is_unit, strict=True)])  # fmt: skip
    driven = np.where(is_unit, 0.7 * points.load(seconds) + 0.2 * slow + 0.1 * quick, 0.85 * slow + 0.15 * quick)
    weathered = np.where(is_ambient, 0.75, 0.02) * outside
    moved = np.where(is_ambient, 0.25, 1.0) * points.swing * driven
    return points.working_point + weathered + moved + points.instrument(seconds)


def _pressure(points: _Points, seconds: Seconds, weather: Weather) -> Values:
    is_unit = np.array([[device.watched.object_kind == "unit"] for device in points.devices])
    slow = _smooth(points.quantity("slow"), seconds, 4 * HOUR)
    quick = _smooth(points.quantity("quick"), seconds, 20 * 60)
    warmth = np.clip((weather.at("air_temperature", seconds)[None, :] - 17.0) / 15.0, -1.5, 1.5)
    driven = np.where(is_unit, 0.6 * points.load(seconds) + 0.4 * slow, 0.6 * slow + 0.4 * warmth)
    return points.working_point + points.swing * (0.8 * driven + 0.2 * quick) + points.instrument(seconds)


def _flow(points: _Points, seconds: Seconds, _weather: Weather) -> Values:
    quick = _smooth(points.quantity("quick"), seconds, 10 * 60)
    driven = 0.85 * points.load(seconds) + 0.15 * quick
    return np.clip(points.working_point + points.swing * driven + points.instrument(seconds), 0.0, None)


def _gas(points: _Points, seconds: Seconds, _weather: Weather) -> Values:
    traces = np.clip(_smooth(points.quantity("traces"), seconds, 8 * HOUR), 0.0, None)
    noise = _normal(_keys([device.record_id for device in points.devices], points.seed, "instrument"), seconds)
    return np.clip(points.swing * (traces + 0.25 * noise) + _clouds(points, seconds), 0.0, None)


def _oxygen(points: _Points, seconds: Seconds, _weather: Weather) -> Values:
    slow = _smooth(points.quantity("slow"), seconds, 8 * HOUR)
    return points.working_point + points.swing * slow + _clouds(points, seconds) + 0.3 * points.instrument(seconds)


def _clouds(points: _Points, seconds: Seconds) -> Values:
    clouds = np.zeros((len(points.devices), len(seconds)))
    places = {device.record_id: place for place, device in enumerate(points.devices)}
    first, last = (datetime.fromtimestamp(int(at), PARK_TIME_ZONE).date() for at in (seconds[0], seconds[-1]))
    for ahead in range((last - first).days + 1):
        for excursion in excursions(points.devices, first + timedelta(days=ahead), seed=points.seed):
            clouds[places[excursion.record_id]] += _cloud(excursion, seconds)
    return clouds


def _boundary_voc(points: _Points, seconds: Seconds, weather: Weather) -> Values:
    still = weather.at("stillness", seconds)[None, :]
    slow = _smooth(points.quantity("slow"), seconds, 5 * HOUR)
    quick = _smooth(points.quantity("quick"), seconds, 30 * 60)
    level = points.working_point * np.exp(0.35 * still + 0.45 * slow + 0.25 * quick)
    return np.clip(level + 0.5 * points.instrument(seconds), 0.0, None)


def _meteorology(points: _Points, seconds: Seconds, weather: Weather) -> Values:
    gusts = _smooth(points.quantity("gusts"), seconds, 5 * 60)
    temperature = weather.at("air_temperature", seconds)
    daily = 2.9 * np.sin(2 * np.pi * (seconds / DAY + 8 / 24 - 9 / 24))  # the day's wave, with its top at 15:00
    rain = _smooth(_keys(["park"], points.seed, "rain"), seconds, 7 * HOUR)[0]
    wet = np.clip(rain - 0.62, 0.0, None)
    shown = {
        "ENV-ME-01": (weather.at("wind_direction", seconds)[None, :] + 12.0 * gusts) % 360.0,
        "ENV-ME-02": temperature + 0.3 * gusts,
        "ENV-ME-03": np.clip(72.0 - 3.2 * daily + 9.0 * rain + 60.0 * wet + 1.5 * gusts, 18.0, 100.0),
        "ENV-ME-04": weather.at("air_pressure", seconds) + 0.2 * gusts,
        "ENV-ME-05": np.clip(60.0 * wet * (1.0 + 0.5 * gusts), 0.0, None),
        "ENV-ME-06": np.clip(weather.at("wind_speed", seconds) * (1.0 + 0.25 * gusts), 0.0, None),
    }
    rows = [shown[device.measure.vital_code][place] for place, device in enumerate(points.devices)]
    result: Values = np.stack(rows)
    return result


_SIGNALS: dict[str, Callable[[_Points, Seconds, Weather], Values]] = {
    kinds.TANK_LEVEL.kind: _tank_level,
    kinds.TEMPERATURE.kind: _temperature,
    kinds.PRESSURE.kind: _pressure,
    kinds.FLOW.kind: _flow,
    kinds.COMBUSTIBLE_GAS.kind: _gas,
    kinds.TOXIC_GAS.kind: _gas,
    kinds.OXYGEN.kind: _oxygen,
    kinds.BOUNDARY_VOC.kind: _boundary_voc,
    kinds.METEOROLOGY.kind: _meteorology,
}


def _keys(names: Sequence[str], seed: int, what: str) -> Keys:
    """Return one 64-bit key per name."""
    low = np.array([zlib.crc32(f"{what}/{name}".encode()) for name in names], dtype=np.uint64)
    high = np.array([zlib.crc32(f"{name}/{what}/{seed}".encode()) for name in names], dtype=np.uint64)
    return _mixed((high << np.uint64(32)) | low)


def _mixed(numbers: Keys) -> Keys:
    """Scatter 64-bit numbers: the finaliser of the generator splitmix64."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _hashes(keys: Keys, moments: Seconds) -> Keys:
    return _mixed(keys[:, None] ^ _mixed(moments.astype(np.uint64) * np.uint64(_GAMMA))[None, :])


def _uniform(keys: Keys, moments: Seconds) -> Values:
    """Return numbers in [0, 1), shape (keys, moments)."""
    result: Values = (_hashes(keys, moments) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return result


def _normal(keys: Keys, moments: Seconds) -> Values:
    """Return noise of mean 0 and variance 1: the sum of a hash's four quarters, so never beyond 3.5 sigma."""
    quarters = _hashes(keys, moments).view(np.uint16).reshape(len(keys), len(moments), 4)
    total: Values = quarters.sum(axis=2, dtype=np.uint32) * 2.0**-16
    result: Values = (total - (2.0 - 2.0**-15)) / _IRWIN_HALL_SIGMA
    return result


def _smooth(keys: Keys, seconds: Seconds, every_s: int) -> Values:
    """Return noise in (-1, 1) that runs smoothly between independent values every so many seconds."""
    knot, into = np.divmod(seconds, every_s)
    first = int(knot[0])
    values = 2.0 * _uniform(keys, np.arange(first, int(knot[-1]) + 2, dtype=np.int64)) - 1.0
    share = into / every_s
    weight = share * share * (3.0 - 2.0 * share)
    before = values[:, knot - first]
    result: Values = before + (values[:, knot - first + 1] - before) * weight
    return result
