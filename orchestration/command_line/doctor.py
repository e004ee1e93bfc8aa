"""`park doctor`: what is missing on this machine, for what, and the command that helps."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from rich.table import Table

from lakehouse.embedded_postgres import EmbeddedPostgresError, binary_folder, free_port
from lakehouse.home import LEAST_FREE_BYTES, Home
from lakehouse.settings import Settings
from orchestration.browser import browser_program
from orchestration.command_line.terminal import open_console
from orchestration.telemetry.spark import java_program


@dataclass(frozen=True)
class Finding:
    """One thing the platform needs or can use."""

    what: str
    needed_for: str
    is_there: bool
    is_required: bool
    remedy: str


def doctor() -> None:
    """检查本机缺少什么、影响什么、如何补上。"""
    settings = Settings()
    table = Table(title="环境检查", title_justify="left")
    for name in ("项目", "用途", "状态", "补救办法"):
        table.add_column(name, overflow="fold")
    findings = examine(settings, Home(settings.home))
    for finding in findings:
        state = (
            "[green]✓ 已具备" if finding.is_there else "[red]✗ 缺少" if finding.is_required else "[yellow]– 可选，缺少"
        )
        table.add_row(finding.what, finding.needed_for, state, "" if finding.is_there else finding.remedy)
    open_console().print(table)
    if any(finding.is_required and not finding.is_there for finding in findings):
        raise SystemExit(1)


def examine(settings: Settings, home: Home) -> list[Finding]:
    """Return every finding, the required ones first."""
    return [
        _postgres(settings),
        _disk(home),
        *(_port(name, getattr(settings, f"{name}_port")) for name in ("postgres", "dagster", "superset", "api")),
        Finding(
            "Superset 环境",
            "看板",
            (home.superset / ".venv" / ".installed_from").exists(),
            is_required=False,
            remedy="首次 make run 时自动安装（需要联网一次）",
        ),
        Finding(
            "浏览器（Chromium）",
            "make once 的页面检查与截图测试",
            browser_program() is not None,
            is_required=False,
            remedy="apt-get install chromium fonts-noto-cjk",
        ),
        Finding(
            "Java 运行环境（17 或更新）",
            "在 Spark 上做遥测质控（PARK_SPARK_MASTER）与 make test-spark",
            java_program() is not None,
            is_required=settings.spark_master is not None,
            remedy="apt-get install default-jre-headless，或设置 JAVA_HOME",
        ),
        Finding(
            "真实序列（PARK_REPLAY_DIR）",
            "用真实监测数据运行与核对公布结果",
            settings.replay_dir is not None and settings.replay_dir.is_dir(),
            is_required=False,
            remedy="把 PARK_REPLAY_DIR 指向真实数据目录；不设则使用模拟数据",
        ),
    ]


def _postgres(settings: Settings) -> Finding:
    if settings.warehouse_url is not None:
        return Finding("外部 PostgreSQL", "仓库", is_there=True, is_required=True, remedy="")
    try:
        found = (binary_folder() / "postgres").exists()
    except EmbeddedPostgresError:
        found = False
    return Finding("内嵌 PostgreSQL", "仓库", found, is_required=True, remedy="make setup，或设置 PARK_WAREHOUSE_URL")


def _disk(home: Home) -> Finding:
    existing = next(folder for folder in (home.root, *home.root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    what = f"磁盘空间（剩余 {free / 1e9:.0f} GB）"
    remedy = f"至少需要 {LEAST_FREE_BYTES / 1e9:.0f} GB：清理磁盘，或把 PARK_HOME 设到更大的磁盘"
    return Finding(what, "湖仓与仓库", free >= LEAST_FREE_BYTES, is_required=True, remedy=remedy)


def _port(name: str, port: int) -> Finding:
    remedy = f"端口被占用；会自动改用空闲端口，或设置 PARK_{name.upper()}_PORT"
    return Finding(f"端口 {port}", name, free_port(port) == port, is_required=False, remedy=remedy)
