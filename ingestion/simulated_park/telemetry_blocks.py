"""A zone's telemetry in blocks of points, so that memory is that of a block however large the park is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ingestion.simulated_park.device_register import AIR_STATION_KIND, OUT_OF_USE, Device
from ingestion.simulated_park.telemetry_fault_plan import silent_points
from ingestion.simulated_park.telemetry_readings import CSV_ZONE, Readings
from ingestion.simulated_park.telemetry_signals import DAY, Seconds, Values, Weather, day_seconds, signal_values

READINGS_PER_BLOCK = 1_000_000


def sending_devices(devices: Sequence[Device], *, seed: int) -> list[Device]:
    """Return the devices whose readings reach the archive of telemetry, by record id.

    Air stations have an archive of their own; what is out of use or has been silent ever since sends nothing.
    """
    silent = silent_points(devices, seed=seed)
    return sorted(
        (
            device
            for device in devices
            if device.kind != AIR_STATION_KIND and device.status != OUT_OF_USE and device.record_id not in silent
        ),
        key=lambda device: device.record_id,
    )


def blocks(devices: Sequence[Device]) -> Iterator[list[Device]]:
    """Cut devices into blocks of about `READINGS_PER_BLOCK` readings a day."""
    block: list[Device] = []
    readings = 0
    for device in devices:
        block.append(device)
        readings += DAY // device.measure.period_s
        if readings >= READINGS_PER_BLOCK:
            yield block
            block, readings = [], 0
    if block:
        yield block


def block_readings(devices: Sequence[Device], day: date, *, zone_id: str, seed: int, weather: Weather) -> Readings:
    """Return what devices of one zone send in a day when nothing goes wrong, sorted by point and time."""
    by_period: dict[int, list[int]] = {}
    for place, device in enumerate(devices):
        by_period.setdefault(device.measure.period_s, []).append(place)
    series: dict[int, tuple[Seconds, Values]] = {}
    for period_s, places in by_period.items():
        moments = day_seconds(day, period_s)
        values = signal_values([devices[place] for place in places], moments, seed=seed, weather=weather)
        for row, place in enumerate(places):
            series[place] = (moments, values[row])
    in_order = [series[place] for place in range(len(devices))]
    return Readings.of(devices, zone_id, in_order, has_flags=zone_id != CSV_ZONE, seed=seed)
