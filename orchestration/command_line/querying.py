"""`park sql`: DuckDB over the lake, for stewards."""

from __future__ import annotations

from typing import Annotated

import duckdb
import polars as pl
import typer
from rich.table import Table

from lakehouse.home import Home
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from orchestration.command_line.terminal import open_console

MOST_ROWS = 200


def query(
    statement: Annotated[str | None, typer.Argument(help="SQL；表名写作 bronze.iot_archive__air_readings")] = None,
) -> None:
    """用 SQL 查询数据湖（DuckDB）；不给语句则列出全部表。"""
    console = open_console()
    lake = Lake(Home(Settings().home).lake)
    tables = lake.tables()
    if statement is None:
        console.print("\n".join(name.replace("/", ".") for name in tables) or "数据湖还是空的。")
        return
    names = {name.replace("/", "."): name for name in tables if name.replace("/", ".") in statement}
    for dotted in names:
        statement = statement.replace(dotted, dotted.replace(".", "__"))
    try:
        rows = lake.query(statement, {dotted.replace(".", "__"): name for dotted, name in names.items()})
    except duckdb.Error as error:
        console.print(f"[red]{error}", soft_wrap=True)
        raise SystemExit(1) from error
    except pl.exceptions.ComputeError as error:  # DuckDB knows types that no table of the lake has
        console.print("[red]结果中有无法显示的类型（如 INTERVAL），请在 SQL 中转为文本，例如 cast(列 as varchar)。")
        raise SystemExit(1) from error
    table = Table(*rows.columns)
    for row in rows.head(MOST_ROWS).iter_rows():
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)
    if rows.height > MOST_ROWS:
        console.print(f"共 {rows.height} 行，只显示前 {MOST_ROWS} 行。")
