"""The gateways' archive of minute telemetry: one file per business date and zone.

`<root>/point_readings/<YYYY>/<YYYY-MM-DD>.<zone>.parquet`; the old gateway of zone Z5 writes `.csv.gz` without flags.
A file is made in blocks of points, so memory is that of a block however large the park is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.device_register import AIR_STATION_KIND, IN_REPAIR, OUT_OF_USE, Device, park_devices
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.planted_defects import PlantedDefect, ground_truth_json
from ingestion.simulated_park.replayed_plants import ZONE as REPLAY_ZONE
from ingestion.simulated_park.replayed_plants import ReplayedRun, plant_files, replayed_devices, replayed_runs
from ingestion.simulated_park.telemetry_faults import (
    TABLE,
    PlannedFault,
    PlantedRows,
    day_of_cycle,
    iso,
    plan_day,
    plant,
    silent_points,
    without,
)
from ingestion.simulated_park.telemetry_readings import ArchiveFile, CsvGzFile, ParquetFile, Readings, truncated
from ingestion.simulated_park.telemetry_signals import (
    DAY,
    Seconds,
    Values,
    Weather,
    day_seconds,
    day_start,
    excursions,
    signal_values,
)
from lakehouse.settings import ParkSize

STREAM = "point_readings"
GROUND_TRUTH = "point_readings.json"
ARCHIVE_DAYS = 14
CSV_ZONE = "Z5"

_READINGS_PER_BLOCK = 1_000_000
_RENAMED = {"value": "reading"}
_TRUNCATED_ON, _RENAMED_ON, _EMPTY_ON = 2, 10, 13  # days of the cycle of faults

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TelemetrySummary:
    """What stands in the archive and what the call did to it."""

    folder: Path
    first_day: date
    last_day: date
    file_count: int
    written_count: int
    unchanged_count: int
    removed_count: int


@dataclass(frozen=True)
class TelemetryDay:
    """What `write_telemetry_day` wrote: the files, and how many readings they hold together."""

    files: tuple[Path, ...]
    readings: int


def write_telemetry_archive(
    root: Path,
    *,
    last_full_day: date,
    seed: int,
    size: ParkSize,
    days: int = ARCHIVE_DAYS,
    replay_dir: Path | None = None,
    progress: Progress | None = None,
) -> TelemetrySummary:
    """Write the files of the last days and, beside them, `<root>/ground_truth/point_readings.json`.

    The same inputs give the same bytes; files that have them already are left alone, others are replaced or removed. A
    day's files are the same whatever other days are asked for. The real plants of `replay_dir` are in files of their
    own, `<YYYY-MM-DD>.Z6-replayed.parquet`; they move with `last_full_day`, as the replayed air does.

    Args:
        root: Folder of the archive; it is made when absent.
        last_full_day: The last business date (Asia/Shanghai) that has ended.
        seed: Seed of the simulated park.
        size: Size of the simulated park.
        days: How many days, the last of them `last_full_day`.
        replay_dir: Folder of real series, or None.
        progress: Called after every day with the number of days done and the number of all days.

    Raises:
        PeriodTooEarlyError: The days lie before the invented weather begins.
        ReplayFolderError: A file of the replayed plants is not what it should be.
        ForeignFilesError: The folder holds somebody else's files.
    """
    sources = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in plant_files(replay_dir)}
    digest = inputs_digest(last_full_day=last_full_day, seed=seed, size=size, days=days, sources=sources)
    files, truths = OwnedFiles(root / STREAM, digest=digest), OwnedFiles(root / "ground_truth", digest=digest)
    first_day = last_full_day - timedelta(days=days - 1)
    if not (files.are_current() and truths.are_current()):
        park = _Park.of(seed=seed, size=size, first_day=first_day, last_day=last_full_day)
        runs = [] if replay_dir is None else _runs(replay_dir, last_full_day)
        tags = replayed_devices(replay_dir)
        files.begin()
        defects: list[PlantedDefect] = []
        rises: list[dict[str, object]] = []
        for done in range(days):
            day = first_day + timedelta(days=done)
            defects += park.write_day(files, day)
            _write_replayed(files, day, tags, runs, seed)
            rises += park.true_rises(day)
            if progress is not None:
                progress(done + 1, days)
        files.finish()
        replayed = [_as_fact(run) for run in runs if run.seconds[-1] >= day_start(first_day)]
        facts = {**park.facts(), "true_rises_of_gas": rises, "replayed_runs": replayed}
        truths.begin().put(GROUND_TRUTH, ground_truth_json(defects, **facts))
        truths.finish()
    return TelemetrySummary(
        folder=files.folder,
        first_day=first_day,
        last_day=last_full_day,
        file_count=len(files.names),
        written_count=files.written_count,
        unchanged_count=files.unchanged_count,
        removed_count=files.removed_count,
    )


def write_telemetry_day(root: Path, day: date, *, points: int, zones: int = 10, seed: int = 20260301) -> TelemetryDay:
    """Write one day of a park of any size without faults: every point once a minute, files of equal size.

    The points are those of the large park again and again under the names P0000001, P0000002 …, zone after zone.

    Args:
        root: Folder of the archive; files of the same name are replaced.
        day: The business date.
        points: Number of points.
        zones: Number of zone files, Z1, Z2 …
        seed: Seed of the simulated park.
    """
    weather = Weather(first_day=day, last_day=day, seed=seed)
    pattern = [one for one in park_devices(seed=seed, size=ParkSize.PARK) if one.kind != AIR_STATION_KIND]
    paths, readings = [], 0
    for zone in range(zones):
        first, end = points * zone // zones, points * (zone + 1) // zones
        devices = [
            replace(
                pattern[number % len(pattern)],
                record_id=f"P{number + 1:07d}",
                zone_id=f"Z{zone + 1}",
                measure=replace(pattern[number % len(pattern)].measure, period_s=60),
            )
            for number in range(first, end)
        ]
        file = ParquetFile()
        for block in _blocks(devices):
            rows = _block_readings(block, f"Z{zone + 1}", day, seed, weather)
            readings += len(rows)
            file.add(rows)
        path = root / STREAM / f"{day:%Y/%Y-%m-%d}.Z{zone + 1}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content())
        paths.append(path)
    return TelemetryDay(tuple(paths), readings)


def sending_devices(devices: Sequence[Device], *, seed: int) -> list[Device]:
    """Return the devices whose readings reach this archive, by record id.

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


