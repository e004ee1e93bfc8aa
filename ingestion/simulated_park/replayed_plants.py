"""Two real plants that are replayed beside the invented ones: a continuous process and a pump skid.

The process is the public Tennessee Eastman benchmark (52 tags every three minutes), the skid the public SKAB rig (eight
tags once a second). Both stand in zone Z6, where the pilot plants of the park are. Their runs are laid on the last days
of the archive at their own period; the rows name the plant's tags and never a file.
"""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ingestion.simulated_park.device_kinds import Measure
from ingestion.simulated_park.device_register import IN_USE, Device, WatchedObject
from ingestion.simulated_park.errors import ReplayFolderError
from ingestion.simulated_park.telemetry_fault_plan import iso
from ingestion.simulated_park.telemetry_readings import Readings
from ingestion.simulated_park.telemetry_signals import DAY, HOUR, Seconds, Values, day_start

ZONE = "Z6"
PROCESS_PERIOD_S = 180
SKID_PERIOD_S = 1

_FAULT_FROM_SAMPLE = 160  # of each test run of the process, as its publishers say
_NORMAL_RUN_DAY = 1  # days before the last one on which the skid's run without faults stands
_FIRST_VALVE_HOUR = 4
_TAGS = 52
_NOT_TAGS = ("datetime", "anomaly", "changepoint")


@dataclass(frozen=True)
class ReplayedRun:
    """A stretch of one plant's real readings at the times where the archive has it.

    Attributes:
        plant: `tep` or `skab`.
        run: name of the run as its publishers call it.
        seconds: Unix times of the samples.
        values: readings by point id, NaN where there is none.
        faults: where the publishers say that something was wrong, as (first, last) Unix times.
    """

    plant: str
    run: str
    seconds: Seconds
    values: dict[str, Values]
    faults: tuple[tuple[int, int], ...]

    def as_fact(self) -> dict[str, object]:
        """Return what the ground truth says of the run."""
        return {
            "plant": self.plant,
            "run": self.run,
            "first_at": iso(int(self.seconds[0])),
            "last_at": iso(int(self.seconds[-1])),
            "samples": len(self.seconds),
            "faults": [[iso(first), iso(last)] for first, last in self.faults],
        }


@dataclass(frozen=True)
class _Tag:
    """A tag: title, unit, upper end of the range, working point and vital.

    The range begins at `range_low`, else 5 % below zero, as far as an analogue loop can show it. `swing` is half the
    operating band; without one the band is the range.
    """

    title: str
    unit: str
    range_high: float
    working_point: float
    vital_code: str
    range_low: float | None = None
    swing: float | None = None
    alarm_high: float | None = None
    alarm_high_high: float | None = None
    period_s: int = PROCESS_PERIOD_S


_VALVES = ("D 进料阀", "E 进料阀", "A 进料阀", "A、C 混合进料阀", "压缩机循环阀", "放空阀", "分离器排液阀",
           "汽提塔出料阀", "汽提蒸汽阀", "反应器冷却水阀", "冷凝器冷却水阀")  # fmt: skip


