"""What instruments show: the same at the same moment, unbroken at midnight, and believable."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pytest

from ingestion.simulated_park.device_register import AIR_STATION_KIND, Device, park_devices
from ingestion.simulated_park.errors import PeriodTooEarlyError
from ingestion.simulated_park.telemetry_signals import (
    DAY,
    Values,
    Weather,
    day_seconds,
    day_start,
    excursions,
    signal_values,
)
from lakehouse.settings import ParkSize

SEED = 20260301
FIRST, LAST = date(2026, 11, 19), date(2026, 11, 21)
MIDNIGHTS = (DAY // 60, 2 * DAY // 60)


@pytest.fixture(scope="module")
def devices() -> list[Device]:
    return [one for one in park_devices(seed=SEED, size=ParkSize.SMALL) if one.kind != AIR_STATION_KIND]


@pytest.fixture(scope="module")
def weather() -> Weather:
    return Weather(first_day=FIRST, last_day=LAST, seed=SEED)


@pytest.fixture(scope="module")
def three_days(devices: list[Device], weather: Weather) -> Values:
    moments = np.concatenate([day_seconds(FIRST + timedelta(days=ahead), 60) for ahead in range(3)])
    return signal_values(devices, moments, seed=SEED, weather=weather)


def of_kind(kind: str, devices: list[Device], values: Values) -> list[tuple[Device, Values]]:
    return [(device, values[place]) for place, device in enumerate(devices) if device.kind == kind]


def test_a_value_does_not_depend_on_the_period_that_is_asked_for(
    devices: list[Device], weather: Weather, three_days: Values
):
    alone = Weather(first_day=LAST, last_day=LAST, seed=SEED)
    last_day = signal_values(devices, day_seconds(LAST, 60), seed=SEED, weather=alone)
    assert np.array_equal(last_day, three_days[:, -1440:])
    finer = signal_values(devices[:50], day_seconds(LAST, 10), seed=SEED, weather=weather)
    assert np.array_equal(finer[:, ::6], last_day[:50])
    shuffled = signal_values(devices[::-1], day_seconds(LAST, 60), seed=SEED, weather=weather)
    assert np.array_equal(shuffled[::-1], last_day)


def test_another_seed_is_another_park(devices: list[Device], weather: Weather):
    one, other = (signal_values(devices, day_seconds(LAST, 300), seed=seed, weather=weather) for seed in (1, 2))
    assert (one != other).any(axis=1).mean() > 0.95


def test_nothing_jumps_at_midnight(devices: list[Device], three_days: Values):
    steps = np.abs(np.diff(three_days, axis=1))
    for place, device in enumerate(devices):
        if device.measure.unit == "deg":
            continue  # 359° and 1° are neighbours
        at_midnight = max(steps[place, minute - 1] for minute in MIDNIGHTS)
        assert at_midnight <= steps[place].max()
        if device.kind in {"tank_level", "temperature", "pressure", "flow"}:
            width = device.measure.operating_high - device.measure.operating_low
            assert at_midnight < 0.06 * width, device.device_name


def test_tanks_fill_and_empty_within_their_rate(devices: list[Device], three_days: Values):
    levels = of_kind("tank_level", devices, three_days)
    spans = []
    for device, level in levels:
        hourly = np.abs(level[60:] - level[:-60])
        assert hourly.max() < 10.0, device.device_name  # %/h, the vital SAF-TK-04
        assert 15 < level.min() <= level.max() < 85, device.device_name  # between the alarms of L and H
        spans.append(np.ptp(level))
    assert np.median(spans) > 20


def test_instruments_have_noise_and_the_resolution_of_their_display(devices: list[Device], three_days: Values):
    for place, device in enumerate(devices):
        values = three_days[place]
        assert np.array_equal(values, np.round(values, device.measure.decimals))
        assert not np.signbit(values[values == 0]).any()
        if device.kind in {"temperature", "pressure", "flow", "tank_level", "oxygen"}:
            still = np.abs(np.diff(values)) == 0
            longest = max((len(run) for run in "".join("x" if one else " " for one in still).split()), default=0)
            assert longest < 30, (device.device_name, longest)  # no instrument looks stuck for half an hour


def test_calm_instruments_stay_in_their_operating_band(devices: list[Device], three_days: Values):
    rising = {rise.record_id for ahead in range(3) for rise in excursions(devices, FIRST + timedelta(ahead), seed=SEED)}
    outside = 0
    for place, device in enumerate(devices):
        if device.record_id in rising:
            continue
        low, high = device.measure.operating_low, device.measure.operating_high
        outside += int(((three_days[place] < low) | (three_days[place] > high)).sum())
    assert outside / three_days.size < 0.001


def test_members_of_a_group_agree_within_their_accuracy(devices: list[Device], three_days: Values):
    groups: dict[str, list[int]] = defaultdict(list)
    for place, device in enumerate(devices):
        if device.redundancy_group is not None:
            groups[device.redundancy_group].append(place)
    assert len(groups) > 20
    for places in groups.values():
        accuracy = devices[places[0]].measure.accuracy
        spread = np.ptp(three_days[places], axis=0)
        assert spread.max() < 3 * accuracy + 0.1
        assert spread.max() > 0  # they are instruments, not copies


def test_gas_stays_near_zero_but_for_rare_clouds(devices: list[Device], weather: Weather):
    gas = [device for device in devices if device.kind in {"combustible_gas", "toxic_gas"}]
    days = [FIRST - timedelta(days=ahead) for ahead in range(200)]
    found = [(day, rise) for day in days for rise in excursions(gas, day, seed=SEED)]
    assert 0.002 < len(found) / (len(gas) * len(days)) < 0.007
    by_id = {device.record_id: device for device in gas}
    seen_high = 0
    for day, rise in [one for one in found if abs(one[1].peak) > 1][:20]:
        device = by_id[rise.record_id]
        own = Weather(first_day=day, last_day=day, seed=SEED)
        values = signal_values([device], day_seconds(day, 60), seed=SEED, weather=own)[0]
        start = (rise.start_s - day_start(day)) // 60
        assert values[start + 3] == pytest.approx(rise.peak, abs=4 * device.measure.swing + 0.1)
        assert values[:start].max() < 4 * device.measure.swing
        assert values[start + 91 :].max() < 4 * device.measure.swing  # it is over before the day ends
        seen_high += values.max() > (device.measure.alarm_high or 0)
    assert seen_high >= 1


def test_oxygen_is_that_of_air_and_falls_in_a_cloud(devices: list[Device]):
    oxygen = [device for device in devices if device.kind == "oxygen"]
    lowest = 21.0
    for ahead in range(400):
        day = FIRST - timedelta(days=ahead)
        for rise in excursions(oxygen, day, seed=SEED):
            device = next(one for one in oxygen if one.record_id == rise.record_id)
            weather = Weather(first_day=day, last_day=day, seed=SEED)
            lowest = min(lowest, signal_values([device], day_seconds(day, 60), seed=SEED, weather=weather).min())
    assert lowest < 19.5


def test_ambient_tanks_follow_the_weather(devices: list[Device]):
    tanks = [one for one in devices if one.measure.vital_code == "SAF-TK-03" and one.measure.swing > 5]
    means = []
    for day in (date(2026, 1, 20), date(2026, 7, 25)):
        weather = Weather(first_day=day, last_day=day, seed=SEED)
        means.append(signal_values(tanks, day_seconds(day, 600), seed=SEED, weather=weather).mean())
    assert means[1] > means[0] + 8


def test_a_mast_shows_the_parks_weather(devices: list[Device], weather: Weather):
    masts = [device for device in devices if device.kind == "meteorology"]
    moments = day_seconds(LAST, 60)
    shown = dict(zip(masts, signal_values(masts, moments, seed=SEED, weather=weather), strict=True))
    for device, values in shown.items():
        assert device.measure.range_low <= values.min()
        assert values.max() <= device.measure.range_high
        if device.measure.vital_code == "ENV-ME-02":
            assert np.abs(values - weather.at("air_temperature", moments)).max() < 0.5


def test_days_before_the_weather_begins_are_refused():
    with pytest.raises(PeriodTooEarlyError, match="PARK_NOW"):
        Weather(first_day=date(2009, 12, 31), last_day=LAST, seed=SEED)
