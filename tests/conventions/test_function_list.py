"""docs/function_list.md: one row for each of the 66 modules asked for, and nothing claimed that is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

MODULES = {"A": 10, "B": 12, "C": 21, "D": 9, "E": 11, "F": 3}
STATES = {"available", "partly", "planned"}
ROW = re.compile(r"^\| ([A-Z]\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
PLACE = re.compile(r"`([^`]+)`")
NOWHERE = "—"


def function_rows(repository: Repository) -> list[tuple[str, str, str, str]]:
    """Return id, module, state and place of every row."""
    text = (repository.root / "docs" / "function_list.md").read_text("utf-8")
    return [
        (number, module.strip(), state.strip(), where.strip()) for number, module, state, where in ROW.findall(text)
    ]


def test_every_module_has_one_row_in_order(repository: Repository):
    asked_for = [f"{letter}{number}" for letter, count in MODULES.items() for number in range(1, count + 1)]
    assert len(asked_for) == 66
    assert [row[0] for row in function_rows(repository)] == asked_for


def test_states_are_from_the_closed_set(repository: Repository):
    assert {row[2] for row in function_rows(repository)} <= STATES


def test_what_is_there_says_where_and_what_is_not_does_not(repository: Repository):
    for number, module, state, where in function_rows(repository):
        assert module, number
        if state == "planned":
            assert where == NOWHERE, f"{number}: a planned module has no place yet"
        else:
            assert PLACE.findall(where), f"{number}: name the file, mart or theme that holds it"


def test_every_place_exists(repository: Repository):
    missing = [
        f"{number}: {place}"
        for number, _, _, where in function_rows(repository)
        for place in PLACE.findall(where)
        if not exists(repository, place)
    ]
    assert not missing, "; ".join(missing)


def test_a_place_that_does_not_exist_is_seen(repository: Repository):
    assert exists(repository, "fct_air_quality_daily")
    assert exists(repository, "dashboards/themes/park_overview.yaml")
    assert not exists(repository, "fct_moon_quality_daily")
    assert not exists(repository, "dashboards/themes/moon.yaml")


def exists(repository: Repository, place: str) -> bool:
    """Tell whether a place is a file or folder of the project, or a mart or seed by its name."""
    if "/" in place:
        return (repository.root / place).exists()
    return any(path.stem == place for path in repository.files(".sql", ".csv", below="dbt_project"))
