"""A running platform for the tests of this folder: `park run`, as a user starts it, over an empty state folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse.home import Home
from lakehouse.settings import PROJECT_ROOT, Settings

START_TIMEOUT_S = 900
STOP_TIMEOUT_S = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs Superset, and much time."""
    for item in items:
        if "end_to_end" in str(item.path):
            item.add_marker(pytest.mark.superset)
            item.add_marker(pytest.mark.timeout(START_TIMEOUT_S + 300))


@dataclass(frozen=True)
class RunningPlatform:
    """A platform that serves: its state folder, addresses and what it printed."""

    home: Home
    addresses: dict[str, str]
    settings: Settings
    output: Path


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """`park run`, ended by Ctrl-C after the last test; then no process may be left."""
    settings = Settings()
    home = Home(settings.home)
    output = tmp_path_factory.mktemp("platform") / "output.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            park("run"),
            cwd=PROJECT_ROOT,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        addresses = _wait_for_addresses(process, home, output)
        yield RunningPlatform(home, addresses, settings, output)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_TIMEOUT_S)
    left = processes_of(home)
    assert not left, f"Ctrl-C left processes behind: {left}"


def _wait_for_addresses(process: subprocess.Popen[bytes], home: Home, output: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text("utf-8")[-4000:]
        if "Ctrl-C" in output.read_text("utf-8", errors="replace"):
            return dict(json.loads((home.run / "addresses.json").read_text("utf-8")))
        time.sleep(1)
    pytest.fail(f"no addresses after {START_TIMEOUT_S} s: {output.read_text('utf-8')[-4000:]}")


def park(*arguments: str) -> list[str]:
    """Return the command line of the `park` of this environment."""
    return [str(Path(sys.executable).with_name("park")), *arguments]


def processes_of(home: Home) -> list[str]:
    """Return the command lines of live processes that name the state folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home.root) in command and "pytest" not in command:
            found.append(command[:160])
    return found
