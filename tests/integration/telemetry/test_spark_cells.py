"""What travels to Spark's executors and back, without Spark: cells of a batch in, cells of a batch out."""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.settings import Settings
from orchestration.telemetry import spark
from orchestration.telemetry.pieces import PieceJob, PieceOutcome
from orchestration.telemetry.workers import here, open_mapper
from tests.integration.telemetry.small_park import FIRST, SmallPark, contents, judge, ordinary


@pytest.fixture
def park(tmp_path: Path) -> SmallPark:
    """One day of one zone."""
    park = SmallPark(tmp_path)
    park.put(f"{FIRST}.Z2.parquet", ordinary("Z2", FIRST))
    park.enter()
    park.land()
    return park


def by_cells(jobs: Sequence[PieceJob]) -> list[PieceOutcome]:
    """Work on jobs as an executor does, one batch a job."""
    batches = (
        pa.record_batch({"release": [spark.release()], "job": pa.array([pickle.dumps(job)], pa.binary())})
        for job in jobs
    )
    return [pickle.loads(batch["outcome"][0].as_py()) for batch in spark.work(batches)]  # noqa: S301 - our own


def test_jobs_and_outcomes_survive_the_way(park: SmallPark, tmp_path: Path):
    by_way_of_cells = SmallPark(tmp_path / "other")
    park.lake.root.rename(tmp_path / "kept")
    for root in (park.lake.root, by_way_of_cells.lake.root):
        shutil.copytree(tmp_path / "kept", root)
    done, _ = judge(park.lake, here)
    found, _ = judge(by_way_of_cells.lake, by_cells)
    assert done.readings == found.readings == 576
    assert contents(park.lake) == contents(by_way_of_cells.lake)


def test_another_release_is_refused_before_anything_is_unpickled():
    batch = pa.record_batch({"release": ["another"], "job": pa.array([b"no pickle at all"], pa.binary())})
    with pytest.raises(spark.SparkUnavailableError, match="are not those of the driver"):
        list(spark.work(iter([batch])))


def test_a_file_that_only_the_executor_sees_is_refused(park: SmallPark):
    def on_another_disk(jobs: Sequence[PieceJob]) -> list[PieceOutcome]:
        outcomes = by_cells(jobs)
        for outcome in outcomes:
            for file in outcome.staged.values():
                if file.path is not None:
                    (Path(park.lake.uri(file.table)) / file.path).unlink()
            spark.require_shared_storage(jobs[0], outcome)
        return outcomes

    with pytest.raises(spark.SparkUnavailableError, match="one shared storage"):
        judge(park.lake, on_another_disk)
    assert contents(park.lake) == {}


def test_a_setting_without_the_extra_says_what_to_install(
    park: SmallPark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    settings = Settings(home=tmp_path / "home", spark_master="local[2]")
    with (
        open_mapper(settings, 0, 0) as mapper,
        pytest.raises(spark.SparkUnavailableError, match="uv sync --extra spark"),
    ):
        judge(park.lake, mapper)


def test_without_the_setting_it_is_this_machine(tmp_path: Path):
    settings = Settings(home=tmp_path / "home", spark_master=None)
    with open_mapper(settings, 0, 20_000_000) as mapper:
        assert mapper is here
