"""Processes of a benchmark: their own environment, their lines with times, and nothing of them left."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from lakehouse.settings import Settings
from tests.benchmarks.pipeline import step_of
from tests.benchmarks.sandbox import BenchmarkError, Line, Sandbox, open_sandbox
from tests.benchmarks.starts import end_of, phases_of

START = [
    Line(0.2, "准备工具与环境……"),
    Line(31.0, "✓ 启动仓库（2 秒）"),
    Line(40.5, "✓ 启动界面（8 秒）"),
    Line(41.0, "界面"),
]


def test_the_callers_settings_never_reach_the_measured_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PARK_WAREHOUSE_URL", "postgresql://office/park")
    monkeypatch.setenv("MAKEFLAGS", "j")
    environment = Sandbox(tmp_path, Settings(_env_file=None)).environment(tmp_path / "home", PARK_IOT_ARCHIVE_URL="x")
    assert "PARK_WAREHOUSE_URL" not in environment
    assert "MAKEFLAGS" not in environment
    assert environment["PARK_HOME"] == str(tmp_path / "home")
    assert environment["PARK_IOT_ARCHIVE_URL"] == "x"


def test_a_failed_process_is_told_with_its_last_lines(tmp_path: Path):
    sandbox = Sandbox(tmp_path, Settings(_env_file=None))
    program = "import sys; print('half done', flush=True); sys.exit('no disk')"
    with pytest.raises(BenchmarkError, match=r"(?s)ended with 1.*half done.*no disk"):
        sandbox.run([sys.executable, "-c", program], {})


def test_a_process_that_leaves_a_child_behind_is_ended_with_it(tmp_path: Path):
    sandbox = Sandbox(tmp_path, Settings(_env_file=None))
    child = tmp_path / "child.py"
    child.write_text("import time; time.sleep(60)", "utf-8")
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import subprocess, sys\nnowhere = subprocess.DEVNULL\n"
        f"child = subprocess.Popen([sys.executable, {str(child)!r}], stdout=nowhere, stderr=nowhere)\n"
        "print(child.pid)\n",
        "utf-8",
    )
    ended = sandbox.run([sys.executable, str(parent)], {})
    deadline = time.monotonic() + 10
    while runs(int(ended.lines[0].text)):
        assert time.monotonic() < deadline, "the child outlived its benchmark"
        time.sleep(0.05)


def test_nothing_of_a_sandbox_is_left(tmp_path: Path):
    with open_sandbox(Settings(_env_file=None, home=tmp_path)) as sandbox:
        (sandbox.folder / "home").mkdir()
    assert not sandbox.folder.exists()


def test_phases_are_timed_from_outside():
    assert end_of("启动界面", START) == 40.5
    assert phases_of(START) == [("启动仓库", 31.0), ("启动界面", 9.5)]
    with pytest.raises(BenchmarkError, match="no end of the phase 发布看板"):
        end_of("发布看板", START)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("bronze__iot_archive__air_readings", "landing"),
        ("silver__air_quality__station_hours", "index"),
        ("raw__air_quality__station_days", "load"),
        ("dbt_models", "dbt"),
        ("marts__fct_air_quality_daily_is_trusted", "checks"),
        ("publish_vitals", "publish"),
        ("bronze__smart_statistics__output_reports", None),
        ("reports__air_quality_daily", None),
    ],
)
def test_each_step_of_the_job_is_counted_once(step: str, name: str | None):
    assert step_of(step) == name


def runs(process: int) -> bool:
    """Tell whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
