"""`park reports list|issue|verify`: issued reports, and whether a file in hand is one of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, open_warehouse
from orchestration.command_line.terminal import open_console

application = typer.Typer(help="报告：签发、查看、验签。", no_args_is_help=True)


@application.command("list")
def list_reports() -> None:
    """列出已签发的报告及其版本。"""
    settings = Settings()
    home = Home(settings.home)
    table = Table("报告", "日期", "版本", "现行", "数据截至", "文件", title="已签发的报告", title_justify="left")
    query = (
        "select title, business_date, version, is_current, data_until at time zone 'Asia/Shanghai', artifact "
        "from published.reports order by report_name, business_date desc, version desc"
    )
    with open_warehouse(settings, home) as warehouse:
        known = warehouse.read(Role.PUBLISHER, "select to_regclass('published.reports') is not null as known")
        rows = warehouse.read(Role.PUBLISHER, query).rows() if known["known"][0] else []
    for title, day, version, is_current, until, artifact in rows:
        current = "是" if is_current else "否"
        table.add_row(
            title, str(day), f"v{version}", current, f"{until:%Y-%m-%d %H:%M}", str(home.artifacts / artifact)
        )
    open_console().print(table if rows else "还没有签发过报告。")


@application.command("issue")
def issue(
    report: Annotated[str, typer.Argument(help="报告名，如 air_quality_daily")],
    day: Annotated[str, typer.Argument(help="业务日期，如 2026-11-20")],
) -> None:
    """签发某一天的报告；数据未变时返回现行版本，不重复签发。"""
    from dashboards.reports.issue import issue_report  # noqa: PLC0415
    from dashboards.reports.report_file import ReportError  # noqa: PLC0415
    from orchestration.platform import Platform  # noqa: PLC0415 - dagster takes seconds to import

    console = open_console()
    platform = Platform()
    try:
        with platform.warehouse() as warehouse:
            issued = issue_report(
                warehouse, platform.artifacts, platform.key_provider, report, date.fromisoformat(day), platform.present
            )
    except (ReportError, ValueError) as error:
        console.print(f"[red]{error}", soft_wrap=True)
        raise SystemExit(1) from error
    state = "新签发" if issued.is_new else "现行版本，未重复签发"
    console.print(f"{state} v{issued.version}：{platform.artifacts.root / issued.artifact}", soft_wrap=True)


@application.command("verify")
def verify(
    pdf: Annotated[Path, typer.Argument(help="报告 PDF 文件", exists=True, dir_okay=False)],
    signature: Annotated[Path | None, typer.Argument(help="签名文件，默认与 PDF 同名的 .sig.json")] = None,
) -> None:
    """验证报告是否为本平台签发且未被改动（SM2 签名）。"""
    from dashboards.reports.signature import verify_report  # noqa: PLC0415
    from orchestration.platform import open_keys  # noqa: PLC0415

    settings = Settings()
    console = open_console()
    beside = signature or pdf.with_suffix(".sig.json")
    if not beside.exists():
        console.print(f"[red]没有签名文件 {beside}；请与 PDF 一并取得，或在第二个参数中指明。", soft_wrap=True)
        raise SystemExit(2)
    try:
        content = json.loads(beside.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        console.print(f"[red]签名文件 {beside} 不是有效的 JSON：{error}", soft_wrap=True)
        raise SystemExit(2) from error
    verdict = verify_report(pdf.read_bytes(), content, open_keys(settings, Home(settings.home)))
    console.print(verdict.sentence if verdict.is_valid else f"[red]{verdict.sentence}", soft_wrap=True)
    raise SystemExit(0 if verdict.is_valid else 1)
