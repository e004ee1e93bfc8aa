"""`park sql`: a steward sees rows, or one sentence that says what to change."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lakehouse.home import Home
from lakehouse.lake import Lake
from orchestration.command_line.querying import query


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("PARK_HOME", str(tmp_path))
    lake = Lake(Home(tmp_path).lake)
    lake.append("bronze/it__readings", pl.DataFrame({"day": ["2026-03-01"], "value": [7.25]}), ["day"], {})
    return lake


def test_the_rows_of_a_table_named_with_a_dot_are_shown(capfd: pytest.CaptureFixture[str]):
    query("select value from bronze.it__readings")
    assert "7.25" in capfd.readouterr().out


def test_without_a_statement_the_tables_are_listed(capfd: pytest.CaptureFixture[str]):
    query(None)
    assert capfd.readouterr().out.split() == ["bronze.it__readings"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("select interval 3 hour", "cast("),
        ("select nothing from bronze.it__readings", "nothing"),
        ("select * from bronze.no_such_table", "no_such_table"),
    ],
)
def test_what_cannot_be_shown_ends_in_a_sentence(statement: str, said: str, capfd: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="1"):
        query(statement)
    assert said in capfd.readouterr().out
