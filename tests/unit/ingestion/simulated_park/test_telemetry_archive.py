"""The telemetry archive: whole and the same every time, with every planted fault where the ground truth says."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.readers import DayRange, UnusableDeliveryError
from ingestion.readers.daily_archive import DailyArchive
from ingestion.simulated_park.device_register import AIR_STATION_KIND, Device, park_devices
from ingestion.simulated_park.errors import ForeignFilesError
from ingestion.simulated_park.telemetry_archive import (
    ARCHIVE_DAYS,
    Progress,
    TelemetrySummary,
    write_telemetry_archive,
    write_telemetry_day,
)
from ingestion.simulated_park.telemetry_signals import Weather, signal_values
from ingestion.source_file import load_sources
from lakehouse.settings import PARK_TIME_ZONE, ParkSize

SEED = 20260301
LAST = date(2026, 11, 21)
FIRST = LAST - timedelta(days=ARCHIVE_DAYS - 1)
COLUMNS = {
    "point_id_iot": pl.String(),
    "zone_id": pl.String(),
    "measured_at": pl.Datetime("us", "Asia/Shanghai"),
    "value": pl.Float64(),
    "unit": pl.String(),
    "source_flag": pl.String(),
    "received_at": pl.Datetime("us", "Asia/Shanghai"),
    "data_origin": pl.String(),
}
EVERY_KIND = {
    "spike", "flat_line", "drift", "stuck_at_range_end", "unit_jump", "unusable_value", "dated_tomorrow",
    "clock_jumped_back", "duplicate_equal", "duplicate_differs", "out_of_order", "late_rows", "late_file",
    "gap_of_point", "gap_of_gateway", "source_flag", "unknown_point", "unknown_unit", "truncated_file",
    "renamed_column", "empty_file",
}  # fmt: skip

Defect = dict[str, Any]


class Archive:
    """The archive of the small park as a test reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "point_readings"
        self.truth: dict[str, Any] = json.loads((root / "ground_truth" / "point_readings.json").read_text("utf-8"))
        self.devices: dict[str, Device] = {one.record_id: one for one in park_devices(seed=SEED, size=ParkSize.SMALL)}
        self.weather = Weather(first_day=FIRST, last_day=LAST, seed=SEED)

    def planted(self, kind: str) -> list[Defect]:
        """Return the planted faults of a kind."""
        return [one for one in self.truth["planted"] if one["kind"] == kind]

    def file(self, day: date, zone: str, part: str = "") -> pl.DataFrame:
        """Read one file as a frame of `COLUMNS`."""
        path = self.folder / f"{day:%Y/%Y-%m-%d}.{zone}{part}.parquet"
        if path.exists():
            return pl.read_parquet(path)
        times = pl.col("measured_at", "received_at").str.to_datetime("%+", time_unit="us", time_zone="Asia/Shanghai")
        return pl.read_csv(path.with_suffix("").with_name(f"{path.stem}.csv.gz"), schema_overrides=CSV).with_columns(
            times
        )

    def rows(self, defect: Defect, point: str | None = None) -> pl.DataFrame:
        """Return the rows of a fault's point in the file of its day."""
        day = datetime.fromisoformat(defect["key"]["first_at"]).date()
        return self.file(day, defect["truth"]["zone_id"]).filter(point_id_iot=point or defect["key"]["point_id"])

    def struck(self, defect: Defect, point: str | None = None) -> pl.DataFrame:
        """Return those of them that were measured while the fault lasted."""
        first, last = moments(defect)
        return self.rows(defect, point).filter(pl.col("measured_at").is_between(first, last))

    def right(self, point: str, rows: pl.DataFrame) -> list[float]:
        """Return what the instrument would have shown at the times of some rows."""
        device = self.devices[point]
        seconds = rows["measured_at"].dt.epoch("s").to_numpy()
        return signal_values([device], seconds, seed=SEED, weather=self.weather)[0].tolist()


CSV = {name: pl.String() if isinstance(kind, pl.Datetime) else kind for name, kind in COLUMNS.items()}


