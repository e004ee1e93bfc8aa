"""Every setting stands in `.env.example` and in docs/configuration.md, with its real default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lakehouse.settings import Settings

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

EXAMPLE_LINE = re.compile(r"^# PARK_([A-Z0-9_]+)=(.*)$", re.MULTILINE)
TABLE_ROW = re.compile(r"^\| `PARK_([A-Z0-9_]+)` \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
FIELDS = sorted(Settings.model_fields)


def default_of(field: FieldInfo) -> str:
    """Return a default as a person writes it: empty for nothing."""
    assert field.default is not PydanticUndefined, "every setting has a default: the platform starts without any"
    return "" if field.default is None else str(getattr(field.default, "value", field.default))


@pytest.mark.parametrize("name", FIELDS)
def test_the_example_environment_has_it(repository: Repository, name: str):
    text = (repository.root / ".env.example").read_text("utf-8")
    values = {key.lower(): value for key, value in EXAMPLE_LINE.findall(text)}
    assert name in values, f"add to .env.example: # PARK_{name.upper()}={default_of(Settings.model_fields[name])}"
    assert values[name] == default_of(Settings.model_fields[name]), "the default has changed"
    description = Settings.model_fields[name].description or ""
    assert description, "every setting says what it is for"
    assert f"# {description}\n# PARK_{name.upper()}=" in text, "the example quotes the setting's own description"


@pytest.mark.parametrize("name", FIELDS)
def test_the_configuration_page_has_it(repository: Repository, name: str):
    text = (repository.root / "docs" / "configuration.md").read_text("utf-8")
    defaults = {key.lower(): value.strip("` ") for key, value, _ in TABLE_ROW.findall(text)}
    assert name in defaults, f"add a row to docs/configuration.md: | `PARK_{name.upper()}` | default | 说明 |"
    assert defaults[name] == (default_of(Settings.model_fields[name]) or "空"), "the default has changed"


def test_nothing_stands_there_that_is_no_setting(repository: Repository):
    example = EXAMPLE_LINE.findall((repository.root / ".env.example").read_text("utf-8"))
    table = TABLE_ROW.findall((repository.root / "docs" / "configuration.md").read_text("utf-8"))
    for named in (example, table):
        assert {key.lower() for key, *_ in named} == set(FIELDS)


def test_the_example_sets_nothing(repository: Repository):
    lines = (repository.root / ".env.example").read_text("utf-8").splitlines()
    assert not [line for line in lines if line and not line.startswith("#")], "a copied example must change nothing"