def _process_tags() -> dict[str, _Tag]:
    """Return the 41 measured and 11 manipulated quantities, with the units and base values of Downs and Vogel (1993).

    `km3/h` is a thousand standard cubic metres an hour.
    """
    volume, mass, level = "SAF-PR-07", "SAF-PR-06", "SAF-PR-08"
    heat, pressure = "SAF-PR-01", "SAF-PR-02"
    flows = (
        ("A 进料流量", "km3/h", 0.25052),
        ("D 进料流量", "kg/h", 3664.0),
        ("E 进料流量", "kg/h", 4509.3),
        ("A、C 混合进料流量", "km3/h", 9.3477),
        ("循环气流量", "km3/h", 26.902),
        ("反应器进料流量", "km3/h", 42.339),
    )
    measured = [
        *(
            _Tag(title, unit, _top(at), at, mass if unit == "kg/h" else volume, swing=0.25 * at)
            for title, unit, at in flows
        ),
        _Tag("反应器压力", "kPa", 4000, 2705.0, pressure, alarm_high=2895, alarm_high_high=3000, swing=300),
        _Tag("反应器液位", "%", 120, 75.0, level, swing=20),
        _Tag("反应器温度", "degC", 200, 120.40, heat, alarm_high=150, alarm_high_high=175, swing=10),
        _Tag("放空流量", "km3/h", 1.5, 0.33712, volume, swing=0.2),
        _Tag("分离器温度", "degC", 200, 80.109, heat, swing=15),
        _Tag("分离器液位", "%", 120, 50.0, level, swing=20),
        _Tag("分离器压力", "kPa", 4000, 2633.7, pressure, swing=300),
        _Tag("分离器底部流量", "m3/h", 60, 25.160, volume, swing=8),
        _Tag("汽提塔液位", "%", 120, 50.0, level, swing=20),
        _Tag("汽提塔压力", "kPa", 5000, 3102.2, pressure, swing=400),
        _Tag("汽提塔底部流量", "m3/h", 60, 22.949, volume, swing=8),
        _Tag("汽提塔温度", "degC", 200, 65.731, heat, swing=12),
        _Tag("汽提蒸汽流量", "kg/h", 800, 230.31, mass, swing=130),
        _Tag("压缩机功率", "kW", 600, 341.43, "SAF-PR-11", swing=60),
        _Tag("反应器冷却水出口温度", "degC", 200, 94.599, heat, swing=15),
        _Tag("分离器冷却水出口温度", "degC", 200, 77.297, heat, swing=15),
    ]
    shares = (
        ("反应器进料", "ABCDEF", (32.188, 8.8933, 26.383, 6.8820, 18.776, 1.6567)),
        ("放空气", "ABCDEFGH", (32.958, 13.823, 23.978, 1.2565, 18.579, 2.2633, 4.8436, 2.2986)),
        ("产品", "DEFGH", (0.01787, 0.83570, 0.09858, 53.724, 43.828)),
    )
    for stream, components, points in shares:
        for component, at in zip(components, points, strict=True):
            measured.append(_Tag(f"{stream} {component} 组分含量", "mol%", 100, at, "SAF-PR-09"))
    valves = [_Tag(f"{title}开度", "%", 105, 50.0, "SAF-PR-10") for title in _VALVES]
    return {
        **{f"TEP-XMEAS-{number:02d}": tag for number, tag in enumerate(measured, start=1)},
        **{f"TEP-XMV-{number:02d}": tag for number, tag in enumerate(valves, start=1)},
    }


def _top(working_point: float) -> float:
    """Return the upper end of a flow meter's range: four times the working point, two digits."""
    return float(f"{4 * working_point:.2g}")


PROCESS_TAGS = _process_tags()
SKID_TAGS = {
    "Accelerometer1RMS": _Tag("泵侧振动", "RMS_g", 2, 0.2, "SAF-EQ-01", period_s=SKID_PERIOD_S),
    "Accelerometer2RMS": _Tag("电机侧振动", "RMS_g", 2, 0.25, "SAF-EQ-01", period_s=SKID_PERIOD_S),
    "Current": _Tag("电机电流", "A", 20, 2.0, "SAF-EQ-02", period_s=SKID_PERIOD_S),
    "Pressure": _Tag("泵出口压力", "bar", 10, 0.3, "SAF-EQ-05", range_low=-5, period_s=SKID_PERIOD_S),
    "Temperature": _Tag("电机温度", "degC", 150, 85.0, "SAF-EQ-04", period_s=SKID_PERIOD_S),
    "Thermocouple": _Tag("循环液温度", "degC", 150, 27.0, "SAF-EQ-04", period_s=SKID_PERIOD_S),
    "Voltage": _Tag("电机电压", "V", 400, 230.0, "SAF-EQ-03", period_s=SKID_PERIOD_S),
    "Volume Flow RateRMS": _Tag("循环流量", "L/min", 300, 100.0, "SAF-EQ-06", period_s=SKID_PERIOD_S),
}


