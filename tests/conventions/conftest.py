"""The repository as the convention tests see it: its own files, never what a run or an installation has written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from lakehouse.settings import PROJECT_ROOT

GENERATED = {"var", "target", "logs", "__pycache__"}
CODE_BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots",
        action="store_true",
        default=False,
        help="write .env.example and tests/conventions/asset_graph.txt anew instead of comparing with them",
    )


@dataclass(frozen=True)
class Repository:
    """All files that belong to the project, below one folder."""

    root: Path

    def files(self, *suffixes: str, below: str = ".") -> list[Path]:
        """Return the files with one of `suffixes`, sorted; hidden and generated folders are left out."""
        return [path for path in _walk(self.root / below) if path.suffix in suffixes]

    def name(self, path: Path) -> str:
        """Return a path as people write it, from the root of the project."""
        return path.relative_to(self.root).as_posix()

    def room(self, path: Path) -> str:
        """Return the folder of the first level that a file lies in; empty for a file at the root."""
        parts = path.relative_to(self.root).parts
        return parts[0] if len(parts) > 1 else ""

    def tree(self, path: Path) -> ast.Module:
        """Return the syntax tree of a Python file."""
        return _parsed(path)

    def pages(self) -> list[Path]:
        """Return every page of documentation."""
        return self.files(".md")

    def code(self, page: Path) -> list[str]:
        """Return the code of a Markdown page: each fenced block and each span between backticks."""
        text = page.read_text("utf-8")
        return [*CODE_BLOCK.findall(text), *CODE_SPAN.findall(CODE_BLOCK.sub("", text))]


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith(".") and path.name not in GENERATED:
            yield from _walk(path)
        elif path.is_file():
            yield path


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


@pytest.fixture(scope="session")
def repository() -> Repository:
    return Repository(PROJECT_ROOT)
