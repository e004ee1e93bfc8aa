"""The main job over a small archive: from file to published row, again, corrected, broken, and cut off.

The job takes half a minute, so one fixture lives through the whole story and the tests look at its chapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ingestion import quarantine
from ingestion.source_file import load_sources
from lakehouse.home import Home
from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import Role, Warehouse
from quality.suites import load_suites

NOW = "2026-03-06T08:00:00+08:00"
FIRST, LAST = date(2026, 2, 22), date(2026, 3, 5)
STATIONS = ("A01", "A03", "A05", "A07", "A09", "A11")
FACTORS = {"a34004": 35.0, "a34002": 60.0, "a21026": 9.0, "a21004": 30.0, "a21005": 900.0, "a05024": 80.0}
OWN_SOURCE = "iot_archive"
READERS_OF_SOURCES = ("assets.sources", "assets.reported", "jobs", "main_run", "schedules")


class Archive:
    """The folder of daily files that the job reads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "air_readings"
        self.folder.mkdir(parents=True)
        for offset in range((LAST - FIRST).days + 1):
            self.put(FIRST + timedelta(days=offset))

    def put(self, day: date, changes: dict[tuple[str, str, int], float] | None = None) -> None:
        """Write one day; `changes` maps station, factor and hour to another value."""
        midnight = datetime.combine(day, datetime.min.time(), PARK_TIME_ZONE)
        rows = [
            (station, factor, midnight + timedelta(hours=hour), (changes or {}).get((station, factor, hour), value))
            for station in STATIONS
            for factor, value in FACTORS.items()
            for hour in range(24)
        ]
        frame = pl.DataFrame(rows, schema=["station_id_iot", "factor_code", "measured_at", "value"], orient="row")
        frame.with_columns(
            pl.col("measured_at").cast(pl.Datetime("us", "Asia/Shanghai")),
            unit=pl.lit("ug/m3"),
            source_flag=pl.lit("N"),
            source_measured_at=pl.lit(None, dtype=pl.Datetime("us", "Asia/Shanghai")),
            data_origin=pl.lit("measured"),
        ).write_parquet(self.folder / f"{day}.parquet")


@dataclass(frozen=True)
class Chapter:
    """What stands after one run of the main job."""

    failures: dict[str, str]
    days: pl.DataFrame
    publications: dict[str, dict[str, object]]
    raw_digests: dict[str, str]
    refused: pl.DataFrame

    def publication(self, mart: str = "fct_air_quality_daily") -> dict[str, object]:
        """Return the ledger's row of a mart."""
        return self.publications[mart]

    def pm25(self, station: str, day: date) -> float:
        """Return a published daily mean."""
        return float(self.days.filter(station_id=station, business_date=day)["pm25_ug_per_m3"].item())


@dataclass
class Story:
    """A platform of its own over the shared server."""

    home: Home
    warehouse: Warehouse
    archive: Archive

    def prepare(self) -> None:
        """Do what `park run` does before the main job."""
        from orchestration.assets.models import build_manifest
        from orchestration.assets.reported import ensure_raw_tables
        from orchestration.dagster_instance import migrate, write_instance

        ensure_raw_tables(self.warehouse)
        write_instance(self.home, self.warehouse)
        build_manifest(self.home)
        migrate(self.home)

    def run(self) -> Chapter:
        """Run the main job and note what stands afterwards."""
        from orchestration.definitions import definitions
        from orchestration.main_run import run_main_job
        from orchestration.platform import Platform

        outcome = run_main_job(self.home, Platform(), definitions(), lambda *_: None)
        read = self.warehouse.read
        ledger = read(Role.READER, "select * from published.publications")
        digests = read(Role.LOADER, "select distinct business_month, _input_digest from raw.air_quality__station_days")
        return Chapter(
            outcome.failures,
            read(Role.READER, "select * from published.fct_air_quality_daily order by station_id, business_date"),
            {row["mart_name"]: row for row in ledger.iter_rows(named=True)},
            dict(digests.iter_rows()),
            quarantine.open_rows(Lake(self.home.lake)),
        )


