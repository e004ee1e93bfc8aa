"""The committed rules of fusion."""

from __future__ import annotations

import polars as pl
import pytest

from lakehouse.settings import PROJECT_ROOT

RULES = PROJECT_ROOT / "dbt_project" / "seeds" / "rules"


@pytest.fixture(scope="session")
def rules() -> pl.DataFrame:
    return pl.read_csv(RULES / "rule_fusion_settings.csv", try_parse_dates=True, infer_schema_length=None)


@pytest.fixture(scope="session")
def rates() -> pl.DataFrame:
    return pl.read_csv(RULES / "rule_evidence_rates.csv", try_parse_dates=True, infer_schema_length=None)
