"""Small rules of the house, each with its reason; docs/naming.md and CONTRIBUTING.md say them in prose."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

LINES_AT_MOST = 600
NAMES_WITHOUT_A_SUBJECT = {"utils", "util", "common", "helpers", "helper", "misc", "manager", "managers", "shared"}
VERSION_SUFFIX = re.compile(r"_v\d+$|\d+_?(old|new|copy)$|_(old|new|copy|final)$")
MARKDOWN_AT_ROOT = {"README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
READS_THE_ENVIRONMENT = {
    "lakehouse/settings.py": "the one place where settings are read",
    "bootstrap.py": "runs before the platform is installed; follows pip's own variables",
    "dashboards/superset_config.py": "runs in Superset's environment, configured by the supervisor",
    "dashboards/superset/loader.py": "runs in Superset's environment, configured by the supervisor",
}
OPENS_CONNECTIONS = {
    "api/database.py": "the API's pool and its ADBC reads; the address comes from lakehouse.warehouse",
    "ingestion/simulated_park/sqlite_image.py": "stands for other people's databases",
    "semantic/expressions.py": "an empty in-memory DuckDB parses expressions; it opens no data",
}
CONNECTING_CALLS = {
    ("psycopg", "connect"),
    ("psycopg2", "connect"),
    ("duckdb", "connect"),
    ("adbc", "connect"),
    ("sa", "create_engine"),
    ("sqlalchemy", "create_engine"),
    ("", "create_engine"),
}
# Numbers that also stand in the air standards and are everyday numbers elsewhere: counts, hours, percent, thousands.
EVERYDAY_NUMBERS = {*range(25), 60, 100, 200, 500, 1000}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SCOPE_BY_NUMBER = re.compile(r"chartsInScope[\"']?\s*[:=]\s*[\[(]?\s*(?:-\s*)?\d")


def test_no_file_has_two_subjects(repository: Repository):
    long = {
        repository.name(path): lines
        for path in repository.files(".py", ".sql", ".typ")
        if (lines := path.read_text("utf-8").count("\n")) > LINES_AT_MOST
    }
    assert not long, f"split by noun: {long}"


def test_every_name_says_its_subject(repository: Repository):
    parts = {
        repository.name(path)
        for path in repository.files(".py", ".sql", ".yaml", ".yml", ".csv", ".typ")
        for part in (*path.relative_to(repository.root).parent.parts, path.stem)
        if part in NAMES_WITHOUT_A_SUBJECT or VERSION_SUFFIX.search(part)
    }
    assert not parts, "name the concept instead; history is in git"


def test_the_root_holds_no_notes(repository: Repository):
    found = {path.name for path in repository.root.glob("*.md")}
    assert found <= MARKDOWN_AT_ROOT, "a plan lives in an issue, a decision in docs/decisions"
    assert found == MARKDOWN_AT_ROOT, f"missing: {MARKDOWN_AT_ROOT - found}"


def test_only_settings_read_the_environment(repository: Repository):
    readers = {
        f"{repository.name(path)}:{node.lineno}"
        for path in repository.files(".py")
        if repository.room(path) != "tests" and repository.name(path) not in READS_THE_ENVIRONMENT
        for node in ast.walk(repository.tree(path))
        if _reads_environment(node)
    }
    assert not readers, "add a field to lakehouse.settings.Settings"


def test_only_the_lakehouse_opens_stores(repository: Repository):
    openers = {
        f"{repository.name(path)}:{node.lineno}"
        for path in repository.files(".py")
        if repository.room(path) not in {"lakehouse", "tests"} and repository.name(path) not in OPENS_CONNECTIONS
        for node in ast.walk(repository.tree(path))
        if (isinstance(node, ast.Call) and _callee(node) in CONNECTING_CALLS)
        or (isinstance(node, ast.ImportFrom | ast.Import) and "deltalake" in _imported(node))
    }
    assert not openers, "ask lakehouse.lake or lakehouse.warehouse; only they know where data lie"


def test_no_error_is_swallowed_whole(repository: Repository):
    catches = {
        f"{repository.name(path)}:{node.lineno}"
        for path in repository.files(".py")
        for node in ast.walk(repository.tree(path))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _names(node.type) & {"Exception"})
    }
    assert not catches, "name the errors that are expected here"


def test_nothing_is_left_unfinished(repository: Repository):
    notes = {
        f"{repository.name(path)}:{number}"
        for path in repository.files(".py", ".sql", ".yaml", ".yml", ".md", ".typ")
        if path.name != "test_house_rules.py"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    }
    assert not notes, "an open point is an issue"


def test_screens_name_charts_by_uuid(repository: Repository):
    numbered = {
        repository.name(path)
        for path in repository.files(".py", ".yaml", ".json", below="dashboards")
        if SCOPE_BY_NUMBER.search(path.read_text("utf-8"))
    }
    assert not numbered, "numeric chart ids change from one Superset to the next"
    assert SCOPE_BY_NUMBER.search('"chartsInScope": [12, 15]')
    assert not SCOPE_BY_NUMBER.search('"chartsInScope": list(ids)')


def test_air_limits_are_rows_not_literals(repository: Repository):
    standards = repository.root / "dbt_project" / "seeds" / "standards"
    limits = numbers_in(standards / "std_aqi_breakpoints.csv", "concentration_low", "concentration_high")
    limits |= numbers_in(standards / "std_ambient_limits.csv", "limit_value")
    limits -= EVERYDAY_NUMBERS
    assert {35, 75, 115, 150} <= limits, "the seeds have moved: this test would see nothing"
    literals = [
        f"{repository.name(path)}:{line}: {number:g}"
        for path in repository.files(".sql", below="dbt_project/models")
        for line, number in numbers_of_sql(path.read_text("utf-8"))
        if number in limits
    ]
    python = [*repository.files(".py", below="methods/air_quality"), repository.root / "orchestration/assets/vitals.py"]
    literals += [
        f"{repository.name(path)}:{node.lineno}: {node.value:g}"
        for path in python
        for node in ast.walk(repository.tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value in limits
    ]
    assert not literals, "limits are dated rows of dbt_project/seeds/standards: " + "; ".join(literals)


def test_a_limit_in_sql_would_be_seen():
    sql = "-- above 75 it is unhealthy\nselect 'PM 35' as label, case when pm25 > 75.0 then 1 end, o3_8h, aqi_150\n"
    assert list(numbers_of_sql(sql)) == [(2, 75.0), (2, 1.0)]


def numbers_in(path: Path, *columns: str) -> set[float]:
    """Return all numbers that stand in some columns of a seed."""
    with path.open(encoding="utf-8", newline="") as file:
        return {float(row[column]) for row in csv.DictReader(file) for column in columns if row[column]}


def numbers_of_sql(text: str) -> Iterator[tuple[int, float]]:
    """Yield line and value of the numbers of SQL, outside comments and strings."""
    text = re.sub(r"/\*.*?\*/|\{#.*?#\}", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r"'[^']*'", "''", line.split("--")[0])
        for match in re.finditer(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", code):
            yield number, float(match[0])


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in {"environ", "getenv", "putenv"} and _names(node.value) == {"os"}
    return isinstance(node, ast.ImportFrom) and node.module == "os" and bool(_imported(node) & {"environ", "getenv"})


def _callee(node: ast.Call) -> tuple[str, str]:
    called = node.func
    if isinstance(called, ast.Attribute):
        return next(iter(_names(called.value)), ""), called.attr
    return "", getattr(called, "id", "")


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _imported(node: ast.Import | ast.ImportFrom) -> set[str | None]:
    module = [node.module] if isinstance(node, ast.ImportFrom) else []
    return {*module, *(alias.name for alias in node.names)}