@pytest.fixture(scope="module")
def story(home: Home, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    archive = Archive(tmp_path_factory.mktemp("archive"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "HOME": home.root,
            "NOW": NOW,
            "IOT_ARCHIVE_URL": archive.root,
            "WAREHOUSE_URL": "",
        }.items():
            patch.setenv(f"PARK_{name}", str(value))
        own = {OWN_SOURCE: load_sources()[OWN_SOURCE]}
        suites = {mart: suite for mart, suite in load_suites().items() if suite.group == "vitals"}
        story = Story(home, warehouse, archive)
        story.prepare()
        for module in READERS_OF_SOURCES:  # the other sources have their own tests; here their tables stay empty
            patch.setattr(f"orchestration.{module}.load_sources", lambda: own)
        patch.setattr("orchestration.assets.trust.load_suites", lambda: suites)
        patch.setattr("orchestration.assets.sources.RETRY", dg.RetryPolicy(max_retries=0))
        yield story


@pytest.fixture(scope="module")
def first(story: Story) -> Chapter:
    return story.run()


@pytest.fixture(scope="module")
def again(story: Story, first: Chapter) -> Chapter:
    return story.run()


@pytest.fixture(scope="module")
def corrected(story: Story, again: Chapter) -> Chapter:
    story.archive.put(date(2026, 3, 2), {("A01", "a34004", hour): 80.0 for hour in range(24)})
    return story.run()


@pytest.fixture(scope="module")
def broken(story: Story, corrected: Chapter) -> Chapter:
    story.archive.put(date(2026, 3, 4), {("A03", "a34004", hour): 9e4 for hour in range(24)})
    return story.run()


@pytest.fixture(scope="module")
def cut_off(story: Story, broken: Chapter) -> Chapter:
    away = story.archive.folder.rename(story.archive.root / "moved")
    chapter = story.run()
    away.rename(story.archive.folder)
    return chapter


def test_readings_reach_the_readers(first: Chapter):
    assert first.failures == {}
    assert first.days.height == len(STATIONS) * 12
    assert first.pm25("A01", date(2026, 3, 2)) == 35.0
    assert first.days["co_mg_per_m3"].to_list() == pytest.approx([0.9] * first.days.height)
    assert first.days["data_origin"].unique().to_list() == ["measured"]
    assert first.publication()["data_until"] == datetime(2026, 3, 5, 16, tzinfo=UTC)
    assert first.refused.is_empty()


def test_the_edition_of_the_day_judges_each_day(first: Chapter):
    standards = first.days.group_by("business_date").agg(pl.col("standard_code").first()).sort("business_date")
    by_day = dict(standards.iter_rows())
    assert by_day[date(2026, 2, 28)] == "HJ 633-2012"
    assert by_day[date(2026, 3, 1)] == "HJ 633-2026"


def test_a_second_run_changes_nothing(first: Chapter, again: Chapter):
    assert again.failures == {}
    for mart, publication in again.publications.items():
        assert publication["fingerprint"] == first.publications[mart]["fingerprint"], mart
    assert again.days.equals(first.days)
    assert again.raw_digests == first.raw_digests


def test_a_corrected_file_changes_its_own_day_and_costs_its_own_month(first: Chapter, corrected: Chapter):
    assert corrected.failures == {}
    assert corrected.pm25("A01", date(2026, 3, 2)) == 80.0
    untouched = ~((pl.col("station_id") == "A01") & (pl.col("business_date") == date(2026, 3, 2)))
    assert corrected.days.filter(untouched).equals(first.days.filter(untouched))
    assert corrected.raw_digests["2026-02"] == first.raw_digests["2026-02"]
    assert corrected.raw_digests["2026-03"] != first.raw_digests["2026-03"]


def test_an_impossible_value_is_not_published_and_the_failure_says_which_check(broken: Chapter):
    assert "PM2.5 浓度应在 0–2000 µg/m³ 之间" in broken.failures["fct_air_quality_daily_is_trusted"]
    assert "PM2.5 浓度应在 0–2000 µg/m³ 之间" in broken.failures["fct_air_quality_hourly_is_trusted"]


def test_the_last_good_rows_stand_marked_as_held(corrected: Chapter, broken: Chapter):
    assert broken.days.equals(corrected.days)
    for mart in ("fct_air_quality_daily", "fct_air_quality_hourly", "fct_air_quality_latest", "dim_zones"):
        publication = broken.publication(mart)
        assert publication["is_held"], f"{mart} belongs to the group that failed"
        assert publication["held_since"] == datetime(2026, 3, 6, tzinfo=UTC)
        assert "is_trusted" in str(publication["held_reason"])
        assert publication["fingerprint"] == corrected.publication(mart)["fingerprint"]


def test_a_missing_source_is_named_with_its_setting_and_the_rest_of_the_run_goes_on(cut_off: Chapter):
    (sentence,) = [text for step, text in cut_off.failures.items() if step.startswith("bronze__")]
    for part in ("iot_archive", "air_readings", "PARK_IOT_ARCHIVE_URL"):
        assert part in sentence
    assert "fct_air_quality_daily_is_trusted" in cut_off.failures, "the build went on and judged what is there"


def test_nothing_untrusted_is_published_while_a_source_is_missing(corrected: Chapter, cut_off: Chapter):
    assert cut_off.days.equals(corrected.days)
    assert cut_off.publication()["is_held"]
