"""Minute telemetry, followed from the gateways' files to vitals, counts and quarantine, beside what was planted in it.

The expected numbers come from the archive files, with plain arithmetic, and from the simulated park's own ground truth.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from tests.end_to_end.conftest import RunningPlatform, park


@dataclass(frozen=True)
class Planted:
    """What the simulated park planted in the readings: kind, point, first and last moment."""

    kind: str
    point: str
    first_at: datetime
    last_at: datetime

    @property
    def day(self) -> date:
        """The business date it begins on."""
        return self.first_at.astimezone(PARK_TIME_ZONE).date()


@pytest.fixture(scope="module")
def warehouse(platform: RunningPlatform) -> Iterator[Warehouse]:
    with open_warehouse(platform.settings, platform.home) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(platform: RunningPlatform) -> dict[str, Any]:
    path = platform.home.source_systems / "telemetry_archive" / "ground_truth" / "point_readings.json"
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


@pytest.fixture(scope="module")
def planted(truth: dict[str, Any]) -> list[Planted]:
    return [
        Planted(
            defect["kind"],
            defect["key"]["point_id"],
            datetime.fromisoformat(defect["key"]["first_at"]).astimezone(UTC),
            datetime.fromisoformat(defect["truth"]["last_at"]).astimezone(UTC),
        )
        for defect in truth["planted"]
        if "point_id" in defect["key"]
    ]


@pytest.fixture(scope="module")
def exceptions(platform: RunningPlatform) -> pl.DataFrame:
    columns = ["point_id", "measured_at", "flag_final", "tests", "treatment", "_source_uri", "_row_number"]
    return Lake(platform.home.lake).scan("silver/telemetry__exceptions").select(columns).collect()


@pytest.mark.parametrize(
    ("kind", "least_share"),
    [
        ("spike", 1.0),
        ("source_flag", 1.0),
        ("stuck_at_range_end", 1.0),
        ("unit_jump", 1.0),
        ("duplicate_equal", 1.0),
        ("duplicate_differs", 1.0),
        ("out_of_order", 1.0),
        ("late_rows", 1.0),
        ("flat_line", 0.8),  # a short one of a level may be shorter than six hours, which the rule lets pass
    ],
)
def test_what_was_planted_is_found(
    planted: list[Planted], exceptions: pl.DataFrame, kind: str, least_share: float
) -> None:
    mine = [defect for defect in planted if defect.kind == kind]
    assert mine, f"the simulated park plants no {kind}"
    found = [defect for defect in mine if not of(exceptions, defect).is_empty()]
    assert len(found) >= least_share * len(mine), [defect for defect in mine if defect not in found]


def test_points_in_use_are_nearly_always_left_alone(
    truth: dict[str, Any], planted: list[Planted], exceptions: pl.DataFrame, platform: RunningPlatform
) -> None:
    """Fewer than one in a thousand readings of undisturbed simulated points is held against them."""
    disturbed = {defect.point for defect in planted} | {*truth["points_in_repair"], *truth["points_out_of_use"]}
    own = pl.col("point_id").str.starts_with("D") & ~pl.col("point_id").is_in(sorted(disturbed))
    minutes = Lake(platform.home.lake).scan("silver/telemetry__point_minutes").filter(own)
    readings = minutes.select(pl.col("readings").sum()).collect().item()
    held = exceptions.filter(own & pl.col("flag_final").is_in([3, 4])).height
    assert readings > 1_000_000
    assert held < readings / 1000


def test_an_hour_of_an_undisturbed_point_is_the_mean_of_its_file(
    platform: RunningPlatform, warehouse: Warehouse, truth: dict[str, Any], planted: list[Planted]
) -> None:
    day = platform.settings.last_full_day
    (path,) = (platform.home.source_systems / "telemetry_archive").rglob(f"{day}.Z2.parquet")
    rows = pl.read_parquet(path)
    disturbed = {defect.point for defect in planted} | {*truth["points_in_repair"], *truth["points_out_of_use"]}
    temperatures = rows.filter(pl.col("unit") == "degC", ~pl.col("point_id_iot").is_in(sorted(disturbed)))
    point = temperatures["point_id_iot"].min()
    hour = datetime(day.year, day.month, day.day, 9, tzinfo=PARK_TIME_ZONE)
    own = temperatures.filter(
        pl.col("point_id_iot") == point,
        pl.col("measured_at").is_between(hour, hour + timedelta(hours=1), closed="left"),
    )
    shown = warehouse.read(
        Role.READER,
        "select value_mean, valid_minutes, unit, data_origin from published.fct_vital_hourly "
        "where point_id = %s and measured_at = %s",
        (point, hour),
    ).row(0, named=True)
    assert shown["value_mean"] == pytest.approx(math.fsum(own["value"]) / own.height, rel=1e-12)
    assert (shown["valid_minutes"], shown["unit"], shown["data_origin"]) == (own.height, "degC", "simulated")


def test_a_spike_can_be_traced_to_file_row_rule_and_clause(planted: list[Planted], exceptions: pl.DataFrame) -> None:
    spike = next(defect for defect in planted if defect.kind == "spike")
    row = of(exceptions, spike).row(0, named=True)
    hour = spike.first_at.astimezone(PARK_TIME_ZONE).replace(minute=0, second=0).isoformat()
    command = park("trace", "fct_vital_hourly.value_max", f"point_id={spike.point}", f"measured_at={hour}")
    traced = subprocess.run(command, capture_output=True, text=True, check=False)
    assert traced.returncode == 0, traced.stdout + traced.stderr
    for expected in (
        f"{row['_source_uri']}:{row['_row_number']}",
        "rule_quality_tests",
        "safety reference 4.3",
        "silver/telemetry__point_minutes",
        "bronze/telemetry_archive__point_readings",
    ):
        assert expected in traced.stdout


def test_counts_on_the_scorecard_are_those_of_the_lake(platform: RunningPlatform, warehouse: Warehouse) -> None:
    counted = warehouse.read(
        Role.READER,
        "select treatment_code, sum(readings)::bigint as readings from published.fct_telemetry_treatments "
        "group by 1 order by 1",
    )
    lake = Lake(platform.home.lake).query(
        "select treatment_code, sum(readings)::bigint as readings from treatments group by 1 order by 1",
        {"treatments": "silver/telemetry__treatments"},
    )
    assert counted.rows() == lake.rows()


def test_files_and_rows_that_cannot_be_used_wait_in_quarantine(warehouse: Warehouse) -> None:
    rows = warehouse.read(
        Role.READER,
        "select reason_code from published.fct_quarantine_reasons_latest where stream_code = 'point_readings'",
    )
    waiting = set(rows["reason_code"])
    assert {"unreadable", "empty_delivery", "not_finite", "unknown_point", "unknown_unit"} <= waiting


def of(exceptions: pl.DataFrame, defect: Planted) -> pl.DataFrame:
    """Return the exceptions of a point within the time of a defect."""
    moment = pl.col("measured_at")
    held = pl.col("flag_final").ne(1) | pl.col("treatment").is_not_null()
    within = moment.is_between(defect.first_at, defect.last_at)
    return exceptions.filter((pl.col("point_id") == defect.point) & within & held).sort("measured_at")
