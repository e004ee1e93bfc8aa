"""Expectation suites: one YAML file a mart says what must hold before readers may see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lakehouse.settings import PROJECT_ROOT

SUITES = PROJECT_ROOT / "quality" / "expectations"


class SuiteFileError(ValueError):
    """An expectation file is not usable; the message names file, place and remedy."""


class Expectation(BaseModel):
    """One Great Expectations expectation and the sentence a steward reads when it fails."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(pattern=r"^expect_")
    kwargs: dict[str, Any]
    says: str


class Suite(BaseModel):
    """What must hold for one mart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mart: str
    group: str
    time_column: str | None = None
    expectations: list[Expectation] = Field(min_length=1)


def load_suites(folder: Path = SUITES) -> dict[str, Suite]:
    """Read every suite, by mart name, in alphabetical order.

    Raises:
        SuiteFileError: broken YAML, an unknown field, or a file not named after its mart.
    """
    suites: dict[str, Suite] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            suite = Suite.model_validate(yaml.safe_load(path.read_text("utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            message = f"{path}: {error}. Compare with the other files of {folder.name}."
            raise SuiteFileError(message) from error
        if suite.mart != path.stem:
            message = f"{path}: speaks of the mart {suite.mart!r}; the file must be called {suite.mart}.yaml."
            raise SuiteFileError(message)
        suites[suite.mart] = suite
    return suites
