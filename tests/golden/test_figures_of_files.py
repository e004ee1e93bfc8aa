"""The small tools against the published tables, byte by byte where the tool prints the published form."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestration.command_line import figures_of_files

application = typer.Typer(pretty_exceptions_enable=False)
application.command("aqi")(figures_of_files.aqi)
application.command("daily")(figures_of_files.daily)
application.command("codes")(figures_of_files.codes)


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(application, list(arguments))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


@pytest.mark.parametrize(("options", "columns"), [((), [2, 3, 4]), (("--at", "2026-03-02"), [5])])
def test_the_index_of_every_station_as_published(replay_dir: Path, options: tuple[str, ...], columns: list[int]):
    folder = replay_dir / "aqi"
    found = rows(printed("aqi", str(folder / "cnemc_20180220T07_in.csv"), *options))
    expected = rows((folder / "cnemc_20180220T07_expected.csv").read_text("utf-8"))
    assert found[0] == ["station", "timepoint", "aqi", "level", "primary"]
    assert len(found) == 1496
    shown = [row[: 2 + len(columns)] for row in found[1:]]
    assert shown == [row[:2] + [row[place] for place in columns] for row in expected[1:]]


def test_the_daily_table_as_published(replay_dir: Path):
    folder = replay_dir / "beijing"
    files = sorted(str(file) for file in folder.glob("PRSA_Data_*.csv.gz"))
    assert len(files) == 6
    assert printed("daily", *files) == (folder / "daily_expected.csv").read_text("utf-8")


def test_the_verdict_on_every_code_as_published(replay_dir: Path):
    file = replay_dir / "uscc" / "uscc.csv"
    found = rows(printed("codes", str(file)))
    assert [row[:2] for row in found] == rows(file.read_text("utf-8"))
    assert all((row[1] == "0") == bool(row[2]) for row in found[1:])
