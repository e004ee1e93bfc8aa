"""Which pieces are made again, and that nothing else is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingestion.readers import DayRange
from lakehouse import staged_files
from lakehouse.lake import Lake
from lakehouse.staged_files import StagedFile
from orchestration.telemetry import refresh as refresh_module
from orchestration.telemetry.pieces import PieceJob, run_piece
from orchestration.telemetry.refresh import TelemetryPieces
from orchestration.telemetry.register import PointRegister, RegisterMissingError
from orchestration.telemetry.workers import local_mapper
from tests.unit.orchestration.telemetry.conftest import ALL_DAYS, FIRST, SLUG, Telemetry, registered, waves

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
EVERYTHING = [(day.isoformat(), zone) for day in (FIRST, SECOND, THIRD) for zone in ("Z1", "Z2", "Z3")]


def test_the_first_run_makes_every_day_and_zone(telemetry: Telemetry):
    telemetry.deliver_usual()
    done = telemetry.refresh()
    assert sorted(done.pieces) == EVERYTHING
    assert (done.unchanged, done.readings, done.unknown) == (0, 3 * 4 * 288, [])
    days = telemetry.table("telemetry__zone_days")
    assert days.height == 3 * 5
    assert days.filter(pl.col("zone_id") != "Z3")["readings_received"].unique().to_list() == [288]


def test_the_second_run_does_nothing(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    versions = telemetry.versions()
    done = telemetry.refresh()
    assert (done.pieces, done.unchanged, done.readings) == ([], 9, 0)
    assert telemetry.versions() == versions
    assert telemetry.pieces().oldest_stale_day() is None


def test_a_silent_zone_gets_its_missing_hours(telemetry: Telemetry):
    telemetry.deliver_usual(days=1)
    telemetry.refresh()
    silent = telemetry.table("telemetry__zone_hours").filter(zone_id="Z3")
    assert silent.height == 3 * 24
    assert silent.select("point_id", "flag_final", "missing_minutes", "expected_minutes").unique().rows() == [
        ("D5", 9, 12, 12)
    ]
    days = telemetry.table("telemetry__zone_days").filter(zone_id="Z3")
    assert days["readings_missing"].to_list() == [288] * 3
    assert days["minutes_online"].to_list() == [0] * 3


def test_days_before_the_first_delivery_and_the_present_day_are_not_made(telemetry: Telemetry):
    telemetry.deliver(SECOND, {"D1": waves(100.0)}, "Z1", "b1")
    telemetry.refresh()
    assert telemetry.table("telemetry__zone_days")["business_date"].unique().sort().to_list() == [
        SECOND.isoformat(),
        THIRD.isoformat(),
    ]


def test_only_the_days_that_are_asked_for_are_made(telemetry: Telemetry):
    telemetry.deliver_usual()
    done = telemetry.refresh(DayRange(SECOND, SECOND))
    assert {label for label, _ in done.pieces} == {SECOND.isoformat()}
    assert telemetry.pieces().oldest_stale_day() == FIRST


def test_a_late_file_in_the_middle_of_a_day_costs_its_own_piece(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    before = telemetry.table("telemetry__zone_days")
    # One corrected reading at 12:00: neither the end of the chains nor what is usual moves.
    telemetry.deliver(FIRST, {"D1": [101.5]}, "Z1", "late", first=144, delay_s=40_000)
    assert telemetry.pieces().oldest_stale_day() == FIRST
    done = telemetry.refresh()
    assert (done.pieces, done.unchanged) == ([(FIRST.isoformat(), "Z1")], 8)
    after = telemetry.table("telemetry__zone_days")
    changed = after.join(before, on=after.columns, how="anti", nulls_equal=True)
    assert changed.select("point_id", "business_date", "readings_superseded", "readings_suspect").rows() == [
        ("D1", FIRST.isoformat(), 1, 1)
    ]


def test_a_late_file_at_the_end_of_a_day_also_costs_the_next_one_and_no_more(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    telemetry.deliver(FIRST, {"D1": [104.5]}, "Z1", "late", first=287, delay_s=40_000)
    assert telemetry.refresh().pieces == [(FIRST.isoformat(), "Z1"), (SECOND.isoformat(), "Z1")]


def test_a_late_file_that_changes_what_is_usual_costs_the_days_that_look_back_on_it(telemetry: Telemetry):
    telemetry.present += timedelta(days=2)
    telemetry.deliver_usual(days=5)  # the fourth day has three days of habit, the fifth four
    telemetry.refresh()
    telemetry.deliver(THIRD, {"D1": waves(160.0, 286)}, "Z1", "late", delay_s=40_000)
    done = telemetry.refresh()
    assert (THIRD.isoformat(), "Z1") in done.pieces
    assert {zone for _, zone in done.pieces} == {"Z1"}
    assert {label for label, _ in done.pieces} <= {"2026-06-03", "2026-06-04", "2026-06-05"}
    again = telemetry.refresh()
    assert again.pieces == []


def test_late_files_end_where_one_delivery_would_have(
    telemetry: Telemetry, tmp_path: Path, telemetry_in: Callable[[Path], Telemetry]
):
    at_once = telemetry_in(tmp_path / "at_once")
    for park in (telemetry, at_once):
        park.deliver(FIRST, {"D1": waves(100.0, 200)}, "Z1", "a")
        park.deliver(SECOND, {"D1": waves(100.0)}, "Z1", "c")
        if park is telemetry:
            park.refresh()
        park.deliver(FIRST, {"D1": [150.0] * 88}, "Z1", "b", first=200, delay_s=9000)
        park.refresh()
    for name, table in telemetry.tables().items():
        assert table.equals(at_once.table(name)), name


def test_a_change_of_the_register_costs_the_days_from_then_on(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    noon_of_the_third = datetime(2026, 6, 3, 4, tzinfo=UTC)
    telemetry.register(registered("D3", range_high=201.0, update_time=noon_of_the_third))
    assert {label for label, _ in telemetry.refresh().pieces} == {THIRD.isoformat()}
    failed = telemetry.table("telemetry__zone_days").filter(point_id="D3").sort("business_date")["readings_failed"]
    # Of six readings 203 202 201 200 201 202 three are above 201.
    assert failed.to_list() == [0, 0, 144]


def test_points_that_do_not_have_to_report_have_no_missing_hours(telemetry: Telemetry):
    telemetry.register(
        registered("D4", device_status="停用", update_time=datetime(2026, 1, 5, tzinfo=UTC)),
        registered("D5", installed_on=date(2026, 6, 3), update_time=datetime(2026, 1, 5, tzinfo=UTC)),
        registered("D6", zone_id="Z3", vital_code="SAF-PR-01", data_origin="replayed"),
        registered("D7", zone_id="Z3", vital_code="SAF-HD-01"),
    )
    telemetry.deliver(FIRST, {"D1": waves(100.0)}, "Z1", "b1")
    telemetry.refresh()
    days = telemetry.table("telemetry__zone_days").group_by("point_id").len().sort("point_id")
    assert days.rows() == [("D1", 3), ("D2", 3), ("D3", 3), ("D5", 1)]


def test_unknown_points_are_handed_back_and_do_not_stop_the_others(telemetry: Telemetry):
    telemetry.deliver(FIRST, {"D1": waves(100.0), "D9": [1.0, 2.0]}, "Z1", "b1")
    telemetry.deliver(FIRST, {"D8": [1.0]}, "Z9", "b2")
    done = telemetry.refresh()
    unknown = pl.concat(done.unknown).sort("point_id_iot", "value")
    assert unknown.select("point_id_iot", "value", "reason_code").rows() == [
        ("D8", 1.0, "unknown_point"),
        ("D9", 1.0, "unknown_point"),
        ("D9", 2.0, "unknown_point"),
    ]
    days = telemetry.table("telemetry__zone_days").filter(point_id="D1").sort("business_date")
    assert days["readings_received"].to_list() == [288, 0, 0]


def test_a_point_that_speaks_in_another_zone_is_judged_by_its_entry(telemetry: Telemetry):
    telemetry.deliver(FIRST, {"D1": waves(100.0), "D3": [200.0, 500.0]}, "Z1", "b1")
    done = telemetry.refresh()
    assert done.unknown == []
    days = telemetry.table("telemetry__zone_days").filter(point_id="D3", zone_id="Z1")
    assert days.select("readings_received", "readings_failed").rows() == [(2, 1)]


def test_a_point_that_spoke_in_two_zones_leaves_the_others_their_own_chains(telemetry: Telemetry):
    # D3 speaks in zone 1 on the first day. On the second, D4 behind it in the order must not take its place.
    telemetry.deliver(FIRST, {"D3": [50.0] * 288}, "Z1", "b1")
    telemetry.deliver(FIRST, {"D4": [210.0] * 288}, "Z2", "b2")
    telemetry.deliver(SECOND, {"D3": [50.0] * 20, "D4": [210.0] * 20}, "Z2", "b3")
    telemetry.refresh()
    tests = telemetry.table("telemetry__treatments").filter(business_date=SECOND.isoformat(), zone_id="Z2")
    # The chains of both go on over midnight: they have stood still since yesterday, so every reading fails (T08, 4 h).
    assert tests.filter(treatment_code="T08_flat").select("point_id", "effect", "readings").sort("point_id").rows() == [
        ("D3", "failed", 20),
        ("D4", "failed", 20),
    ]


@pytest.mark.parametrize("kill_at", [2, 7])
def test_a_refresh_that_is_killed_between_two_tables_ends_where_an_undisturbed_one_does(
    telemetry: Telemetry,
    tmp_path: Path,
    telemetry_in: Callable[[Path], Telemetry],
    monkeypatch: pytest.MonkeyPatch,
    kill_at: int,
):
    undisturbed = telemetry_in(tmp_path / "undisturbed")
    for park in (telemetry, undisturbed):
        park.present -= timedelta(days=1)
        park.deliver_usual(days=2)
        park.refresh()
        park.deliver(FIRST, {"D1": [101.5]}, "Z1", "late", first=287, delay_s=50_000)
    undisturbed.refresh()
    commits = itertools.count()

    def commit(lake: Lake, staged: Sequence[StagedFile]) -> None:
        if next(commits) == kill_at:  # of six tables of two days
            raise KeyboardInterrupt
        staged_files.commit(lake, staged)

    with monkeypatch.context() as patch:
        patch.setattr(refresh_module, "commit", commit)
        with pytest.raises(KeyboardInterrupt):
            telemetry.refresh()
    telemetry.refresh()
    assert telemetry.refresh().pieces == []
    for name, table in undisturbed.tables().items():
        assert telemetry.table(name).equals(table), name


def test_the_order_in_which_pieces_are_done_does_not_matter(
    telemetry: Telemetry, tmp_path: Path, telemetry_in: Callable[[Path], Telemetry]
):
    other = telemetry_in(tmp_path / "other")
    telemetry.deliver_usual(days=2)
    other.deliver_usual(days=2)
    telemetry.refresh()
    other.refresh(mapper=lambda jobs: [run_piece(job) for job in reversed(jobs)])
    for name, table in telemetry.tables().items():
        assert other.table(name).equals(table), name


def test_processes_beside_each_other_make_the_same_tables(
    telemetry: Telemetry, tmp_path: Path, telemetry_in: Callable[[Path], Telemetry]
):
    other = telemetry_in(tmp_path / "other")
    telemetry.deliver_usual(days=1)
    other.deliver_usual(days=1)
    telemetry.refresh()
    with local_mapper(readings=10, readings_worth_a_process=1, workers=2) as mapper:
        done = other.refresh(mapper=mapper)
    assert sorted(done.pieces) == EVERYTHING
    for name, table in telemetry.tables().items():
        assert other.table(name).equals(table), name


def test_few_readings_are_not_worth_a_process():
    seen: list[PieceJob] = []
    with local_mapper(readings=9, readings_worth_a_process=10, workers=2) as mapper:
        assert list(mapper(seen)) == []
        assert mapper.__name__ == "here"


def test_a_day_that_was_made_before_it_was_over_is_made_again_when_it_is(telemetry: Telemetry):
    telemetry.present = datetime(2026, 6, 1, 4, tzinfo=UTC)  # noon of the first day
    telemetry.deliver(FIRST, {"D1": waves(100.0, 144)}, "Z1", "morning")
    telemetry.refresh()
    hours = telemetry.table("telemetry__zone_hours").filter(point_id="D1")
    assert (hours.height, hours["flag_final"].to_list()) == (12, [1] * 12)
    telemetry.present = datetime(2026, 6, 2, 4, tzinfo=UTC)  # no file came any more
    telemetry.refresh()
    hours = telemetry.table("telemetry__zone_hours").filter(point_id="D1").sort("measured_at")
    assert hours["flag_final"].to_list() == [1] * 12 + [9] * 12
    assert telemetry.table("telemetry__zone_days").filter(point_id="D1")["readings_expected"].to_list() == [288]


def test_without_a_delivery_there_is_nothing_to_do(telemetry: Telemetry):
    done = telemetry.refresh()
    assert (done.pieces, done.unchanged) == ([], 0)
    assert telemetry.pieces().oldest_stale_day() is None
    assert telemetry.pieces().readings_to_judge(ALL_DAYS) == 0


def test_the_readings_of_days_are_counted_before_anybody_works(telemetry: Telemetry):
    telemetry.deliver_usual(days=2)
    assert telemetry.pieces().readings_to_judge(DayRange(FIRST, FIRST)) == 4 * 288
    assert telemetry.pieces().readings_to_judge(ALL_DAYS) == 2 * 4 * 288


def test_without_a_register_nothing_can_be_judged(tmp_path: Path):
    with pytest.raises(RegisterMissingError, match="ingest_data_middle_platform"):
        PointRegister.read(Lake(tmp_path))


def test_the_pieces_take_every_stream_of_readings_by_default(telemetry: Telemetry):
    pieces = TelemetryPieces(telemetry.lake, PointRegister.read(telemetry.lake), telemetry.present)
    assert SLUG in [stream.slug for stream in pieces.streams]


def test_a_new_device_leaves_the_days_before_it_alone(telemetry: Telemetry):
    telemetry.deliver_usual()
    telemetry.refresh()
    later = registered("D7", zone_id="Z1", vital_code="SAF-PR-01", unit="degC", update_time=telemetry.present)
    telemetry.register(later)
    assert telemetry.refresh().pieces == []
