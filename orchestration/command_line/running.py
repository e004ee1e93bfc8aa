"""`park run`, `park once`, `park stop`, `park prepare`: set up, run the main job, serve, and end together."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import Progress

from ingestion import quarantine
from ingestion.simulated_park.hazmat_vehicles import write_vehicle_logs
from ingestion.simulated_park.iot_archive import write_air_archive
from ingestion.simulated_park.legacy_contractor import write_legacy_contractor
from ingestion.simulated_park.legacy_statistics import write_legacy_statistics
from ingestion.simulated_park.outlet_logs import write_outlet_logs
from ingestion.simulated_park.telemetry_archive import write_telemetry_archive
from ingestion.source_file import SourceFileError
from lakehouse.embedded_postgres import EmbeddedPostgresError
from lakehouse.home import DiskTooFullError, Home
from lakehouse.lake import Lake
from lakehouse.settings import Settings, process_environment
from lakehouse.warehouse import Role, Warehouse, open_warehouse
from orchestration.command_line.surfaces import Surface, SurfaceCheck
from orchestration.command_line.terminal import address_table, built_table, open_console, outcome_table, phase, phases
from orchestration.dagster_instance import migrate, write_instance
from orchestration.platform import MIDDLE_PLATFORM, open_keys
from orchestration.services import screens
from orchestration.services.catalogue import api_service, dagster_services, middle_platform_service
from orchestration.services.supervisor import ServiceError, Supervisor
from quality.suites import SuiteFileError
from semantic.catalogue import SemanticError

POLL_S = 0.5
SHOWN_MARKER = "superset_admin.shown"
MENDABLE = (
    *(DiskTooFullError, EmbeddedPostgresError, ServiceError, screens.ScreensError),
    *(SemanticError, SourceFileError, SuiteFileError),
)


def run() -> None:
    """一条命令运行整个平台：准备环境、跑完主流程、提供全部界面，直到按 Ctrl-C。"""
    _guarded(lambda console, settings, home: PlatformRun(console, settings, home).serve())


def once() -> None:
    """与 run 相同，逐一检查各界面后退出，不留任何进程；有一处不通过即返回非零。"""
    _guarded(lambda console, settings, home: PlatformRun(console, settings, home).check())


def stop() -> None:
    """结束仍在运行的平台，包括上次被强制结束后遗留的进程。"""
    home = Home(Settings().home)
    pid_file = home.run / "supervisor.pid"
    if pid_file.exists():
        with home.lock("platform") as nobody_runs:
            if not nobody_runs:
                os.kill(int(pid_file.read_text("utf-8")), signal.SIGTERM)
                typer.echo("已请求平台退出。")
                return
    typer.echo(f"平台没有在运行；清理遗留进程组 {Supervisor(home).clear_leftovers()} 个。")


def prepare() -> None:
    """只做准备：建目录、生成密钥、解析 dbt 工程。"""
    from orchestration.assets.models import build_manifest  # noqa: PLC0415 - dbt takes seconds to import

    home = Home(Settings().home)
    home.create()
    build_manifest(home)


@dataclass
class PlatformRun:
    """One start of the platform, from an empty folder or over what an earlier one left."""

    console: Console
    settings: Settings
    home: Home
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.home)

    def serve(self) -> bool:
        """Build, then serve until someone asks to end or a service ends by itself."""
        with ExitStack() as stack:
            succeeded, _, _ = self._build(stack)
            self.console.print("按 Ctrl-C 结束。")
            while (complaint := self.supervisor.first_ended()) is None:
                time.sleep(POLL_S)
            raise ServiceError(complaint)
        return succeeded

    def check(self) -> bool:
        """Build, open every surface once, and end."""
        with ExitStack() as stack:
            succeeded, surfaces, warehouse = self._build(stack)
            keys = open_keys(self.settings, self.home)
            admin = (screens.ADMIN_NAME, self.home.secret("superset_admin"))
            outcomes = SurfaceCheck(self.settings, self.home, warehouse, keys, admin).check(surfaces)
            self.console.print(outcome_table(outcomes))
        return succeeded and all(outcome.passed for outcome in outcomes)

    def _build(self, stack: ExitStack) -> tuple[bool, list[Surface], Warehouse]:
        started = time.monotonic()
        self.supervisor.clear_leftovers()
        progress = stack.enter_context(phases(self.console))
        with phase(progress, "启动仓库"):
            warehouse = stack.enter_context(open_warehouse(self.settings, self.home))
            warehouse.prepare()
            write_instance(self.home, warehouse)
        stack.callback(self.supervisor.stop_all)
        screens_ready = self._prepare_screens(stack)
        self._simulate(progress)
        with phase(progress, "准备数据管线"):
            prepare()
            migrate(self.home)
        for service in (*dagster_services(self.settings, self.home), api_service(self.settings)):
            self.supervisor.start(service, process_environment())
        screens_stand = screens.is_published(self.settings, self.home, warehouse)
        if screens_stand:  # what an earlier run published can be looked at while new data come in
            self.supervisor.start(screens.service(self.settings, self.home, warehouse), process_environment())
            with phase(progress, "启动界面"):
                self._wait_for_services()
        failures = self._main_job(progress)
        if not screens_stand:
            with phase(progress, "准备看板环境"):
                screens_ready.result()
            with phase(progress, "发布看板"):
                screens.publish(self.settings, self.home, warehouse)
            self.supervisor.start(screens.service(self.settings, self.home, warehouse), process_environment())
            with phase(progress, "启动界面"):
                self._wait_for_services()
        progress.stop()
        surfaces = [
            Surface(service.name, service.title, service.address)
            for service, _ in self.supervisor.running.values()
            if service.address and service.name != MIDDLE_PLATFORM
        ]
        self.home.write_addresses({**self.home.addresses(), **{surface.name: surface.address for surface in surfaces}})
        self._closing_tables(warehouse, surfaces, time.monotonic() - started)
        for step, sentence in failures.items():
            self.console.print(f"[red]✗ {step}：{sentence[:800]}", soft_wrap=True)
        return not failures, surfaces, warehouse

    def _wait_for_services(self) -> None:
        for name in list(self.supervisor.running):
            self.supervisor.wait_until_ready(name)

    def _closing_tables(self, warehouse: Warehouse, surfaces: list[Surface], seconds: float) -> None:
        publications = warehouse.read(
            Role.READER,
            "select mart_name, row_count, data_until at time zone 'Asia/Shanghai', is_held "
            "from published.publications order by mart_name",
        )
        lake = Lake(self.home.lake)
        refused = quarantine.count(lake)
        is_first = not (self.home.keys / SHOWN_MARKER).exists()
        file = self.home.secret_file("superset_admin")
        password = (
            f"密码 {self.home.secret('superset_admin')}（仅显示这一次，另存于 {file}）"
            if is_first
            else f"密码见 {file}"
        )
        self.console.print(built_table(publications, refused))
        self.console.print(address_table(surfaces, {"superset": f"{screens.ADMIN_NAME}，{password}"}))
        (self.home.keys / SHOWN_MARKER).touch(mode=0o600)
        self.console.print(f"用时 {seconds:.0f} 秒。状态目录 {self.home.root}，删除它即完全重置。", soft_wrap=True)

    def _prepare_screens(self, stack: ExitStack) -> Future[None]:
        """Install Superset beside the main job."""
        beside = ThreadPoolExecutor(1, thread_name_prefix="screens")
        stack.callback(beside.shutdown, cancel_futures=True)
        return beside.submit(screens.install, self.home)

    def _simulate(self, progress: Progress) -> None:
        """Let the simulated park write and serve what no real source system stands for."""
        settings, folder = self.settings, self.home.source_systems
        with phase(progress, "模拟来源系统") as current:
            if settings.iot_archive_url is None:
                write_air_archive(
                    folder / "iot_archive",
                    last_full_day=settings.last_full_day,
                    seed=settings.seed,
                    replay_dir=settings.replay_dir,
                    progress=lambda done, total: current.report("写入逐日归档", done, total),
                )
            if settings.telemetry_archive_url is None:
                write_telemetry_archive(
                    folder / "telemetry_archive",
                    last_full_day=settings.last_full_day,
                    seed=settings.seed,
                    size=settings.size,
                    replay_dir=settings.replay_dir,
                    progress=lambda done, total: current.report("写入分钟遥测归档", done, total),
                )
            if settings.outlet_monitoring_url is None:
                write_outlet_logs(
                    folder / "outlet_monitoring",
                    last_full_day=settings.last_full_day,
                    seed=settings.seed,
                    progress=lambda done, total: current.report("写入排口报文日志", done, total),
                )
            if settings.vehicle_tracking_url is None:
                write_vehicle_logs(
                    folder / "vehicle_tracking", last_full_day=settings.last_full_day, seed=settings.seed
                )
            if settings.economic_information_url is None or settings.smart_statistics_url is None:
                write_legacy_statistics(folder, present=settings.present, seed=settings.seed, size=settings.size)
            if settings.contractor_safety_url is None:
                write_legacy_contractor(folder, present=settings.present, seed=settings.seed, size=settings.size)
            if settings.middle_platform_url is None:
                service = middle_platform_service(settings, self.home)
                self.supervisor.start(service, process_environment())
                self.supervisor.wait_until_ready(service.name)
                self.home.write_addresses({service.name: str(service.address)})

    def _main_job(self, progress: Progress) -> dict[str, str]:
        """Run the main job and return what failed: step or check → sentence."""
        from orchestration.definitions import definitions  # noqa: PLC0415 - importing takes seconds; show the phase
        from orchestration.main_run import run_main_job  # noqa: PLC0415
        from orchestration.platform import Platform  # noqa: PLC0415

        with phase(progress, "主流程：从来源到发布") as current:
            return run_main_job(self.home, Platform(), definitions(), current.report).failures


def _guarded(action: Callable[[Console, Settings, Home], bool]) -> NoReturn:
    """Run with clear endings: one sentence for what a person can mend, and no process left in any case."""
    console = open_console()
    settings = Settings()
    home = Home(settings.home)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        home.require_free_disk()
        home.create()
        with home.lock("platform") as ours:
            if not ours:
                addresses = "、".join(home.addresses().values()) or "尚在启动"
                console.print(f"同一目录（{home.root}）的平台已在运行：{addresses}。", soft_wrap=True)
                console.print("先结束它（park stop），或为第二个平台另设 PARK_HOME。")
                sys.exit(1)
            (home.run / "supervisor.pid").write_text(str(os.getpid()), "utf-8")
            succeeded = action(console, settings, home)
    except MENDABLE as error:
        console.print(f"[red]{error}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("已停止，没有遗留进程。")
        sys.exit(130)
    sys.exit(0 if succeeded else 1)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