def skid_point(column: str) -> str:
    """Return the point id of a column of the skid: `Volume Flow RateRMS` is SKAB-volume-flow-raterms."""
    return f"SKAB-{re.sub('[^a-z0-9]+', '-', column.lower())}"


def plant_files(replay_dir: Path | None) -> list[Path]:
    """Return the files of the plants that the folder of real series has; those of either may be absent."""
    if replay_dir is None:
        return []
    return [*_process_files(replay_dir), *_skid_files(replay_dir)]


def replayed_devices(replay_dir: Path | None) -> list[Device]:
    """Return the tags of the plants that the folder has, as devices of the register."""
    if replay_dir is None:
        return []
    devices: list[Device] = []
    if _process_files(replay_dir):
        unit = WatchedObject("TEP-U01", "回放连续反应装置", "unit", 121.4612, 30.8141)
        devices += [_device(name, unit, tag, "GW-TEP", "示范仪表乙厂") for name, tag in PROCESS_TAGS.items()]
    if _skid_files(replay_dir):
        pump = WatchedObject("SKAB-P01", "回放循环泵组", "pump", 121.4571, 30.8128)
        devices += [_device(skid_point(name), pump, tag, "GW-SKAB", "示范自控戊厂") for name, tag in SKID_TAGS.items()]
    return sorted(devices, key=lambda device: device.record_id)


