"""Starts the platform's services as children, waits until they answer, and ends them together.

Every child leads a process group of its own. Ctrl-C, a failed start or the end of the supervisor ends every group;
should the supervisor itself be killed, the kernel ends its children, and the next start clears what is left of their
groups, by the process list in PARK_HOME/run.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from lakehouse.home import Home, write_private

PR_SET_PDEATHSIG = 1
READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.25


class ServiceError(RuntimeError):
    """A service did not start or has ended; the message names it, its log and the last lines there."""


@dataclass(frozen=True)
class Service:
    """One child process.

    Args:
        name: short name; its log is `<name>.log`.
        title: what people read in the closing table.
        command: program and arguments.
        environment: added to our own environment.
        ready_url: answers 200 once the service can be used; None for one without a page.
        address: what people open.
    """

    name: str
    title: str
    command: list[str]
    environment: Mapping[str, str]
    ready_url: str | None = None
    address: str | None = None


@dataclass
class Supervisor:
    """The services of one platform."""

    home: Home
    running: dict[str, tuple[Service, subprocess.Popen[bytes]]] = field(default_factory=dict)

    def clear_leftovers(self) -> int:
        """End what an earlier, killed supervisor left behind and return how many groups that were."""
        path = self.home.run / "processes.json"
        if not path.exists():
            return 0
        ended = 0
        for group, started in json.loads(path.read_text("utf-8")).items():
            if _start_time(int(group)) == started or _has_members(int(group)):
                ended += _end_group(int(group), STOP_TIMEOUT_S)
        path.unlink()
        return ended

    def start(self, service: Service, base_environment: Mapping[str, str]) -> None:
        """Start a service; `wait_until_ready` tells when it answers."""
        log = self.home.logs / f"{service.name}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(
                service.command,
                env={**base_environment, **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call; it takes no lock
            )
        self.running[service.name] = (service, process)
        self._write_processes()

    def wait_until_ready(self, name: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until the service answers.

        Raises:
            ServiceError: it ended, or did not answer in time.
        """
        service, process = self.running[name]
        deadline = time.monotonic() + timeout_s
        while service.ready_url is not None:
            if process.poll() is not None:
                raise ServiceError(self._complaint(service, f"已退出（代码 {process.returncode}）"))
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(service.ready_url, timeout=5, follow_redirects=True).is_success:
                    return
            if time.monotonic() > deadline:
                raise ServiceError(self._complaint(service, f"{timeout_s:.0f} 秒内没有响应 {service.ready_url}"))
            time.sleep(POLL_S)

    def first_ended(self) -> str | None:
        """Return a complaint about a service that has ended by itself, None while all run."""
        for service, process in self.running.values():
            if process.poll() is not None:
                return self._complaint(service, f"已退出（代码 {process.returncode}）")
        return None

    def stop_all(self) -> None:
        """End every group, the last started first: all are asked at once, then each is waited for.

        A second Ctrl-C does not break this off, because it would leave the helpers of our services behind.
        """
        processes = [process for _, process in reversed(self.running.values())]
        with _undisturbed():
            for process in processes:
                _signal_group(process.pid, signal.SIGTERM)
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_TIMEOUT_S)
                _end_group(process.pid, STOP_TIMEOUT_S)
                process.wait()
        self.running.clear()
        (self.home.run / "processes.json").unlink(missing_ok=True)
        (self.home.run / "addresses.json").unlink(missing_ok=True)

    def _write_processes(self) -> None:
        groups = {str(process.pid): _start_time(process.pid) for _, process in self.running.values()}
        write_private(self.home.run / "processes.json", json.dumps(groups))

    def _complaint(self, service: Service, what: str) -> str:
        log = self.home.logs / f"{service.name}.log"
        tail = "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-8:]) if log.exists() else ""
        return f"{service.title}（{service.name}）{what}。日志 {log}：\n{tail}"


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore the signals that ask us to end while the block runs; only the main thread may do so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _start_time(process: int) -> str | None:
    """Return when a process started, in clock ticks; tells it from a later one that got the same number."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return None


def _has_members(group: int) -> bool:
    """Tell whether a group whose leader has gone still has members started by us."""
    return _start_time(group) is None and _signal_group(group, None)


def _signal_group(group: int, number: signal.Signals | None) -> bool:
    """Send a signal to a process group (None only asks); return whether the group exists."""
    try:
        os.killpg(group, number or 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _end_group(group: int, timeout_s: float) -> bool:
    """End a whole process group: politely, then by force; return whether there was anything to end."""
    if not _signal_group(group, signal.SIGTERM):
        return False
    deadline = time.monotonic() + timeout_s
    while _signal_group(group, None):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-group, os.WNOHANG)
        if time.monotonic() > deadline:
            _signal_group(group, signal.SIGKILL)
            break
        time.sleep(0.05)
    return True


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
