"""Reference rows in force: standards, rules and codes. Seeds in git are their one source."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import polars as pl

from lakehouse.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


class UnknownSeedError(LookupError):
    """No seed has this name."""


def seed_path(name: str) -> Path:
    """Return the CSV file of a seed.

    Raises:
        UnknownSeedError: there is no such seed.
    """
    found = next(SEEDS.glob(f"*/{name}.csv"), None)
    if found is None:
        message = f"{SEEDS}: there is no seed {name}.csv; add it, or correct the name."
        raise UnknownSeedError(message)
    return found


@cache
def seed_rows(name: str) -> pl.DataFrame:
    """Return all rows of a seed, all editions together, dates as dates."""
    return pl.read_csv(seed_path(name), try_parse_dates=True, infer_schema_length=None)


def seeds_digest(*names: str) -> str:
    """Return a digest of the seeds' contents: derived data are stale when it changes."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(seed_path(name).read_bytes())
    return digest.hexdigest()[:16]