def replayed_runs(replay_dir: Path, *, first_day: date, last_day: date) -> Iterator[ReplayedRun]:
    """Yield the runs that fit into the days, both included, oldest first for each plant.

    The process begins with its normal run at 00:00 of `first_day`; every test run begins at the midnight after the run
    before it. The skid's run without faults begins at 00:00 of the last day but one, its valve runs on the last day at
    04:00, 05:00 …

    Raises:
        ReplayFolderError: A file is not what it should be.
    """
    start, end = day_start(first_day), day_start(last_day) + DAY
    for path in _process_files(replay_dir):
        run = _process_run(path, start)
        after = int(run.seconds[-1]) + PROCESS_PERIOD_S
        if after > end:
            break
        yield run
        start += DAY * -(-(after - start) // DAY)
    place = 0
    for path in _skid_files(replay_dir):
        is_normal = "anomaly-free" in path.name
        start = day_start(last_day) + (_FIRST_VALVE_HOUR + place) * HOUR
        if is_normal:
            start = day_start(last_day - timedelta(days=_NORMAL_RUN_DAY))
        run = _skid_run(path, start)
        if start < day_start(first_day) or int(run.seconds[-1]) >= (start + DAY if is_normal else end):
            continue
        place += 0 if is_normal else 1
        yield run


def replayed_readings(tags: Sequence[Device], runs: Sequence[ReplayedRun], day: date, *, seed: int) -> Readings:
    """Return the samples of all runs on one day, sorted by tag and time; where a run has no value there is no row."""
    series: list[tuple[Seconds, Values]] = []
    for tag in tags:
        parts = [(run.seconds, run.values[tag.record_id]) for run in runs if tag.record_id in run.values]
        moments = np.concatenate([np.empty(0, dtype=np.int64), *(seconds for seconds, _ in parts)])
        values = np.concatenate([np.empty(0), *(part for _, part in parts)])
        kept = (moments >= day_start(day)) & (moments < day_start(day) + DAY) & ~np.isnan(values)
        series.append((moments[kept], values[kept]))
    return Readings.of(tags, ZONE, series, has_flags=True, seed=seed)


def _process_files(replay_dir: Path) -> list[Path]:
    """Return the normal run and then the test runs; without a normal run there is no plant."""
    folder = replay_dir / "tep"
    normal = sorted(folder.glob("d00.dat*"))
    return [*normal[:1], *sorted(folder.glob("d[0-9][0-9]_te.dat*"))] if normal else []


def _skid_files(replay_dir: Path) -> list[Path]:
    def order(path: Path) -> tuple[bool, list[int], str]:
        return "anomaly-free" not in path.name, [int(digits) for digits in re.findall(r"\d+", path.name)], path.name

    return sorted((replay_dir / "skab").glob("*.csv*"), key=order)


def _process_run(path: Path, start_s: int) -> ReplayedRun:
    try:
        table = np.loadtxt(io.StringIO(_text(path)))
    except ValueError as error:
        raise ReplayFolderError(f"{path} is not a table of numbers ({error}): fetch it anew.") from error
    if table.ndim == 2 and table.shape[0] == _TAGS != table.shape[1]:
        table = table.T  # the normal run is published with a line per tag
    if table.ndim != 2 or table.shape[1] != _TAGS:
        raise ReplayFolderError(f"{path} has no {_TAGS} tags but the shape {table.shape}: fetch it anew.")
    seconds = start_s + PROCESS_PERIOD_S * np.arange(len(table), dtype=np.int64)
    name = path.name.split(".")[0]
    is_test = name != "d00" and len(seconds) > _FAULT_FROM_SAMPLE
    faults = ((int(seconds[_FAULT_FROM_SAMPLE]), int(seconds[-1])),) if is_test else ()
    return ReplayedRun("tep", name, seconds, dict(zip(PROCESS_TAGS, table.T, strict=True)), faults)


def _skid_run(path: Path, start_s: int) -> ReplayedRun:
    try:
        rows = pl.read_csv(io.BytesIO(_text(path).encode()), separator=";", null_values=["", "NA", "nan"])
        times = rows.get_column("datetime").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
        values = {skid_point(name): rows.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()
                  for name in SKID_TAGS}  # fmt: skip
    except pl.exceptions.PolarsError as error:
        raise ReplayFolderError(f"{path} is not a table of the skid's tags ({error}): fetch it anew.") from error
    if rows.is_empty():
        raise ReplayFolderError(f"{path} has no rows: fetch it anew.")
    seconds = start_s + (times - times[0]).dt.total_seconds().to_numpy().astype(np.int64)
    labels = rows.get_column("anomaly").to_numpy() if "anomaly" in rows.columns else np.zeros(len(rows))
    return ReplayedRun("skab", path.name.split(".")[0], seconds, values, tuple(_stretches(seconds, labels > 0)))


def _stretches(seconds: Seconds, is_wrong: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_wrong, [False]]).astype(np.int8)))
    for first, end in edges.reshape(-1, 2):
        yield int(seconds[first]), int(seconds[end - 1])


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ReplayFolderError(f"{path} cannot be read ({error}): fetch it anew.") from error


def _device(record_id: str, watched: WatchedObject, tag: _Tag, gateway: str, maker: str) -> Device:
    bottom = -0.05 * tag.range_high if tag.range_low is None else tag.range_low
    low, high = bottom, tag.range_high
    if tag.swing is not None:
        low, high = tag.working_point - tag.swing, tag.working_point + tag.swing
    measure = Measure(
        tag.vital_code, tag.unit, round(bottom, 4), tag.range_high, round(low, 4), round(high, 4),
        round(0.005 * tag.range_high, 5), 4, tag.working_point, 0,
        alarm_high=tag.alarm_high, alarm_high_high=tag.alarm_high_high, period_s=tag.period_s,
    )  # fmt: skip
    return Device(
        record_id=record_id,
        device_name=f"{watched.object_name}{tag.title}",
        kind="replayed_tag",
        watched=watched,
        measure=measure,
        uscc=None,
        zone_id=ZONE,
        gateway_id=gateway,
        load_key=watched.object_id,
        maker=maker,
        model="RT-100",
        installed_on=date(2024, 6, 3),
        status=IN_USE,
        data_origin="replayed",
    )
