"""`park quarantine list|retry`: what could not be used, why, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from ingestion import quarantine
from ingestion.landing import Landing
from ingestion.readers import DayRange, SourceUnavailableError
from ingestion.retry import retry as retry_stream
from ingestion.source_file import load_sources
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.command_line.terminal import open_console

application = typer.Typer(help="隔离区：未能入湖的数据、原因与处理。", no_args_is_help=True)
SourceOption = Annotated[str | None, typer.Option(help="只看一个来源，如 iot_archive")]
StreamOption = Annotated[str | None, typer.Option(help="只看一个数据流，如 air_readings")]


@application.command("list")
def list_rows(
    source: SourceOption = None,
    stream: StreamOption = None,
    rows: Annotated[int, typer.Option(help="每个原因列出多少行")] = 5,
) -> None:
    """列出隔离区中仍待处理的数据：来源、位置、原因、补救办法。"""
    from orchestration.platform import Platform  # noqa: PLC0415 - dagster takes seconds to import

    console = open_console()
    waiting = quarantine.open_rows(Platform().lake, source, stream)
    if waiting.is_empty():
        console.print("隔离区为空。")
        return
    reasons = waiting.group_by("source", "stream", "reason_code", "reason", "remedy", maintain_order=True)
    for (source_name, stream_name, code, reason, remedy), group in reasons:
        console.print(f"[bold]{source_name}.{stream_name}[/] {reason}（{code}）：{group.height} 处", soft_wrap=True)
        console.print(f"  补救：{remedy}", soft_wrap=True)
        table = Table("文件", "行", "内容", "入湖时间", show_edge=False, box=None)
        for row in group.head(rows).iter_rows(named=True):
            position = "整个文件" if row["_row_number"] is None else str(row["_row_number"])
            loaded = f"{row['_loaded_at'].astimezone(PARK_TIME_ZONE):%Y-%m-%d %H:%M}"
            table.add_row(row["_source_uri"], position, (row["record"] or "")[:90], loaded)
        console.print(table)


@application.command("retry")
def retry(source: SourceOption = None, stream: StreamOption = None) -> None:
    """按现行约定与代码表重新读取被拒的数据；能用的入湖，其余留在隔离区。"""
    from orchestration.assets.sources import READERS  # noqa: PLC0415
    from orchestration.platform import Platform  # noqa: PLC0415

    console = open_console()
    platform = Platform()
    today = platform.present.astimezone(PARK_TIME_ZONE).date()
    waiting = quarantine.open_rows(platform.lake, source, stream)
    for source_name, stream_name in waiting.select("source", "stream").unique(maintain_order=True).iter_rows():
        promised = load_sources()[source_name]
        landing = Landing(platform.lake, promised, stream_name, platform.present)
        first = promised.streams[stream_name].partition.first
        reader = READERS[promised.reader](platform, promised.location)
        try:
            deliveries = list(reader.deliveries(promised, promised.streams[stream_name], DayRange(first, today)))
        except SourceUnavailableError as error:
            console.print(f"[red]{error}", soft_wrap=True)
            continue
        silver = f"silver/{promised.slug(stream_name)}"
        result = retry_stream(landing, deliveries, silver_table=silver, now=datetime.now(UTC))
        console.print(
            f"{source_name}.{stream_name}：入湖 {result.landed}，已由新文件取代 {result.superseded}，"
            f"补登代码后已清洗 {result.cleaned}，仍待处理 {result.still_waiting}。"
        )
    if waiting.is_empty():
        console.print("隔离区为空。")
    else:
        console.print("新入湖的数据在下一次运行（make run 或每小时的定时任务）中发布。")
