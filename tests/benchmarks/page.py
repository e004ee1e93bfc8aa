"""docs/benchmarks.md, written from the figures of one or several runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lakehouse.settings import PROJECT_ROOT
from tests.benchmarks.figures import HEADINGS, table_rows

PAGE = PROJECT_ROOT / "docs" / "benchmarks.md"
METHOD = PROJECT_ROOT / "tests" / "benchmarks" / "method.md"
TITLE = """\
# Benchmarks

Written by `make bench`, which measures this machine anew; the text after the tables is kept in `{method}`.
"""


def benchmarks_page(documents: Sequence[dict[str, Any]]) -> str:
    """Return the page: one section with machine and table for each run, then method and limits.

    Args:
        documents: what earlier runs kept as JSON (`tests.benchmarks.__main__`).
    """
    head = TITLE.format(method=METHOD.relative_to(PROJECT_ROOT).as_posix())
    return "\n".join([head, *(_section(document) for document in documents), METHOD.read_text("utf-8")])


def _section(document: dict[str, Any]) -> str:
    archive, machine = document["archive"], document["machine"]
    versions = ", ".join(f"{name} {text}" for name, text in machine.items() if name not in _SIZE_OF_MACHINE)
    size_of_machine = (
        f"Machine: {machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB of memory, "
        f"{machine['system']}. Other processes kept {document['cores_of_others']} of the cores busy meanwhile. "
        f"Commit {document['commit'] or 'unknown'}."
    )
    size_of_archive = archive and (
        f"Archive: {archive['files']:,} daily files from {archive['first_day']} to {archive['last_day']}, "
        f"{archive['readings']:,} readings, {archive['bytes'] / 1e6:.1f} MB."
    )
    lines = [
        f"## `SIZE={document['size']}`, {document['measured_on']}",
        "",
        size_of_machine,
        f"Versions: {versions}.",
        *([size_of_archive] if size_of_archive else []),
        "",
        _row([heading for heading, _ in HEADINGS]),
        _row(["--:" if is_number else "---" for _, is_number in HEADINGS]),
        *(_row(cells) for cells in table_rows(document["figures"])),
        "",
    ]
    if document["not_measured"]:
        # Only the first line: what a failed program printed last can hold the password that a first start shows.
        reasons = (f"- {part}: {why.partition(chr(10))[0]}" for part, why in document["not_measured"].items())
        lines += ["Not measured:", "", *reasons, ""]
    return "\n".join(lines)


_SIZE_OF_MACHINE = {"processor", "cores", "memory_gb", "system"}


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
