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

FIELDS = list(Settings.model_fields)
TABLE_ROW = re.compile(r"^\| `PARK_([A-Z0-9_]+)` \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)
EXAMPLE_HEAD = """\
# Copy this file to .env and take the mark away from what you change; what stays marked keeps its default.
# The same names work as environment variables, which win. In Chinese: docs/configuration.md
"""


def default_of(field: FieldInfo) -> str:
    """Return a default as a person writes it: empty for nothing."""
    assert field.default is not PydanticUndefined, "every setting has a default: the platform starts without any"
    return "" if field.default is None else str(getattr(field.default, "value", field.default))


def example() -> str:
    """Return what `.env.example` must hold: it sets nothing, so a copy of it changes nothing."""
    parts = [
        f"# {field.description}\n# PARK_{name.upper()}={default_of(field)}\n"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join([EXAMPLE_HEAD, *parts])


def test_the_example_environment_is_complete(repository: Repository, request: pytest.FixtureRequest):
    path = repository.root / ".env.example"
    if request.config.getoption("--update-snapshots", default=False):
        path.write_text(example(), "utf-8")
    assert path.read_text("utf-8") == example(), "run pytest tests/conventions --update-snapshots"


def test_every_setting_says_what_it_is_for():
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


@pytest.mark.parametrize("name", FIELDS)
def test_the_configuration_page_has_it(repository: Repository, name: str):
    defaults = {key.lower(): value.strip("` ") for key, value, _ in table_rows(repository)}
    expected = default_of(Settings.model_fields[name]) or "空"
    assert name in defaults, f"docs/configuration.md lacks | `PARK_{name.upper()}` | `{expected}` | 说明 |"
    assert defaults[name] == expected, "the default has changed"


def test_the_configuration_page_has_nothing_else(repository: Repository):
    assert sorted(key.lower() for key, *_ in table_rows(repository)) == sorted(FIELDS)


def table_rows(repository: Repository) -> list[tuple[str, str, str]]:
    """Return setting, default and explanation of every row of the page."""
    return TABLE_ROW.findall((repository.root / "docs" / "configuration.md").read_text("utf-8"))
