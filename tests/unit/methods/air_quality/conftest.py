"""The committed seeds of the air standards, as the functions receive them."""

from __future__ import annotations

import polars as pl
import pytest

from lakehouse.settings import PROJECT_ROOT
from methods.air_quality import IndexStandards

STANDARDS = PROJECT_ROOT / "dbt_project" / "seeds" / "standards"


@pytest.fixture(scope="session")
def seeds() -> dict[str, pl.DataFrame]:
    return {file.stem: pl.read_csv(file, infer_schema_length=None) for file in STANDARDS.glob("std_*.csv")}


@pytest.fixture(scope="session")
def standards(seeds: dict[str, pl.DataFrame]) -> IndexStandards:
    return IndexStandards.from_seeds(seeds)
