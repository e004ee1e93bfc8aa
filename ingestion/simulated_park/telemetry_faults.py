"""Faults of telemetry, planted into a day's readings with the answer that a steward should find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.device_register import Device
from ingestion.simulated_park.planted_defects import PlantedDefect
from ingestion.simulated_park.telemetry_fault_plan import PlannedFault, iso
from ingestion.simulated_park.telemetry_readings import Places, Readings
from ingestion.simulated_park.telemetry_signals import DAY, HOUR, day_start

TABLE = "point_readings"
UNKNOWN_UNIT_TEXT = "刻度"

_DRIFT_IN_ACCURACIES = 12.0
_LATE_FILE_HOUR = 3  # of the day after
_LATE_ROWS_A_SECOND = 200
_WHOLE_GATEWAY = (planted.GAP_OF_GATEWAY, planted.LATE_FILE)


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


def plant(faults: Sequence[PlannedFault], devices: Sequence[Device], readings: Readings) -> PlantedRows:
    """Put the faults into the readings of some devices, in place, and return what does not stand in its place.

    Args:
        faults: Faults of the day; those of other devices are passed over.
        devices: The devices of the readings.
        readings: Rows sorted by point and time.
    """
    left = PlantedRows()
    for fault in faults:
        is_whole_gateway = fault.kind in _WHOLE_GATEWAY
        struck = [
            device
            for device in devices
            if device.record_id == fault.device.record_id
            or (is_whole_gateway and device.gateway_id == fault.device.gateway_id)
        ]
        parts = [readings.rows_of(device.record_id, fault.first_s, fault.last_s) for device in struck]
        rows = np.concatenate([np.empty(0, dtype=np.int64), *parts])
        if not len(rows):
            continue
        # Said before anything moves: the right times of the first and the last row.
        first_at, last_at = iso(int(readings.measured[rows].min())), iso(int(readings.measured[rows].max()))
        truth: dict[str, object] = {"zone_id": fault.device.zone_id, "last_at": last_at, "rows": len(rows)}
        key: dict[str, str | int] = {"point_id": struck[0].record_id, "first_at": first_at}
        if is_whole_gateway:
            key["gateway_id"] = fault.device.gateway_id
            truth["points"] = [device.record_id for device, part in zip(struck, parts, strict=True) if len(part)]
        truth |= _PLANTERS[fault.kind](fault, rows, readings, left)
        name = f"TEL-{fault.kind}-{struck[0].record_id}-{first_at[:16]}"
        left.defects.append(PlantedDefect(name, fault.kind, TABLE, key, truth))
    return left


def without(readings: Readings, removed: Sequence[Places]) -> Readings:
    """Return the readings without some rows."""
    if not removed:
        return readings
    keep = np.ones(len(readings), dtype=np.bool_)
    keep[np.concatenate(removed)] = False
    return readings.take(np.flatnonzero(keep))


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
    return {"written": float(readings.value[rows[0]])}


def _drift_away(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    share = (readings.measured[rows] - fault.first_s) / (fault.last_s - fault.first_s)
    offset = _DRIFT_IN_ACCURACIES * measure.accuracy * share
    readings.value[rows] = np.round(readings.value[rows] + offset, measure.decimals)
    return {
        "began_at": iso(fault.first_s),
        "redundancy_group": fault.device.redundancy_group,
        "offset_at_end": round(float(offset[-1]), 4),
        "offset_when_recalibrated": round(_DRIFT_IN_ACCURACIES * measure.accuracy, 4),
    }


def _stuck(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    readings.value[rows] = measure.range_high if fault.variant == "range_high" else measure.range_low
    return {"written": float(readings.value[rows[0]]), "at": fault.variant}


def _unit_jump(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.value[rows] = np.round(readings.value[rows] * float(fault.variant), fault.device.measure.decimals)
    return {"factor": float(fault.variant), "unit": fault.device.measure.unit}


def _unusable(_fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    right = readings.value[rows].tolist()
    wrong = np.resize(np.array([np.nan, 1e308, np.inf, -np.inf]), len(rows))
    readings.value[rows] = wrong
    return {"written": [str(value) for value in wrong], "right": right}


def _dated_tomorrow(_fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.measured[rows] += DAY
    return {"written_at": [iso(int(moment)) for moment in readings.measured[rows]]}


def _clock_back(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.measured[rows] -= HOUR
    return {"written_from": iso(int(readings.measured[rows[0]]))}


def _again(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    copy = readings.take(rows)
    copy.received = copy.received + 90
    left.tail.append(copy)
    return {}


def _corrected(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    measure = fault.device.measure
    first = readings.value[rows].tolist()
    copy = readings.take(rows)
    copy.value = np.round(copy.value + 3.0 * measure.accuracy, measure.decimals)
    copy.received = copy.received + 600
    left.tail.append(copy)
    return {"superseded": first, "right": copy.value.tolist()}


def _out_of_order(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    backwards = readings.take(rows[::-1])
    readings.measured[rows], readings.value[rows] = backwards.measured, backwards.value
    readings.received[rows] = backwards.received.max()
    return {}


def _late_rows(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    late = readings.take(rows)
    late.received = late.received + 3 * HOUR
    left.tail.append(late)
    left.removed.append(rows)
    return {"received_from": iso(int(late.received[0]))}


def _gap(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    left.removed.append(rows)
    return {"began_at": iso(fault.first_s)}


def _late_file(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    late = readings.take(rows)
    after = day_start(fault.day) + DAY + _LATE_FILE_HOUR * HOUR
    late.received = after + np.arange(len(rows)) // _LATE_ROWS_A_SECOND
    left.late.append(late)
    left.removed.append(rows)
    return {"received_from": iso(after)}


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
    return {"source_flag": fault.variant, "written": shown[fault.variant]}


def _unknown_point(fault: PlannedFault, rows: Places, readings: Readings, left: PlantedRows) -> dict[str, object]:
    stranger = readings.take(rows).renamed(f"X{fault.device.record_id[1:]}")
    left.tail.append(stranger)
    return {"unknown_point_id": stranger.names[0]}


def _unknown_unit(fault: PlannedFault, rows: Places, readings: Readings, _left: PlantedRows) -> dict[str, object]:
    readings.unit[rows] = readings.unit_code(UNKNOWN_UNIT_TEXT)
    return {"written": UNKNOWN_UNIT_TEXT, "right": fault.device.measure.unit}


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
    planted.LATE_FILE: _late_file,
    planted.GAP_OF_POINT: _gap,
    planted.GAP_OF_GATEWAY: _gap,
    planted.SOURCE_FLAG: _flagged,
    planted.UNKNOWN_POINT: _unknown_point,
    planted.UNKNOWN_UNIT: _unknown_unit,
}
