"""Imports point down: ground floor, first floor, orchestration (docs/decisions/0001-rooms-and-floors.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

GROUND_FLOOR = {"lakehouse", "methods", "security", "semantic"}
FIRST_FLOOR = {"ingestion", "quality", "dashboards", "api"}
ROOMS = GROUND_FLOOR | FIRST_FLOOR | {"orchestration"}
SETTINGS = "lakehouse.settings"
SIMULATED_PARK = "ingestion.simulated_park"
# These run in Superset's own environment, where nothing of the platform is installed.
SUPERSETS_OWN = ("dashboards.superset_config", "dashboards.superset")


def allowed(importer: str, imported: str) -> bool:
    """Tell whether the module `importer` may import `imported`, both with dots from the root."""
    own, other = importer.partition(".")[0], imported.partition(".")[0]
    if other not in ROOMS or own == "tests":
        return True
    # bootstrap.py runs before anything is installed
    if own not in ROOMS or _is_in(importer, *SUPERSETS_OWN):
        return False
    if _is_in(importer, SIMULATED_PARK):  # it stands for other people's systems: nothing of the platform helps it
        return _is_in(imported, SIMULATED_PARK, SETTINGS)
    if own in {other, "orchestration"}:
        return True
    return _is_in(imported, SETTINGS) if own in GROUND_FLOOR else other in GROUND_FLOOR


def imports(tree: ast.Module, importer: str, *, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything a module imports, also inside functions and for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = importer.split(".")
            base = package[: len(package) - node.level + is_package] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            whole_room = "." not in module
            yield from ((node.lineno, f"{module}.{alias.name}" if whole_room else module) for alias in node.names)
        elif _is_call_of(node, "import_module", "__import__"):
            literals = [argument for argument in node.args if isinstance(argument, ast.Constant)]
            yield from ((node.lineno, str(literal.value)) for literal in literals)


def test_no_import_points_up_or_sideways(repository: Repository):
    upward = [
        f"{repository.name(path)}:{line}: {importer} may not import {imported}"
        for path in repository.files(".py")
        for importer in [module_name(repository.root, path)]
        for line, imported in imports(repository.tree(path), importer, is_package=path.name == "__init__.py")
        if not allowed(importer, imported)
    ]
    assert not upward, "\n".join(upward)


def test_every_room_is_known(repository: Repository):
    packages = {path.parent.name for path in repository.root.glob("*/__init__.py")}
    assert packages == ROOMS, "a new room needs a floor here and a decision in docs/decisions"


@pytest.mark.parametrize(
    ("importer", "source", "refused"),
    [
        ("lakehouse.lake", "from methods.readings import clean_readings", True),
        ("methods.readings", "from lakehouse.settings import PARK_TIME_ZONE", False),
        ("methods.readings", "from lakehouse import settings", False),
        ("methods.readings", "from lakehouse import lake", True),
        ("security.sm2", "import lakehouse.home", True),
        ("semantic.compile", "from semantic.catalogue import Catalogue", False),
        ("ingestion.landing", "from lakehouse.lake import Lake", False),
        ("ingestion.landing", "def late():\n    from quality.suites import Suite", True),
        ("api.marts.service", "import importlib\nimportlib.import_module('dashboards.build')", True),
        ("dashboards.build", "from semantic.catalogue import Words", False),
        ("quality.checks", "from orchestration.platform import Platform", True),
        ("orchestration.jobs", "from ingestion.source_file import load_sources", False),
        ("ingestion.simulated_park.enterprises", "from ingestion.source_file import Source", True),
        ("ingestion.simulated_park.enterprises", "from .errors import ParkError", False),
        ("ingestion.simulated_park.enterprises", "from ..landing import Landing", True),
        ("dashboards.superset.loader", "from lakehouse.settings import Settings", True),
        ("bootstrap", "from lakehouse.settings import Settings", True),
    ],
)
def test_the_rule_itself(importer: str, source: str, refused: bool):
    found = [name for _, name in imports(ast.parse(source), importer, is_package=False)]
    assert any(not allowed(importer, name) for name in found) is refused


def module_name(root: Path, path: Path) -> str:
    """Return the dotted name of a file, a package without its `__init__`."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _is_in(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _is_call_of(node: ast.AST, *functions: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name in functions
