"""What a person sees in the terminal: progress while it works, tables when it is done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestration.command_line.surfaces import Surface, SurfaceOutcome

PLAIN_WIDTH = 140  # of a file or pipe, which have none of their own


def open_console() -> Console:
    """Return a console on a copy of standard output: Dagster redirects the original while a step runs."""
    copy = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    width = None if copy.isatty() else PLAIN_WIDTH
    return Console(file=copy, soft_wrap=False, highlight=False, width=width)


@dataclass
class Phase:
    """One long step of a run, shown as a line with a bar."""

    progress: Progress
    task: TaskID
    title: str

    def report(self, sentence: str, done: int, total: int) -> None:
        """Show how far the phase is; an empty sentence keeps the last one."""
        if sentence:
            self.progress.update(self.task, detail=sentence[:60])
        self.progress.update(self.task, completed=done, total=max(total, 1))


@contextmanager
def phases(console: Console) -> Iterator[Progress]:
    """Show the lines of the phases while the block runs; without a terminal only their ends are printed."""
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


@contextmanager
def phase(progress: Progress, title: str, total: int | None = None) -> Iterator[Phase]:
    """Show one phase; its line is ticked when the block ends well."""
    task = progress.add_task(title, total=total, detail="")
    current = Phase(progress, task, title)
    yield current
    whole = progress.tasks[task].total or 1
    progress.update(task, total=whole, completed=whole, detail="")
    if not progress.console.is_terminal:
        progress.console.print(f"✓ {title}（{progress.tasks[task].elapsed or 0:.0f} 秒）")


def address_table(surfaces: list[Surface], logins: dict[str, str]) -> Table:
    """Return the closing table of what people open: surface, address, login."""
    table = Table(title="界面", title_justify="left")
    for name in ("界面", "地址", "登录"):
        table.add_column(name, overflow="fold")
    for surface in surfaces:
        table.add_row(surface.title, surface.address, logins.get(surface.name, "无需登录（仅本机）"))
    return table


def built_table(publications: pl.DataFrame, refused: int) -> Table:
    """Return the closing table of what was built: mart, rows, data until."""
    table = Table(title=f"已发布的数据（隔离区 {refused} 行）", title_justify="left")
    for name in ("数据集", "行数", "数据截至", "状态"):
        table.add_column(name, justify="right" if name == "行数" else "left")
    for mart, rows, until, held in publications.iter_rows():
        shown = f"{until:%Y-%m-%d %H:%M}" if until else "—"
        table.add_row(mart, f"{rows:,}", shown, "暂缓发布新数据" if held else "已发布")
    return table


def outcome_table(outcomes: list[SurfaceOutcome]) -> Table:
    """Return the table of `park once`: every surface, and whether it really answers."""
    table = Table(title="逐一检查", title_justify="left")
    for name in ("界面", "结果", "说明"):
        table.add_column(name, overflow="fold")
    for outcome in outcomes:
        table.add_row(outcome.title, "[green]✓" if outcome.passed else "[red]✗", outcome.detail)
    return table