def moments(defect: Defect) -> tuple[datetime, datetime]:
    return moment(defect["key"]["first_at"]), moment(defect["truth"]["last_at"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(PARK_TIME_ZONE)


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith("manifest.json")
    }


def write(
    root: Path, *, days: int = ARCHIVE_DAYS, last: date = LAST, seed: int = SEED, progress: Progress | None = None
) -> TelemetrySummary:
    return write_telemetry_archive(
        root, last_full_day=last, seed=seed, size=ParkSize.SMALL, days=days, progress=progress
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    root = tmp_path_factory.mktemp("telemetry")
    write(root)
    return Archive(root)


def test_there_is_a_file_for_every_day_and_zone(archive: Archive):
    days = [FIRST + timedelta(days=ahead) for ahead in range(ARCHIVE_DAYS)]
    plain = {f"{day}.{zone}" for day in days for zone in ("Z1", "Z2", "Z3", "Z4", "Z7")}
    names = {path.name for path in archive.folder.rglob("*") if path.is_file()}
    assert {f"{name}.parquet" for name in plain} | {f"{day}.Z5.csv.gz" for day in days} <= names
    assert all(name.endswith(("-late.parquet", "-resent.parquet")) for name in names - {
        f"{name}.parquet" for name in plain} - {f"{day}.Z5.csv.gz" for day in days})  # fmt: skip


def test_a_calm_day_has_every_reading_sorted_by_point_and_time(archive: Archive):
    disturbed = {(one["key"]["first_at"][:10], one["truth"]["zone_id"]) for one in archive.truth["planted"]
                 if one["kind"] in {"late_rows", "gap_of_point", "gap_of_gateway", "late_file", "duplicate_equal",
                                    "duplicate_differs", "clock_jumped_back", "dated_tomorrow", "out_of_order",
                                    "unknown_point"} and "zone_id" in one["truth"]}  # fmt: skip
    checked = 0
    for ahead in range(ARCHIVE_DAYS):
        day = FIRST + timedelta(days=ahead)
        for zone in ("Z1", "Z2", "Z3", "Z5"):
            if (str(day), zone) in disturbed:
                continue
            rows = archive.file(day, zone)
            assert dict(rows.schema) == COLUMNS
            assert rows.equals(rows.sort("point_id_iot", "measured_at"))
            counts = dict(rows.group_by("point_id_iot").len().iter_rows())
            assert counts == {
                name: 86_400 // device.measure.period_s
                for name, device in archive.devices.items()
                if device.zone_id == zone and device.kind != AIR_STATION_KIND and device.status != "停用"
                and name not in archive.truth["silent_points"]
            }  # fmt: skip
            assert rows["measured_at"].dt.date().unique().to_list() == [day]
            delay = (rows["received_at"] - rows["measured_at"]).dt.total_seconds()
            assert 2 <= delay.min() <= delay.max() <= 9
            checked += 1
    assert checked >= 20


def test_rows_without_a_fault_hold_what_the_instrument_showed(archive: Archive):
    day = FIRST + timedelta(days=2)
    rows = archive.file(day, "Z1")
    planted = {one["key"].get("point_id") for one in archive.truth["planted"]}
    points = [name for name in rows["point_id_iot"].unique().sort() if name not in planted][:40]
    for point in points:
        own = rows.filter(point_id_iot=point)
        device = archive.devices[point]
        assert own["value"].to_list() == archive.right(point, own)
        assert own["unit"].unique().to_list() == [device.measure.unit]
        flag = "M" if point in archive.truth["points_in_repair"] else "N"
        assert own["source_flag"].unique().to_list() == [flag]


def test_the_old_gateway_writes_no_flags_and_local_times(archive: Archive):
    path = archive.folder / f"{LAST:%Y/%Y-%m-%d}.Z5.csv.gz"
    assert pl.read_csv(path)["measured_at"][0] == f"{LAST}T00:00:00+08:00"
    assert archive.file(LAST, "Z5")["source_flag"].null_count() == archive.file(LAST, "Z5").height


def test_every_kind_of_fault_is_there_but_few_of_each(archive: Archive):
    counts = Counter(one["kind"] for one in archive.truth["planted"])
    assert set(counts) == EVERY_KIND
    assert max(counts.values()) <= 2 * ARCHIVE_DAYS
    assert len({one["defect_id"] for one in archive.truth["planted"]}) == counts.total()
    flags = {one["truth"]["source_flag"] for one in archive.planted("source_flag")}
    assert flags == {"M", "C", "D", "T", "B"}
    assert {one["truth"]["factor"] for one in archive.planted("unit_jump")} == {10.0, 1000.0}


def test_no_point_has_two_faults_on_a_day(archive: Archive):
    struck = Counter()
    for one in archive.truth["planted"]:
        if "first_at" in one["key"]:
            day = one["key"]["first_at"][:10]
            struck.update((day, point) for point in one["truth"].get("points", [one["key"]["point_id"]]))
    assert struck.most_common(1)[0][1] == 1


def test_a_spike_stands_alone_inside_the_range(archive: Archive):
    for one in archive.planted("spike"):
        point = one["key"]["point_id"]
        rows = archive.rows(one)
        wrong = rows.filter(pl.col("value") != pl.Series(archive.right(point, rows)))
        assert wrong["measured_at"].to_list() == [moments(one)[0]]
        measure = archive.devices[point].measure
        assert measure.range_low < wrong["value"][0] == one["truth"]["written"] < measure.range_high
        assert abs(one["truth"]["written"] - one["truth"]["right"]) > 0.25 * (measure.range_high - measure.range_low)


def test_flat_and_stuck_stretches_hold_one_value(archive: Archive):
    for kind, shortest in (("flat_line", 45), ("stuck_at_range_end", 120)):
        for one in archive.planted(kind):
            rows = archive.struck(one)
            assert rows["value"].unique().to_list() == [one["truth"]["written"]]
            assert rows.height == one["truth"]["rows"] >= shortest
            assert archive.rows(one)["value"].n_unique() > 3
    ends = {one["truth"]["at"] for one in archive.planted("stuck_at_range_end")}
    assert ends == {"range_high", "range_low"}


def test_one_of_three_drifts_for_days_and_is_right_again(archive: Archive):
    days = archive.planted("drift")
    assert len({(one["key"]["point_id"], one["truth"]["redundancy_group"]) for one in days}) <= 2
    for one in days:
        point = one["key"]["point_id"]
        accuracy = archive.devices[point].measure.accuracy
        rows = archive.rows(one)
        away = rows["value"] - pl.Series(archive.right(point, rows))
        assert away[-1] == pytest.approx(one["truth"]["offset_at_end"], abs=accuracy * 0.5)
        assert away.tail(100).mean() > away.head(100).mean()
        group = [name for name, device in archive.devices.items()
                 if device.redundancy_group == one["truth"]["redundancy_group"]]  # fmt: skip
        assert len(group) == 3
    assert max(one["truth"]["offset_at_end"] / archive.devices[one["key"]["point_id"]].measure.accuracy
               for one in days) > 5  # fmt: skip


def test_a_slip_of_the_unit_multiplies(archive: Archive):
    for one in archive.planted("unit_jump"):
        rows = archive.struck(one)
        right = pl.Series(archive.right(one["key"]["point_id"], rows))
        assert (rows["value"] - right * one["truth"]["factor"]).abs().max() < 1e-6
        assert rows["unit"].unique().to_list() == [one["truth"]["unit"]]


def test_values_that_are_no_numbers(archive: Archive):
    for one in archive.planted("unusable_value"):
        values = archive.struck(one)["value"].to_list()
        assert [str(value) for value in values] == one["truth"]["written"] == ["nan", "1e+308", "inf", "-inf"]


def test_clocks_ahead_and_behind(archive: Archive):
    for one in archive.planted("dated_tomorrow"):
        first, last = moments(one)
        assert archive.struck(one).is_empty()
        rows = archive.rows(one).filter(pl.col("measured_at").is_between(first + timedelta(1), last + timedelta(1)))
        assert rows.height == one["truth"]["rows"]
        assert (rows["received_at"] < rows["measured_at"]).all()
    (one,) = archive.planted("clock_jumped_back")
    first, last = moments(one)
    hour = timedelta(hours=1)
    rows = archive.rows(one)
    twice = rows.filter(pl.col("measured_at").is_duplicated())
    assert twice.height == 120
    assert (twice["measured_at"].min(), twice["measured_at"].max()) == (first - hour, last - hour)
    assert archive.struck(one).is_empty()  # and an hour is missing
    assert rows.sort("received_at")["received_at"].equals(rows["received_at"])  # as it was received


def test_doubled_and_corrected_rows_stand_at_the_end(archive: Archive):
    for kind in ("duplicate_equal", "duplicate_differs"):
        for one in archive.planted(kind):
            day = moments(one)[0].date()
            count = one["truth"]["rows"]
            tail = archive.file(day, one["truth"]["zone_id"]).tail(count)
            assert set(tail["point_id_iot"]) == {one["key"]["point_id"]}
            first = archive.struck(one).head(count)
            assert first["measured_at"].equals(tail["measured_at"])
            assert (tail["received_at"] > first["received_at"]).all()
            assert first["value"].equals(tail["value"]) == (kind == "duplicate_equal")
            if kind == "duplicate_differs":
                assert tail["value"].to_list() == one["truth"]["right"]
                assert first["value"].to_list() == one["truth"]["superseded"]


def test_disordered_and_late_rows(archive: Archive):
    for one in archive.planted("out_of_order"):
        times = archive.struck(one)["measured_at"]
        assert times.len() == 20
        assert times.equals(times.sort(descending=True))
    for one in archive.planted("late_rows"):
        rows = archive.struck(one)
        assert rows.height == 30
        assert ((rows["received_at"] - rows["measured_at"]).dt.total_hours() == 3).all()
        assert rows.equals(archive.file(moments(one)[0].date(), one["truth"]["zone_id"]).tail(30))


def test_a_late_file_holds_what_the_first_lacks(archive: Archive):
    for one in archive.planted("late_file"):
        first, last = moments(one)
        zone = one["truth"]["zone_id"]
        late = archive.file(first.date(), zone, "-late")
        assert set(late["point_id_iot"]) == set(one["truth"]["points"])
        assert late.height == one["truth"]["rows"]
        assert late["measured_at"].min() == first
        assert late["measured_at"].max() == last
        assert (late["received_at"].dt.date() == first.date() + timedelta(days=1)).all()
        main = archive.file(first.date(), zone).filter(pl.col("point_id_iot").is_in(one["truth"]["points"]))
        assert main.filter(pl.col("measured_at").is_between(first, last)).is_empty()
        whole = pl.concat([main, late]).group_by("point_id_iot").len()["len"]
        assert set(whole) <= {1440, 8640}


def test_gaps_are_gaps(archive: Archive):
    for one in archive.planted("gap_of_point") + archive.planted("gap_of_gateway"):
        for point in one["truth"].get("points", [one["key"]["point_id"]]):
            assert archive.struck(one, point).is_empty()
            assert not archive.rows(one, point).is_empty()
    gateways = {one["key"]["gateway_id"]: one["truth"]["points"] for one in archive.planted("gap_of_gateway")}
    for gateway, points in gateways.items():
        assert {archive.devices[point].gateway_id for point in points} == {gateway}
        assert len(points) > 5
    long = [one for one in archive.planted("gap_of_point") if one["truth"]["began_at"].endswith("T12:00:00+08:00")]
    assert len({one["key"]["point_id"] for one in long}) == 1
    assert {one["key"]["first_at"][11:16] for one in long} == {"12:00", "00:00"}  # thirty hours, over a midnight


def test_the_sources_own_flags(archive: Archive):
    for one in archive.planted("source_flag"):
        rows = archive.struck(one)
        assert rows["source_flag"].unique().to_list() == [one["truth"]["source_flag"]]
        assert rows["value"].unique().to_list() == [one["truth"]["written"]]
        others = archive.rows(one).filter(~pl.col("measured_at").is_between(*moments(one)))
        assert others["source_flag"].unique().to_list() == ["N"]


def test_strangers_and_strange_units(archive: Archive):
    (one,) = archive.planted("unknown_point")
    stranger = one["truth"]["unknown_point_id"]
    assert stranger not in archive.devices
    assert archive.struck(one, stranger).height == one["truth"]["rows"] == 60
    (one,) = archive.planted("unknown_unit")
    assert archive.struck(one)["unit"].unique().to_list() == [one["truth"]["written"]]
    assert archive.rows(one)["unit"].n_unique() == 2


def test_a_renamed_column_comes_again_under_its_name(archive: Archive):
    (one,) = archive.planted("renamed_column")
    bad = pl.read_parquet(archive.root / one["key"]["file"])
    good = pl.read_parquet(archive.root / one["truth"]["good_file"])
    assert "value" not in bad.columns
    assert bad.rename({"reading": "value"}).equals(good)
    assert dict(good.schema) == COLUMNS


def test_silent_points_never_send(archive: Archive):
    silent = set(archive.truth["silent_points"]) | set(archive.truth["points_out_of_use"])
    assert len(archive.truth["silent_points"]) == 2
    day = FIRST + timedelta(days=1)
    sent = {point for zone in ("Z1", "Z2", "Z3", "Z4", "Z5") for point in archive.file(day, zone)["point_id_iot"]}
    assert not sent & silent


def test_true_rises_of_gas_are_told_and_written(archive: Archive):
    assert archive.truth["true_rises_of_gas"]
    for rise in archive.truth["true_rises_of_gas"]:
        device = archive.devices[rise["point_id"]]
        start = moment(rise["first_at"])
        if device.zone_id == "Z7" and "Z7" in str(archive.planted("truncated_file")[0]["key"]):
            continue
        rows = archive.file(start.date(), device.zone_id).filter(point_id_iot=device.record_id)
        top = rows.filter(measured_at=start + timedelta(minutes=3))["value"]
        assert top.to_list() in ([], [pytest.approx(rise["peak"] + device.measure.working_point,
                                                    abs=5 * device.measure.swing + 0.1)])  # fmt: skip


def test_the_reader_refuses_the_broken_files_and_no_others(archive: Archive):
    source = load_sources()["telemetry_archive"]
    refused: dict[str, str] = {}
    readings = 0
    for delivery in DailyArchive(archive.root, "telemetry_archive_url").deliveries(
        source, source.streams["point_readings"], DayRange(FIRST, LAST)
    ):
        try:
            readings += delivery.read().height
        except UnusableDeliveryError as error:
            refused[delivery.uri] = error.code
    truncated, empty = archive.planted("truncated_file")[0], archive.planted("empty_file")[0]
    assert refused == {truncated["key"]["file"]: "unreadable", empty["key"]["file"]: "empty_delivery"}
    assert 10_000_000 < readings < 12_000_000


def test_a_second_call_writes_nothing_and_another_run_gives_the_same_bytes(archive: Archive, tmp_path: Path):
    again = write(archive.root)
    assert again.written_count == 0
    assert again.unchanged_count == again.file_count > 84
    summary = write(tmp_path, days=2)
    assert (summary.first_day, summary.last_day) == (LAST - timedelta(days=1), LAST)
    expected = digests(archive.root)
    own = {name: digest for name, digest in digests(tmp_path).items() if name.startswith("point_readings")}
    assert len(own) == summary.file_count > 11
    assert own.items() <= expected.items()  # a day is the same whatever other days are asked for


def test_the_next_day_adds_its_files_and_removes_the_oldest(tmp_path: Path):
    write(tmp_path, days=2)
    before = digests(tmp_path / "point_readings")
    summary = write(tmp_path, days=2, last=LAST + timedelta(days=1))
    after = digests(tmp_path / "point_readings")
    kept = {name: digest for name, digest in before.items() if f"{LAST}." in name}
    assert kept.items() <= after.items()
    assert {name[5:15] for name in after} == {str(LAST), str(LAST + timedelta(days=1))}
    assert summary.unchanged_count == len(kept)
    assert summary.removed_count == len(before) - len(kept)


def test_a_damaged_file_is_written_again(tmp_path: Path):
    write(tmp_path, days=1)
    expected = digests(tmp_path)
    damaged = tmp_path / "point_readings" / f"{LAST:%Y/%Y-%m-%d}.Z1.parquet"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    assert write(tmp_path, days=1).written_count == 1
    assert digests(tmp_path) == expected


def test_another_seed_gives_other_readings(archive: Archive, tmp_path: Path):
    write(tmp_path, days=1, seed=SEED + 1)
    ours, other = (pl.read_parquet(root / "point_readings" / f"{LAST:%Y/%Y-%m-%d}.Z1.parquet")
                   for root in (archive.root, tmp_path))  # fmt: skip
    assert not ours.equals(other)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path):
    foreign = tmp_path / "point_readings" / "real.parquet"
    foreign.parent.mkdir()
    foreign.write_bytes(b"real")
    with pytest.raises(ForeignFilesError, match=r"real\.parquet"):
        write(tmp_path, days=1)
    assert foreign.read_bytes() == b"real"


def test_progress_counts_the_days(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    write(tmp_path, days=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_a_benchmark_day_has_as_many_points_and_zones_as_asked(tmp_path: Path):
    written = write_telemetry_day(tmp_path, LAST, points=103, zones=4, seed=SEED)
    assert written.readings == 103 * 1440
    assert [path.name for path in written.files] == [f"{LAST}.Z{number}.parquet" for number in range(1, 5)]
    rows = pl.concat([pl.read_parquet(path) for path in written.files])
    assert rows.height == 103 * 1440
    assert dict(rows.schema) == COLUMNS
    assert rows.equals(rows.sort("point_id_iot", "measured_at"))
    assert rows["point_id_iot"].unique().sort().to_list() == [f"P{number:07d}" for number in range(1, 104)]
    assert rows["value"].is_finite().all()
    again = write_telemetry_day(tmp_path / "again", LAST, points=103, zones=4, seed=SEED)
    assert [path.read_bytes() for path in again.files] == [path.read_bytes() for path in written.files]


def test_faults_are_planted_at_times_of_the_parks_own_clock(archive: Archive):
    for one in archive.planted("spike"):
        assert one["key"]["first_at"].endswith(":00+08:00")
        assert "02:00" <= one["key"]["first_at"][11:16] <= "18:00"
