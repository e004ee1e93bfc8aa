"""A folder, an environment and processes of the benchmark's own; nothing of them is left at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import Settings, process_environment

STOP_WAIT_S = 60.0
TAIL_LINES = 25
# Settings of the caller must not lead into their warehouse; make and pyenv must not choose another Python for us.
NOT_INHERITED_PREFIXES = ("PARK_", "MAKE", "DAGSTER_")
NOT_INHERITED = {"MFLAGS", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "SIZE", "COLD"}


class BenchmarkError(RuntimeError):
    """A part could not be measured; the message says which, what was last heard of it, and what helps."""


@dataclass(frozen=True)
class Line:
    """A line that a process printed, and how many seconds after its start."""

    after_s: float
    text: str


@dataclass(frozen=True)
class Ended:
    """A process that has ended well: how long it took and what it printed."""

    seconds: float
    lines: list[Line]


@dataclass(frozen=True)
class Sandbox:
    """Everything a benchmark writes lies below `folder`."""

    folder: Path
    settings: Settings

    @property
    def home(self) -> Home:
        """State folder of the measured platform."""
        return Home(self.folder / "home")

    @property
    def archive(self) -> Path:
        """Archive folder that the measured platform reads."""
        return self.folder / "archive"

    def environment(self, home: Path, **own: str) -> dict[str, str]:
        """Return the environment of a platform over `home`: the caller's without its settings, and free ports.

        The present is pinned, so that all parts of one benchmark work on the same day. Bytecode goes into the sandbox:
        a warm start finds it there, as it does on a machine that ran the platform before.
        """
        inherited = {
            name: value
            for name, value in process_environment().items()
            if not name.startswith(NOT_INHERITED_PREFIXES) and name not in NOT_INHERITED
        }
        ports = {f"PARK_{name}_PORT": str(free_port(0)) for name in ("POSTGRES", "DAGSTER", "SUPERSET", "API")}
        park = {
            "PARK_HOME": str(home),
            "PARK_NOW": self.settings.present.isoformat(),
            "PARK_SEED": str(self.settings.seed),
            "PARK_SIZE": self.settings.size.value,
        }
        python = {
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
        }
        return {**inherited, **ports, **park, **python, **own}

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        hear: Callable[[str], None] = lambda _: None,
    ) -> Ended:
        """Run a command to its end and return its time and what it printed, each line with its own.

        Args:
            command: program and arguments.
            environment: its whole environment.
            folder: where it runs; by default the sandbox, where no `.env` file lies.
            hear: receives every line at once.

        Raises:
            BenchmarkError: the command ended with an error.
        """
        started = time.perf_counter()
        lines: list[Line] = []
        process = subprocess.Popen(
            command,
            cwd=folder or self.folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            for text in process.stdout or ():
                lines.append(Line(time.perf_counter() - started, text.rstrip()))
                hear(text.rstrip())
            code = process.wait()
            seconds = time.perf_counter() - started
        finally:
            _end_group(process)
        if code != 0:
            tail = "\n".join(line.text for line in lines[-TAIL_LINES:])
            message = f"`{' '.join(command[-4:])}` ended with {code}. Its last lines:\n{tail}\nMend that and run again."
            raise BenchmarkError(message)
        return Ended(seconds, lines)


@contextmanager
def open_sandbox(settings: Settings) -> Iterator[Sandbox]:
    """Make the folder, and remove it with everything in it when the block ends, however it ends.

    Raises:
        DiskTooFullError: the disk of temporary files has too little room for a run.
    """
    folder = Path(tempfile.mkdtemp(prefix="park-bench-"))
    try:
        folder.chmod(0o711)  # root's PostgreSQL runs as another user, who must be able to pass; keys are closed below
        sandbox = Sandbox(folder, settings)
        sandbox.home.require_free_disk()
        yield sandbox
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ends_on_signals() -> Iterator[None]:
    """Let a request to end pass through the cleaning of the sandbox, as Ctrl-C does."""
    kept = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end_group(process: subprocess.Popen[str]) -> None:
    """End what is left of a process group: politely, so that it stops its own services, then by force."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WAIT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
