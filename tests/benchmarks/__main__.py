"""Measure, print and keep: `python -m tests.benchmarks --size small`, or `make bench`.

Nothing is judged: a slow figure is a figure. Only a part that could not be measured at all ends with an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lakehouse.home import DiskTooFullError
from lakehouse.settings import Settings
from tests.benchmarks.archive import Size
from tests.benchmarks.figures import HEADINGS, table_rows
from tests.benchmarks.page import PAGE, benchmarks_page
from tests.benchmarks.run import keep, run_benchmark
from tests.benchmarks.sandbox import BenchmarkError, ends_on_signals

PLAIN_WIDTH = 180  # of a file or pipe, which have none of their own


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 when a part could not be measured, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="How fast the platform is here.")
    parser.add_argument("--size", type=Size, default=Size.SMALL, help=f"how much archive: {', '.join(Size)}")
    parser.add_argument("--cold", action="store_true", help="also time a fresh clone, which downloads all packages")
    parser.add_argument("--without-warm", action="store_true", help="leave out warm starts, which need Superset")
    parser.add_argument("--kept", type=Path, nargs="+", default=[], help="show runs kept as JSON; measures nothing")
    parser.add_argument("--write-docs", action="store_true", help=f"write docs/{PAGE.name} from what is shown")
    asked = parser.parse_args(arguments)
    talk = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    documents = [json.loads(path.read_text("utf-8")) for path in asked.kept]
    if not documents:
        try:
            with ends_on_signals():
                document = run_benchmark(asked.size, talk.print, with_cold=asked.cold, with_warm=not asked.without_warm)
        except (BenchmarkError, DiskTooFullError) as error:
            talk.print(str(error))
            return 1
        except KeyboardInterrupt:
            talk.print("Ended on request; nothing of the run is left.")
            return 130
        talk.print(f"kept: {keep(document, Settings().home / 'benchmarks')}")
        documents.append(document)
    for document in documents:
        show(document)
    if asked.write_docs:
        PAGE.write_text(benchmarks_page(documents), "utf-8")
        talk.print(f"written: {PAGE}")
    return 1 if any(document["not_measured"] for document in documents) else 0


def show(document: dict[str, Any]) -> None:
    """Print each figure as one line of JSON, then the table."""
    for figure in document["figures"]:
        sys.stdout.write(json.dumps(figure, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    machine, archive = document["machine"], document["archive"]
    what = f"{archive['readings']:,} readings in {archive['files']:,} files" if archive else "telemetry alone"
    table = Table(
        title=f"SIZE={document['size']}: {what} · "
        f"{machine['cores']} cores ({document['cores_of_others']} busy with others), {machine['memory_gb']} GB",
        title_justify="left",
    )
    for heading, is_number in HEADINGS:
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in table_rows(document["figures"]):
        table.add_row(*row)
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(highlight=False, markup=False, width=width)
    console.print(table)
    for part, why in document["not_measured"].items():
        console.print(f"not measured: {part}: {why}")


if __name__ == "__main__":
    sys.exit(main())
