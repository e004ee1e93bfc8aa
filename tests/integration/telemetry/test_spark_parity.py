"""Spark judges as this machine does: the same lake, once in this process and once by `local[2]`, byte for byte."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator

import polars as pl
import pytest

from lakehouse.lake import Lake
from lakehouse.settings import Settings
from orchestration.telemetry import spark
from orchestration.telemetry.refresh import Mapper
from orchestration.telemetry.workers import here, open_mapper
from tests.integration.telemetry.small_park import DAYS, ZONES, SmallPark, contents, judge

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark is missing: uv sync --extra spark"),
    pytest.mark.skipif(spark.java_program() is None, reason="Java is missing: apt-get install default-jre-headless"),
]
READINGS_WORTH_A_PROCESS = 20_000_000


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> SmallPark:
    """A park whose messy days have landed."""
    park = SmallPark(tmp_path_factory.mktemp("park"))
    park.put_messy_days()
    park.enter()
    park.land()
    return park


@pytest.fixture(scope="module")
def by_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapper]:
    """The mapper that PARK_SPARK_MASTER chooses; starting Spark takes most of the time here."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), spark_master="local[2]")
    with open_mapper(settings, 0, READINGS_WORTH_A_PROCESS) as mapper:
        yield mapper


def copy_of(park: SmallPark, name: str) -> Lake:
    """Return another lake with the park's bronze."""
    return Lake(shutil.copytree(park.lake.root, park.root / name, ignore=shutil.ignore_patterns("silver")))


def test_spark_makes_the_same_tables(park: SmallPark, by_spark: Mapper):
    ours, theirs = copy_of(park, "ours"), copy_of(park, "theirs")
    done, days = judge(ours, here)
    done_by_spark, days_by_spark = judge(theirs, by_spark)
    assert len(done.pieces) == DAYS * len(ZONES)
    assert sorted(done_by_spark.pieces) == sorted(done.pieces)
    assert (done_by_spark.readings, days_by_spark.hours) == (done.readings, days.hours)
    unknown = [pl.concat(found.unknown).sort("_source_uri", "_row_number") for found in (done, done_by_spark)]
    assert unknown[0].height > DAYS * len(ZONES)
    assert unknown[0].equals(unknown[1])
    expected, found = contents(ours), contents(theirs)
    assert {"silver/telemetry__point_minutes", "silver/telemetry__exceptions"} < set(expected)
    assert found.keys() == expected.keys()
    assert [table for table in expected if found[table] != expected[table]] == []
    again, days_again = judge(theirs, here)
    assert (again.pieces, days_again.days) == ([], []), "what Spark made is what this machine would have made"


def test_an_executor_of_another_release_refuses(park: SmallPark, by_spark: Mapper, monkeypatch: pytest.MonkeyPatch):
    from pyspark.errors import PythonException

    lake = copy_of(park, "refused")
    monkeypatch.setattr(spark, "release", lambda: "another")
    with pytest.raises(PythonException, match="are not those of the driver"):
        judge(lake, by_spark)
    assert contents(lake) == {}
