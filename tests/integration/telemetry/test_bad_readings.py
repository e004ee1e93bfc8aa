"""What is bad goes to quarantine or into the counted treatments, with its reason; what is good is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ingestion import quarantine
from ingestion.landing import Landing, LandingResult
from ingestion.readers import DayRange
from ingestion.readers.daily_archive import DailyArchive
from ingestion.retry import RetryResult, retry
from ingestion.source_file import load_sources
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.telemetry.workers import here
from tests.integration.telemetry.small_park import (
    BRONZE,
    DAYS,
    FIRST,
    PERIOD,
    PRESENT,
    SOURCE,
    STREAM,
    ZONES,
    Row,
    SmallPark,
    frame,
    midnight,
    ordinary,
    reading,
)

ONE_DAY = timedelta(days=1)
A_DAY = timedelta(days=1) // PERIOD  # readings of a point
AN_HOUR = timedelta(hours=1) // PERIOD
SECOND, THIRD, FOURTH = (FIRST + number * ONE_DAY for number in (1, 2, 3))


@dataclass(frozen=True)
class Bad:
    """A park in which everything has gone wrong once, landed and judged.

    Attributes:
        park: the park.
        written: how many rows the readable files hold.
        landed: what the landing said.
    """

    park: SmallPark
    written: int
    landed: LandingResult

    def refused(self) -> dict[str, int]:
        """Return how many rows or files wait in quarantine for each reason."""
        return count_of(quarantine.open_rows(self.park.lake), "reason_code")

    def table(self, name: str) -> pl.DataFrame:
        """Return a silver table."""
        return self.park.lake.scan(f"silver/telemetry__{name}").collect()

    def treatments(self, point: str) -> dict[tuple[str, str], int]:
        """Return the counted treatments of a point."""
        rows = self.table("treatments").filter(point_id=point).group_by("treatment_code", "effect")
        return {(code, effect): count for code, effect, count in rows.agg(pl.col("readings").sum()).iter_rows()}


def count_of(rows: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(rows.group_by(column).len().iter_rows())


def changed(rows: list[Row], point: str, place: int, **changes: object) -> None:
    """Change one of a point's readings."""
    own = [number for number, row in enumerate(rows) if row["point_id_iot"] == point]
    rows[own[place]] = rows[own[place]] | changes


def with_clock_set_back(rows: list[Row], point: str, at: datetime) -> list[Row]:
    """Return rows in which a point's clock is set back by an hour at a moment, and forward again an hour later."""
    wrong = [row for row in rows if row["point_id_iot"] == point and at <= row["measured_at"] < at + timedelta(hours=1)]
    return [row | {"measured_at": row["measured_at"] - timedelta(hours=1)} if row in wrong else row for row in rows]


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Bad:
    park = SmallPark(tmp_path_factory.mktemp("park"))
    dates = [FIRST + number * ONE_DAY for number in range(DAYS)]
    days = {(day, zone): ordinary(zone, day) for day in dates for zone in ZONES}
    changed(days[FIRST, "Z1"], "P1", 10, value=math.nan)
    changed(days[FIRST, "Z1"], "P1", 11, value=1e308)
    changed(days[FIRST, "Z1"], "P1", 12, value=-math.inf)
    changed(days[FIRST, "Z2"], "P4", 20, unit="furlong")
    changed(days[FOURTH, "Z3"], "P7", A_DAY - 1, measured_at=PRESENT + ONE_DAY)
    days[SECOND, "Z3"] += [reading("P8", midnight(SECOND) + number * PERIOD, zone_id="Z3") for number in range(2)]
    days[SECOND, "Z1"] += [reading("P9", midnight(SECOND) + number * PERIOD) for number in range(5)]
    days[SECOND, "Z1"].append(reading("P1", midnight(SECOND), zone_id=""))
    noon = midnight(SECOND) + timedelta(hours=12)
    days[SECOND, "Z3"] = with_clock_set_back(days[SECOND, "Z3"], "P6", noon)
    twice = reading("P5", midnight(SECOND) + 30 * PERIOD)
    a_moment_later = twice["received_at"] + timedelta(seconds=5)
    days[SECOND, "Z2"].append(twice | {"value": twice["value"] + 3, "received_at": a_moment_later})
    files = {f"{day}.{zone}.parquet": rows for (day, zone), rows in days.items()}
    files[f"{SECOND}.Z2-late.parquet"] = [reading("P4", midnight(FOURTH) + number * PERIOD) for number in range(4)]
    for name, rows in files.items():
        park.put(name, rows)
    renamed = park.put(f"{THIRD}.Z1.parquet", days[THIRD, "Z1"])
    frame(days[THIRD, "Z1"]).rename({"value": "reading"}).write_parquet(renamed)
    cut = park.put(f"{THIRD}.Z2-late.parquet", ordinary("Z2", THIRD))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    park.put(f"{THIRD}.Z3-late.parquet", [])
    park.put(f"{THIRD}.Z3-resent.parquet", []).write_bytes(b"")
    park.enter()
    landed = park.land()
    park.judge(here)
    return Bad(park, sum(map(len, files.values())) - len(days[THIRD, "Z1"]), landed)


def test_every_fault_of_a_file_or_row_waits_with_its_reason(bad: Bad):
    assert bad.refused() == {
        "not_finite": 3,
        "unknown_unit": 1,
        "unknown_point": 7,
        "missing_value": 1,
        "future_time": 1,
        "outside_archive_day": 4,
        "missing_column": 1,
        "unreadable": 2,
        "empty_delivery": 1,
    }
    renamed = quarantine.open_rows(bad.park.lake).filter(reason_code="missing_column")
    assert renamed["reason"].to_list() == ["缺少约定的列：缺 value；多出 reading"]


