"""A refresh of telemetry killed at any change of a file: the next run ends where an undisturbed one does."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion import quarantine
from lakehouse.lake import Lake
from lakehouse.settings import PROJECT_ROOT
from orchestration.telemetry.workers import here
from tests.integration.telemetry.file_watch import Runs
from tests.integration.telemetry.small_park import SmallPark, contents, judge

SEED = 20260601
KILLS = 30
KILLS_IN_A_ROW = 4
DAYS = 2
WORKERS = """
import os, sys
from pathlib import Path
from lakehouse.lake import Lake
from orchestration.telemetry.workers import here
from tests.integration.telemetry.small_park import judge
print("ready", flush=True)
for line in sys.stdin:
    worker = os.fork()
    if worker == 0:
        judge(Lake(Path(line.rstrip("\\n"))), here)
        os._exit(0)
    print(worker, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def workers() -> Iterator[Runs]:
    with subprocess.Popen(
        [sys.executable, "-c", WORKERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Runs(process)
        process.stdin.close()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> SmallPark:
    """A park whose messy days have landed and are not judged yet."""
    park = SmallPark(tmp_path_factory.mktemp("park"))
    park.put_messy_days(DAYS)
    park.enter()
    park.land()
    return park


def copy_of(park: SmallPark, name: str) -> Lake:
    return Lake(shutil.copytree(park.lake.root, park.root / name))


def tables(lake: Lake) -> dict[str, object]:
    """Return all that a refresh makes, the quarantine too."""
    refused = lake.scan(quarantine.TABLE).collect()
    return {**contents(lake), "quarantine": refused.sort(refused.columns).rows()}


def test_killed_again_and_again_it_ends_where_an_undisturbed_run_does(park: SmallPark, workers: Runs):
    undisturbed = copy_of(park, "undisturbed")
    changes, _ = workers.run(Path(undisturbed.root))
    expected = tables(undisturbed)
    assert changes > 100, "the watch saw too little to kill at"
    assert workers.run(Path(undisturbed.root)) == (0, False), "a run with nothing to do touches no file"
    dice = random.Random(SEED)
    moments: list[list[int]] = []
    while sum(map(len, moments)) < KILLS:
        lake = copy_of(park, f"disturbed-{len(moments)}")
        moments.append([])
        for _ in range(KILLS_IN_A_ROW):
            left = changes - sum(moments[-1])  # at least; what a killed run had not committed comes again
            moment = dice.randrange(1, max(left, 2))
            if workers.run(Path(lake.root), kill_at=moment)[1]:
                moments[-1].append(moment)
        judge(lake, here)
        found = tables(lake)
        assert found.keys() == expected.keys(), moments[-1]
        assert [name for name in expected if found[name] != expected[name]] == [], moments[-1]
        shutil.rmtree(lake.root)
    assert len(moments) < KILLS, "most of the runs were killed at work"