@dataclass(frozen=True)
class _Park:
    """The park that is written: its devices by zone, its weather, and the zones with faults of whole files."""

    seed: int
    devices: tuple[Device, ...]
    by_zone: dict[str, list[Device]]
    weather: Weather
    truncated_zone: str
    renamed_zone: str

    @classmethod
    def of(cls, *, seed: int, size: ParkSize, first_day: date, last_day: date) -> _Park:
        devices = park_devices(seed=seed, size=size)
        by_zone: dict[str, list[Device]] = {}
        for device in sending_devices(devices, seed=seed):
            by_zone.setdefault(device.zone_id, []).append(device)
        smallest = sorted((zone for zone in by_zone if zone != CSV_ZONE), key=lambda zone: len(by_zone[zone]))
        return cls(
            seed=seed,
            devices=devices,
            by_zone=dict(sorted(by_zone.items())),
            weather=Weather(first_day=first_day, last_day=last_day, seed=seed),
            truncated_zone=smallest[1],
            renamed_zone=smallest[0],
        )

    def write_day(self, files: OwnedFiles, day: date) -> list[PlantedDefect]:
        place = day_of_cycle(day)
        whole = [
            device
            for zone, devices in self.by_zone.items()
            if place != _TRUNCATED_ON or zone != self.truncated_zone
            for device in devices
        ]
        faults = plan_day(whole, day, seed=self.seed)
        defects: list[PlantedDefect] = []
        for zone, devices in self.by_zone.items():
            defects += self._write_zone(files, day, zone, devices, faults)
        if place == _EMPTY_ON:
            name = f"{day:%Y/%Y-%m-%d}.{self.renamed_zone}-late.parquet"
            empty = Readings.of([], self.renamed_zone, [], has_flags=True, seed=self.seed)
            file = ParquetFile()
            file.add(empty)
            files.put(name, file.content())
            defects.append(_file_defect(planted.EMPTY_FILE, name, {}))
        return defects

    def _write_zone(
        self, files: OwnedFiles, day: date, zone: str, devices: list[Device], faults: Sequence[PlannedFault]
    ) -> list[PlantedDefect]:
        name = f"{day:%Y/%Y-%m-%d}.{zone}"
        place = day_of_cycle(day)
        is_renamed = zone == self.renamed_zone and place == _RENAMED_ON
        main: list[ArchiveFile] = [CsvGzFile() if zone == CSV_ZONE else ParquetFile()]
        if is_renamed:
            main.append(ParquetFile(_RENAMED))
        tail, late, defects = PlantedRows(), ParquetFile(), []
        for block in _blocks(devices):
            readings = _block_readings(block, zone, day, self.seed, self.weather)
            left = plant(faults, block, readings)
            for file in main:
                file.add(without(readings, left.removed))
            tail.tail += left.tail
            tail.late += left.late
            defects += left.defects
        for rows in tail.tail:
            for file in main:
                file.add(rows)
        content = main[0].content()
        suffix = "csv.gz" if zone == CSV_ZONE else "parquet"
        if is_renamed:
            files.put(f"{name}.parquet", main[1].content())
            files.put(f"{name}-resent.parquet", content)
            truth: dict[str, object] = {"renamed": _RENAMED, "good_file": f"{name}-resent.parquet"}
            defects.append(_file_defect(planted.RENAMED_COLUMN, f"{name}.parquet", truth))
        elif zone == self.truncated_zone and place == _TRUNCATED_ON:
            files.put(f"{name}.{suffix}", truncated(content))
            truth = {"zone_id": zone, "whole_bytes": len(content)}
            defects.append(_file_defect(planted.TRUNCATED_FILE, f"{name}.{suffix}", truth))
        else:
            files.put(f"{name}.{suffix}", content)
        if tail.late:
            for rows in tail.late:
                late.add(rows)
            files.put(f"{name}-late.parquet", late.content())
        return defects

    def true_rises(self, day: date) -> Iterator[dict[str, object]]:
        for devices in self.by_zone.values():
            for rise in excursions(devices, day, seed=self.seed):
                yield {
                    "point_id": rise.record_id,
                    "first_at": iso(rise.start_s),
                    "peak": round(rise.peak, 3),
                }

    def facts(self) -> dict[str, object]:
        """Return what a test may ask for beside the faults: who sends nothing, and who is being repaired."""
        return {
            "silent_points": sorted(silent_points(self.devices, seed=self.seed)),
            "points_out_of_use": [one.record_id for one in self.devices if one.status == OUT_OF_USE],
            "points_in_repair": [one.record_id for one in self.devices if one.status == IN_REPAIR],
        }


