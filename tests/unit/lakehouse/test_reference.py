"""Seeds: found by name, digested by content."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lakehouse import reference
from lakehouse.reference import UnknownSeedError, seed_rows, seeds_digest


@pytest.fixture
def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "standards"
    folder.mkdir()
    (folder / "std_limits.csv").write_text(
        "code,limit_value,valid_from,valid_to\nx,1.5,2012-01-01,2026-03-01\n", "utf-8"
    )
    (folder / "std_items.csv").write_text("code\nx\n", "utf-8")
    monkeypatch.setattr(reference, "SEEDS", tmp_path)
    seed_rows.cache_clear()
    yield folder
    seed_rows.cache_clear()


def test_dates_are_dates(seeds: Path):
    assert seed_rows("std_limits").schema["valid_to"] == pl.Date


def test_an_unknown_seed_is_named_with_its_folder(seeds: Path):
    with pytest.raises(UnknownSeedError, match=r"std_absent\.csv"):
        seed_rows("std_absent")


def test_the_digest_changes_with_any_of_its_seeds(seeds: Path):
    before = seeds_digest("std_limits", "std_items")
    assert seeds_digest("std_limits", "std_items") == before
    (seeds / "std_items.csv").write_text("code\ny\n", "utf-8")
    assert seeds_digest("std_limits", "std_items") != before
    assert seeds_digest("std_limits") == seeds_digest("std_limits")