def test_every_row_received_is_landed_or_refused_and_every_landed_one_counted_or_unknown(bad: Bad):
    assert bad.landed.rows_landed + bad.landed.rows_refused == bad.written
    assert bad.landed.rows_refused == 3 + 1 + 1 + 4
    days = bad.table("point_days")
    counted = int(days["readings_received"].sum()) + int(days["readings_superseded"].sum())
    refused = bad.refused()
    assert counted + refused["unknown_point"] + refused["unknown_unit"] == bad.landed.rows_landed
    assert bad.park.lake.scan(BRONZE).collect().height == bad.landed.rows_landed


def test_good_readings_are_judged_beside_the_bad_ones(bad: Bad):
    days = bad.table("point_days").sort("point_id", "business_date")
    passed = {point: days.filter(point_id=point)["readings_passed"].to_list() for point in ("P1", "P2", "P7")}
    assert passed["P2"] == [A_DAY, A_DAY, 0, A_DAY], "nothing of zone 1 landed on the third day"
    assert passed["P7"] == [A_DAY, A_DAY, A_DAY, A_DAY - 1]
    assert passed["P1"][0] == A_DAY - 3
    missing = days.filter(point_id="P1")["readings_missing"].to_list()
    assert missing == [3, 0, A_DAY, 0]


def test_a_clock_that_is_set_back_leaves_a_gap_and_rows_that_gave_way(bad: Bad):
    treatments = bad.treatments("P6")
    assert treatments["superseded", "dropped"] == AN_HOUR
    assert treatments["T02_time", "suspected"] == AN_HOUR, "two values of one moment: neither is sure"
    hours = bad.table("point_hours").filter(point_id="P6", business_date=str(SECOND)).sort("measured_at")
    assert hours["missing_minutes"].to_list()[10:13] == [0, 0, AN_HOUR]
    assert hours["is_valid"].to_list()[13:] == [True] * 11


def test_of_two_values_of_one_moment_the_newer_counts_in_doubt(bad: Bad):
    assert bad.treatments("P5") == {
        ("superseded", "dropped"): 1,
        ("late", "kept"): 1,  # it came when its moment had been heard of
        ("T02_time", "suspected"): 1,
    }
    moment = (midnight(SECOND) + 30 * PERIOD).astimezone(UTC)
    rows = bad.table("exceptions").filter(point_id="P5", measured_at=moment).sort("reported_value")
    assert rows["treatment"].to_list() == ["superseded", "late"]
    first, second = rows["reported_value"]
    assert second == pytest.approx(first + 3)


def test_a_file_sent_again_under_the_right_name_of_its_column_lands_and_is_judged(bad: Bad):
    bad.park.put(f"{THIRD}.Z1.parquet", ordinary("Z1", THIRD))
    again = bad.park.land()
    assert (again.rows_landed, again.deliveries_refused) == (3 * A_DAY, 0)
    done, _ = bad.park.judge(here)
    assert (str(THIRD), "Z1") in done.pieces
    days = bad.table("point_days").filter(point_id="P2").sort("business_date")
    assert days["readings_passed"].to_list() == [A_DAY] * DAYS
    result = settled(bad.park, PRESENT)
    assert result.superseded == 1
    assert "missing_column" not in bad.refused()


def test_what_lay_ahead_lands_once_its_time_has_come_and_is_judged(bad: Bad):
    today = PRESENT.astimezone(PARK_TIME_ZONE).date()
    sent = [reading("P6", midnight(today) + number * PERIOD) for number in range(10 * AN_HOUR)]
    bad.park.put(f"{today}.Z3.parquet", sent)
    assert bad.park.land().refusals["future_time"] == 2 * AN_HOUR - 1  # it is eight; what is of eight is there
    later = PRESENT + timedelta(hours=3)
    bad.park.judge(here, later)
    assert settled(bad.park, later).landed == 2 * AN_HOUR - 1
    done, _ = bad.park.judge(here, later)
    assert done.pieces == [(str(today), "Z3")]
    days = bad.table("zone_days").filter(point_id="P6", business_date=str(today))
    assert days["readings_received"].to_list() == [10 * AN_HOUR]


def test_what_nothing_covered_is_judged_and_settled_once_it_is_registered_wherever_that_is(bad: Bad):
    before = bad.park.lake.scan(BRONZE).collect().height
    entry = {"vital_code": "SAF-TK-02", "unit": "kPa", "zone_id": "Z1"}
    bad.park.enter({"P9": entry, "P8": entry})
    later = PRESENT + timedelta(hours=3)
    done, _ = bad.park.judge(here, later)
    assert {(str(SECOND), "Z1"), (str(SECOND), "Z3")} <= set(done.pieces)
    days = bad.table("zone_days").filter(pl.col("point_id").is_in(["P8", "P9"]), business_date=str(SECOND))
    received = days.filter(pl.col("readings_received") > 0).select("point_id", "zone_id", "readings_received")
    assert sorted(received.iter_rows()) == [("P8", "Z3", 2), ("P9", "Z1", 5)]
    assert "unknown_point" not in bad.refused()
    assert bad.refused()["unknown_unit"] == 1, "its unit is as unknown as it was"
    assert bad.park.lake.scan(BRONZE).collect().height == before
    again, _ = bad.park.judge(here, later)
    assert again.pieces == []


def settled(park: SmallPark, now: datetime) -> RetryResult:
    """Do what `park quarantine retry` does at a moment."""
    source = load_sources()[SOURCE]
    reader = DailyArchive(park.archive, source.location)
    everything = DayRange(FIRST, now.date())
    deliveries = reader.deliveries(source, source.streams[STREAM], everything)
    return retry(Landing(park.lake, source, STREAM, now), deliveries, silver_table="silver/none", now=now)