def _runs(replay_dir: Path, last_full_day: date) -> list[ReplayedRun]:
    """Return the runs of the real plants; they stand on the last two weeks, however many of these days are written."""
    first_day = last_full_day - timedelta(days=ARCHIVE_DAYS - 1)
    return list(replayed_runs(replay_dir, first_day=first_day, last_day=last_full_day))


def _write_replayed(
    files: OwnedFiles, day: date, tags: Sequence[Device], runs: Sequence[ReplayedRun], seed: int
) -> None:
    """Write the day's samples of the replayed plants; where a run has no value there is no row."""
    series: list[tuple[Seconds, Values]] = []
    for tag in tags:
        parts = [(run.seconds, run.values[tag.record_id]) for run in runs if tag.record_id in run.values]
        moments = np.concatenate([np.empty(0, dtype=np.int64), *(part[0] for part in parts)])
        values = np.concatenate([np.empty(0), *(part[1] for part in parts)])
        kept = (moments >= day_start(day)) & (moments < day_start(day) + DAY) & ~np.isnan(values)
        series.append((moments[kept], values[kept]))
    readings = Readings.of(tags, REPLAY_ZONE, series, has_flags=True, seed=seed)
    if len(readings):
        file = ParquetFile()
        file.add(readings)
        files.put(f"{day:%Y/%Y-%m-%d}.{REPLAY_ZONE}-replayed.parquet", file.content())


def _as_fact(run: ReplayedRun) -> dict[str, object]:
    return {
        "plant": run.plant,
        "run": run.run,
        "first_at": iso(int(run.seconds[0])),
        "last_at": iso(int(run.seconds[-1])),
        "samples": len(run.seconds),
        "faults": [[iso(first), iso(last)] for first, last in run.faults],
    }


def _file_defect(kind: str, name: str, truth: dict[str, object]) -> PlantedDefect:
    path = f"{STREAM}/{name}"
    return PlantedDefect(f"TEL-{kind}-{Path(name).name}", kind, TABLE, {"file": path}, truth)


def _blocks(devices: Sequence[Device]) -> Iterator[list[Device]]:
    """Cut a zone's devices into blocks of about `_READINGS_PER_BLOCK` readings a day."""
    block: list[Device] = []
    readings = 0
    for device in devices:
        block.append(device)
        readings += DAY // device.measure.period_s
        if readings >= _READINGS_PER_BLOCK:
            yield block
            block, readings = [], 0
    if block:
        yield block


def _block_readings(devices: Sequence[Device], zone: str, day: date, seed: int, weather: Weather) -> Readings:
    """Return what the devices of one zone send in a day when nothing goes wrong, sorted by point and time."""
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
    return Readings.of(devices, zone, in_order, has_flags=zone != CSV_ZONE, seed=seed)
