"""The gateways' archive of minute telemetry: one file per business date and zone.

`<root>/point_readings/<YYYY>/<YYYY-MM-DD>.<zone>.parquet`; the old gateway of zone Z5 writes `.csv.gz` without flags.
What came a day late is in `….<zone>-late.parquet`, what was sent again in `….<zone>-resent.parquet`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.device_register import AIR_STATION_KIND, IN_REPAIR, OUT_OF_USE, Device, park_devices
from ingestion.simulated_park.owned_files import OwnedFiles, inputs_digest
from ingestion.simulated_park.planted_defects import PlantedDefect, ground_truth_json
from ingestion.simulated_park.replayed_plants import (
    ReplayedRun,
    plant_files,
    replayed_devices,
    replayed_readings,
    replayed_runs,
)
from ingestion.simulated_park.telemetry_blocks import block_readings, blocks, sending_devices
from ingestion.simulated_park.telemetry_fault_plan import PlannedFault, day_of_cycle, iso, plan_day, silent_points
from ingestion.simulated_park.telemetry_faults import TABLE, plant, without
from ingestion.simulated_park.telemetry_readings import (
    CSV_ZONE,
    ArchiveFile,
    CsvGzFile,
    ParquetFile,
    Readings,
    truncated,
)
from ingestion.simulated_park.telemetry_signals import Weather, day_start, excursions
from lakehouse.settings import ParkSize

STREAM = "point_readings"
GROUND_TRUTH_FOLDER = "ground_truth"
GROUND_TRUTH = "point_readings.json"
ARCHIVE_DAYS = 14

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
    files, truths = OwnedFiles(root / STREAM, digest=digest), OwnedFiles(root / GROUND_TRUTH_FOLDER, digest=digest)
    first_day = last_full_day - timedelta(days=days - 1)
    if not (files.are_current() and truths.are_current()):
        park = _Park.of(seed=seed, size=size, first_day=first_day, last_day=last_full_day)
        tags, runs = replayed_devices(replay_dir), _runs(replay_dir, last_full_day)
        files.begin()
        defects: list[PlantedDefect] = []
        rises: list[dict[str, object]] = []
        for done in range(days):
            day = first_day + timedelta(days=done)
            defects += park.write_day(files, day)
            rises += park.true_rises(day)
            if rows := replayed_readings(tags, runs, day, seed=seed):
                files.put(f"{day:%Y/%Y-%m-%d}.{rows.zone_id}-replayed.parquet", _parquet(rows))
            if progress is not None:
                progress(done + 1, days)
        files.finish()
        replayed = [run.as_fact() for run in runs if run.seconds[-1] >= day_start(first_day)]
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


def write_telemetry_day(root: Path, day: date, *, points: int, zones: int = 10, seed: int) -> TelemetryDay:
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
    paths, readings = [], 0
    for zone_id, devices in faultless_devices(points=points, zones=zones, seed=seed).items():
        file = ParquetFile()
        for block in blocks(devices):
            rows = block_readings(block, day, zone_id=zone_id, seed=seed, weather=weather)
            readings += len(rows)
            file.add(rows)
        path = root / STREAM / f"{day:%Y/%Y-%m-%d}.{zone_id}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content())
        paths.append(path)
    return TelemetryDay(tuple(paths), readings)


def faultless_devices(*, points: int, zones: int, seed: int) -> dict[str, list[Device]]:
    """Return the devices of `write_telemetry_day` by zone."""
    pattern = [
        replace(device, measure=replace(device.measure, period_s=60))
        for device in park_devices(seed=seed, size=ParkSize.PARK)
        if device.kind != AIR_STATION_KIND
    ]
    return {
        f"Z{zone + 1}": [
            replace(pattern[number % len(pattern)], record_id=f"P{number + 1:07d}", zone_id=f"Z{zone + 1}")
            for number in range(points * zone // zones, points * (zone + 1) // zones)
        ]
        for zone in range(zones)
    }


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
        smallest = sorted((zone for zone in by_zone if zone != CSV_ZONE), key=lambda zone: (len(by_zone[zone]), zone))
        return cls(
            seed=seed,
            devices=devices,
            by_zone=dict(sorted(by_zone.items())),
            weather=Weather(first_day=first_day, last_day=last_day, seed=seed),
            truncated_zone=smallest[1],
            renamed_zone=smallest[0],
        )

    def write_day(self, files: OwnedFiles, day: date) -> list[PlantedDefect]:
        """Write a day's files and return what is wrong in them."""
        place = day_of_cycle(day)
        whole = [
            device
            for zone, devices in self.by_zone.items()
            if place != _TRUNCATED_ON or zone != self.truncated_zone
            for device in devices
        ]
        faults = plan_day(whole, day, seed=self.seed)
        defects: list[PlantedDefect] = []
        for zone in self.by_zone:
            defects += self._write_zone(files, day, zone, faults)
        if place == _EMPTY_ON:
            name = f"{day:%Y/%Y-%m-%d}.{self.renamed_zone}-late.parquet"
            files.put(name, ParquetFile().content())
            defects.append(_file_defect(planted.EMPTY_FILE, name))
        return defects

    def _write_zone(
        self, files: OwnedFiles, day: date, zone: str, faults: Sequence[PlannedFault]
    ) -> Iterator[PlantedDefect]:
        name, place = f"{day:%Y/%Y-%m-%d}.{zone}", day_of_cycle(day)
        suffix, file = ("csv.gz", CsvGzFile()) if zone == CSV_ZONE else ("parquet", ParquetFile())
        main: list[ArchiveFile] = [file]
        is_renamed = zone == self.renamed_zone and place == _RENAMED_ON
        if is_renamed:
            main.append(ParquetFile(_RENAMED))
        tail: list[Readings] = []
        late: list[Readings] = []
        for block in blocks(self.by_zone[zone]):
            readings = block_readings(block, day, zone_id=zone, seed=self.seed, weather=self.weather)
            left = plant(faults, block, readings)
            for one in main:
                one.add(without(readings, left.removed))
            tail += left.tail
            late += left.late
            yield from left.defects
        for rows in tail:
            for one in main:
                one.add(rows)
        content = file.content()
        if is_renamed:
            files.put(f"{name}.{suffix}", main[1].content())
            files.put(f"{name}-resent.{suffix}", content)
            good = f"{STREAM}/{name}-resent.{suffix}"
            yield _file_defect(planted.RENAMED_COLUMN, f"{name}.{suffix}", renamed=_RENAMED, good_file=good)
        elif zone == self.truncated_zone and place == _TRUNCATED_ON:
            files.put(f"{name}.{suffix}", truncated(content))
            yield _file_defect(planted.TRUNCATED_FILE, f"{name}.{suffix}", zone_id=zone, whole_bytes=len(content))
        else:
            files.put(f"{name}.{suffix}", content)
        if late:
            files.put(f"{name}-late.parquet", _parquet(*late))

    def true_rises(self, day: date) -> Iterator[dict[str, object]]:
        """Yield what gas really rose on a day: no fault, and no test may take it for one."""
        for devices in self.by_zone.values():
            for rise in excursions(devices, day, seed=self.seed):
                yield {"point_id": rise.record_id, "first_at": iso(rise.start_s), "peak": round(rise.peak, 3)}

    def facts(self) -> dict[str, object]:
        """Return what a test may ask for beside the faults: who sends nothing, and who is being repaired."""
        return {
            "silent_points": sorted(silent_points(self.devices, seed=self.seed)),
            "points_out_of_use": [one.record_id for one in self.devices if one.status == OUT_OF_USE],
            "points_in_repair": [one.record_id for one in self.devices if one.status == IN_REPAIR],
        }


def _runs(replay_dir: Path | None, last_full_day: date) -> list[ReplayedRun]:
    """Return the runs of the real plants; they stand on the last two weeks, however many of these days are written."""
    if replay_dir is None:
        return []
    first_day = last_full_day - timedelta(days=ARCHIVE_DAYS - 1)
    return list(replayed_runs(replay_dir, first_day=first_day, last_day=last_full_day))


def _parquet(*parts: Readings) -> bytes:
    file = ParquetFile()
    for part in parts:
        file.add(part)
    return file.content()


def _file_defect(kind: str, name: str, **truth: object) -> PlantedDefect:
    return PlantedDefect(f"TEL-{kind}-{Path(name).name}", kind, TABLE, {"file": f"{STREAM}/{name}"}, truth)
