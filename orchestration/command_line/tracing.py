"""`park trace`: the way back of a figure, printed as a tree."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.tree import Tree

from orchestration.command_line.terminal import open_console
from orchestration.trace.steps import Step, Target, TraceError

TARGET_HELP = "数据集.列（如 fct_air_quality_daily.pm25_ug_per_m3）、chart:主题/图表，或 report:报告/日期"
KEY_HELP = "行的键，如 station_id=A01 business_date=2026-11-20；时间不写时区即北京时间"


def trace(
    target: Annotated[str, typer.Argument(help=TARGET_HELP)],
    key: Annotated[list[str] | None, typer.Argument(help=KEY_HELP)] = None,
) -> None:
    """追溯一个数字的来路：看板、指标、数据集、模型、原始读数（文件与行号）、所依据的标准条款。"""
    console = open_console()
    try:
        steps = _steps(target, _key(key or []))
    except TraceError as error:
        console.print(f"[red]{error}", soft_wrap=True)
        raise SystemExit(1) from error
    tree = Tree(f"[bold]{target}[/] {' '.join(key or [])}")
    for step in steps:
        _add(tree, step)
    console.print(tree)


def _steps(target: str, key: dict[str, str]) -> list[Step]:
    from orchestration.definitions import definitions  # noqa: PLC0415 - dagster and dbt take seconds to import
    from orchestration.platform import Platform  # noqa: PLC0415
    from orchestration.trace import way_back  # noqa: PLC0415

    platform = Platform()
    kind, _, name = target.partition(":")
    if kind == "chart":
        return way_back.trace_chart(platform, definitions(), name, key)
    if kind == "report":
        return way_back.trace_report(platform, definitions(), name, key)
    mart, dot, column = target.removeprefix("published.").partition(".")
    if not dot:
        message = f"{target!r} 看不懂；写成 {TARGET_HELP}。"
        raise TraceError(message)
    return way_back.trace_value(platform, definitions(), Target(mart, column, key))


def _key(parts: list[str]) -> dict[str, str]:
    pairs = [part.partition("=") for part in parts]
    wrong = [name for name, sign, _ in pairs if not sign]
    if wrong:
        message = f"键 {'、'.join(wrong)} 没有值；{KEY_HELP}。"
        raise TraceError(message)
    return {name: value for name, _, value in pairs}


def _add(tree: Tree, step: Step) -> None:
    branch = tree.add(f"[cyan]{step.layer}[/] {step.name}")
    for line in step.lines:
        branch.add(line)
    if step.rows:
        names = list(dict.fromkeys(name for row in step.rows for name in row))
        table = Table(*names, show_edge=False, pad_edge=False)
        for row in step.rows:
            table.add_row(*("" if row.get(name) is None else str(row[name]) for name in names))
        branch.add(table)
