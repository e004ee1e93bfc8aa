"""Dagster's definitions load with almost no environment, connect to nothing, and their graph is reviewed as text.

The graph of keys, groups, owners and dependencies stands in `asset_graph.txt`. A change shows up in the diff of a
review; `pytest tests/conventions --update-snapshots` writes it anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.home import Home

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")
HEADER = """\
# The asset graph: key [group, owners, kinds, partitions], checks that block (!), and what each asset is made from (<).
# Written by: pytest tests/conventions --update-snapshots
"""
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]+ [A-Za-z]+")
# dagster-dbt writes the model's text below its description, and a stand-in where there is none.
BELOW_DESCRIPTION = "#### Raw SQL:"
STAND_IN = re.compile(r"^dbt (?:model|seed|snapshot) \w+$")
TRUST = "_is_trusted"
PIECES = {"%Y": "year", "%Y-%m": "month", "%Y-%m-%d": "day"}
# Runs in a process of its own, because it must see the very first import.
LOAD = """
import json, os, sys

REACHING_OUT = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"}
LOOKING_AT_THE_MACHINE = {"file", "uname"}  # Python's own module `platform` asks them

def watch(event, arguments):
    if event in REACHING_OUT and str(arguments[0]) not in LOOKING_AT_THE_MACHINE:
        raise SystemExit(f"loading the definitions reached out: {event} {arguments!r:.200}")

sys.addaudithook(watch)
import warnings
warnings.simplefilter("ignore")
from orchestration.definitions import definitions
defs = definitions()
graph = defs.resolve_asset_graph()
assets = []
for key in graph.get_all_asset_keys():
    node = graph.get(key)
    checks = [graph.get_check_spec(check) for check in node.check_keys]
    partitions = node.partitions_def
    assets.append({
        "key": "/".join(key.path),
        "group": node.group_name,
        "owners": sorted(node.owners),
        "kinds": sorted(node.kinds),
        "partitions": getattr(partitions, "fmt", type(partitions).__name__) if partitions else None,
        "blocking_checks": sorted(check.name for check in checks if check.blocking),
        "parents": sorted("/".join(parent.path) for parent in node.parent_keys),
        "description": node.description or "",
        "is_materializable": node.is_materializable,
    })
schedules = [(s.name, s.execution_timezone, s.description or "") for s in defs.schedules or []]
json.dump({"assets": assets, "schedules": schedules}, sys.stdout)
"""


@dataclass(frozen=True)
class Asset:
    """One asset, as far as a reviewer cares."""

    key: str
    group: str
    owners: list[str]
    kinds: list[str]
    partitions: str | None
    blocking_checks: list[str]
    parents: list[str]
    description: str
    is_materializable: bool

    def as_text(self) -> str:
        """Return the block of the snapshot."""
        facts = [self.group, " ".join(self.owners), " ".join(self.kinds)]
        if self.partitions:
            facts.append(f"by {PIECES.get(self.partitions, self.partitions)}")
        lines = [f"{self.key} [{', '.join(facts)}]"]
        lines += [f"    ! {check}" for check in self.blocking_checks if check.endswith(TRUST)]
        lines += [f"    < {parent}" for parent in self.parents]
        return "\n".join(lines)


@dataclass(frozen=True)
class Loaded:
    """What a process with an almost empty environment found."""

    assets: list[Asset]
    schedules: list[tuple[str, str, str]]
    written: list[str]


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Load the definitions where there is nothing but PATH, HOME and a PARK_HOME with a parsed manifest."""
    from orchestration.assets.models import build_manifest

    folder = tmp_path_factory.mktemp("almost_empty")
    home = Home(folder / "home")
    home.create()
    build_manifest(home)
    before = set(folder.rglob("*"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PARK_HOME": str(home.root)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail("\n".join(done.stderr.splitlines()[-12:]), pytrace=False)
    found = json.loads(done.stdout)
    written = [path.relative_to(folder).as_posix() for path in set(folder.rglob("*")) - before]
    assets = sorted((Asset(**asset) for asset in found["assets"]), key=lambda asset: asset.key)
    return Loaded(assets, [tuple(schedule) for schedule in found["schedules"]], sorted(written))


def test_definitions_load_with_an_almost_empty_environment(loaded: Loaded):
    assert loaded.assets


def test_loading_writes_nothing(loaded: Loaded):
    assert not [name for name in loaded.written if not name.startswith(".")], "importing must leave no trace"


def test_the_graph_is_the_reviewed_one(loaded: Loaded, request: pytest.FixtureRequest):
    graph = HEADER + "\n" + "\n".join(asset.as_text() for asset in loaded.assets) + "\n"
    if request.config.getoption("--update-snapshots", default=False):
        SNAPSHOT.write_text(graph, "utf-8")
    assert SNAPSHOT.read_text("utf-8") == graph, (
        "the asset graph has changed; look at the difference, then run pytest tests/conventions --update-snapshots"
    )


def test_every_asset_has_a_group_an_owner_and_kinds(loaded: Loaded):
    bare = [a.key for a in loaded.assets if not (a.group and a.group != "default" and a.owners and a.kinds)]
    assert not bare


def test_owners_are_teams(loaded: Loaded):
    assert not [(a.key, owner) for a in loaded.assets for owner in a.owners if not re.match(r"^team:[a-z-]+$", owner)]


def test_every_asset_is_described_in_chinese_and_english(loaded: Loaded):
    undescribed = []
    for asset in loaded.assets:
        text = asset.description.split(BELOW_DESCRIPTION)[0].strip()
        if STAND_IN.match(text) or not CHINESE.search(text) or not ENGLISH.search(text):
            undescribed.append(asset.key)
    assert not undescribed, "describe them (dbt: in the folder's .yml): " + ", ".join(undescribed)


def test_keys_are_layer_and_table(loaded: Loaded):
    layers = {"bronze", "silver", "warnings", "raw", "reference", "staging", "intermediate", "marts", "published"}
    surfaces = {"map", "reports"}
    odd = [a.key for a in loaded.assets if a.key.count("/") != 1 or a.key.split("/")[0] not in layers | surfaces]
    assert not odd, "a key is [layer, table]; a new layer belongs into docs/naming.md and here"


def test_nothing_is_built_on_what_nobody_builds(loaded: Loaded):
    built = {asset.key for asset in loaded.assets if asset.is_materializable}
    assert not [(a.key, parent) for a in loaded.assets for parent in a.parents if parent not in built]


def test_publication_waits_for_every_check_of_its_marts(loaded: Loaded):
    assets = {asset.key: asset for asset in loaded.assets}
    published = [asset for asset in loaded.assets if asset.key.startswith("published/")]
    assert published
    for asset in published:
        assert asset.parents
        for parent in (name for name in asset.parents if name.startswith("marts/")):
            check = parent.removeprefix("marts/") + TRUST
            assert check in assets[parent].blocking_checks, f"{parent}: nothing stands between it and its readers"


def test_schedules_run_by_the_parks_clock_and_say_why(loaded: Loaded):
    assert loaded.schedules
    for name, zone, reason in loaded.schedules:
        assert zone == "Asia/Shanghai", name
        assert CHINESE.search(reason), name
