"""What the pages say exists: links, pictures, make targets, commands of `park`, tests, files and decisions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import typer
from typer.core import TyperGroup

from orchestration.command_line import command_line

if TYPE_CHECKING:
    from tests.conventions.conftest import Repository

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
MAKE = re.compile(r"(?:^|[\s;&`])make((?: [A-Z_]+=\S+)*) ([a-z][a-z-]*)")
PARK = re.compile(r"(?:^|[;&|(] *|\$ |bin/)park ([a-z][a-z0-9_-]*)(?: ([a-z][a-z_-]*))?", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
FILE_IN_CODE = re.compile(
    r"^(?:api|dashboards|dbt_project|docs|ingestion|lakehouse|methods|orchestration|quality|security|semantic|tests)"
    r"/[\w./-]+$"
)
DECISION = re.compile(r"^(\d{4})-[a-z0-9-]+$")
DECISION_PARTS = ("## Context", "## Decision", "## Consequences", "## What enforces it")


def test_links_resolve(repository: Repository):
    broken = [
        f"{repository.name(page)}: {target}"
        for page in repository.pages()
        for target in LINK.findall(page.read_text("utf-8"))
        if not target.startswith(("http://", "https://", "mailto:")) and not resolves(page, unquote(target))
    ]
    assert not broken, "; ".join(broken)


def test_files_named_in_pages_exist(repository: Repository):
    missing = [
        f"{repository.name(page)}: {code}"
        for page in hand_written(repository)
        for code in repository.code(page)
        if FILE_IN_CODE.match(code) and not (repository.root / code).exists()
    ]
    assert not missing, "; ".join(missing)


def test_make_targets_named_in_pages_exist(repository: Repository):
    targets = set(TARGET.findall((repository.root / "Makefile").read_text("utf-8")))
    unknown = [
        f"{repository.name(page)}: make {target}"
        for page in repository.pages()
        for code in repository.code(page)
        for _, target in MAKE.findall(code)
        if target not in targets
    ]
    assert not unknown, "; ".join(unknown)


def test_park_commands_named_in_pages_exist(repository: Repository):
    root = typer.main.get_command(command_line())
    unknown = [
        f"{repository.name(page)}: park {' '.join(words)}"
        for page in repository.pages()
        for code in repository.code(page)
        for words in park_commands(code)
        if not is_command(root, words)
    ]
    assert not unknown, "; ".join(sorted(set(unknown)))


def test_every_park_command_has_its_row(repository: Repository):
    page = repository.root / "docs" / "how_to" / "command_line.md"
    rows = [words for code in repository.code(page) for words in park_commands(code)]
    assert len(set(rows)) == len(rows), "one row per command"
    assert set(rows) == set(every_command()), "docs/how_to/command_line.md lists what `park --help` offers"


def test_decisions_are_numbered_and_complete(repository: Repository):
    pages = sorted((repository.root / "docs" / "decisions").glob("*.md"))
    matches = [DECISION.match(page.stem) for page in pages]
    assert all(matches), [page.name for page in pages]
    numbers = [int(match[1]) for match in matches if match]
    assert numbers == list(range(1, len(pages) + 1)), "numbers follow each other; a decision is never removed"
    for page in pages:
        text = page.read_text("utf-8")
        places = [text.find(part) for part in DECISION_PARTS]
        assert -1 not in places, f"{page.name}: needs {', '.join(DECISION_PARTS)}"
        assert places == sorted(places), f"{page.name}: {', '.join(DECISION_PARTS)}, in this order"


def test_both_front_doors_name_the_same_things(repository: Repository):
    english = repository.root / "README.md"
    chinese = repository.root / "README.zh-CN.md"
    assert commands(repository, english) == commands(repository, chinese)
    assert pictures(english) == pictures(chinese)


def test_the_scanners_see_mistakes():
    assert park_commands("bin/park quarantine list --source x") == [("quarantine", "list")]
    assert park_commands("$ park stop\n") == [("stop",)]
    assert park_commands("pg_dump -f people.dump park\ncd park && ls") == []
    root = typer.main.get_command(command_line())
    assert is_command(root, ("doctor",))
    assert not is_command(root, ("moon",))
    assert MAKE.findall("make PYTHON=/usr/bin/python3.12 run") == [(" PYTHON=/usr/bin/python3.12", "run")]
    assert anchor("Where things are") == "where-things-are"


def resolves(page: Path, target: str) -> bool:
    """Tell whether a relative link leads to a file, and its anchor to a heading there."""
    path, _, fragment = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not fragment or fragment in {anchor(text) for text in HEADING.findall(file.read_text("utf-8"))}


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as the usual renderers build it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def hand_written(repository: Repository) -> Iterator[Path]:
    """Yield the pages that people write; the glossary is generated."""
    yield from (page for page in repository.pages() if page.name != "glossary.md")


def park_commands(code: str) -> list[tuple[str, ...]]:
    """Return the commands of `park` in a piece of code, each with its second word where there is one."""
    return [tuple(word for word in found if word) for found in PARK.findall(code)]


def is_command(root: object, words: tuple[str, ...]) -> bool:
    """Tell whether the words are a command; the second word of a command without subcommands is its argument."""
    assert isinstance(root, TyperGroup)
    command = root.commands.get(words[0])
    if isinstance(command, TyperGroup) and len(words) > 1:
        return words[1] in command.commands
    return command is not None


def every_command() -> Iterator[tuple[str, ...]]:
    """Yield every command of `park`, with its subcommand where it has some."""
    root = typer.main.get_command(command_line())
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((name, subcommand) for subcommand in command.commands)
        else:
            yield (name,)


def commands(repository: Repository, page: Path) -> set[tuple[str, ...]]:
    """Return the make and park commands of a page."""
    code = repository.code(page)
    made = {("make", target) for part in code for _, target in MAKE.findall(part)}
    return made | {words for part in code for words in park_commands(part)}


def pictures(page: Path) -> list[str]:
    """Return the pictures of a page."""
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8"))
