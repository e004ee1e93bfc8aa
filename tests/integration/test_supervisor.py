"""The supervisor: its children end with it, however it ends, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import process_environment
from orchestration.services import supervisor as supervisor_module
from orchestration.services.supervisor import Service, ServiceError, Supervisor

PATIENCE_S = 20.0
PAGE = """
import sys, time
from http.server import HTTPServer, SimpleHTTPRequestHandler
time.sleep(0.5)
HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""
SLEEPER = "import time; time.sleep(600)"
# A service that has a helper of its own; both write their process id, so that the test can look for them.
FAMILY = """
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "a") as pids:
    pids.write(f"{os.getpid()}\\n{helper.pid}\\n")
time.sleep(600)
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "a") as pids:
    import os
    pids.write(f"{os.getpid()}\\n")
time.sleep(600)
"""
SLOW = """
import os, signal, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def leave(*_):
    time.sleep(2)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
with open(sys.argv[1], "a") as pids:
    pids.write(f"{os.getpid()}\\n{helper.pid}\\n")
time.sleep(600)
"""
# What `park run` does, without the platform: start, serve until Ctrl-C, end everything.
RUNNER = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from lakehouse.home import Home
from lakehouse.settings import process_environment
from orchestration.services.supervisor import Service, Supervisor
root, pids, program = sys.argv[1:]
supervisor = Supervisor(Home(Path(root)))
try:
    with ExitStack() as stack:
        stack.callback(supervisor.stop_all)
        for name in ("first", "second"):
            supervisor.start(Service(name, name, [sys.executable, "-c", program, pids], {}), process_environment())
        print("serving", flush=True)
        while True:
            time.sleep(0.1)
except KeyboardInterrupt:
    print("ended", flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A state folder of this test's own."""
    home = Home(tmp_path / "var")
    home.create()
    return home


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """The file into which services write their process ids; whatever is left of them is ended."""
    path = tmp_path / "pids"
    path.touch()
    yield path
    for process in processes(path):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    supervisor = Supervisor(home)
    yield supervisor
    supervisor.stop_all()


def processes(pids: Path) -> list[int]:
    return [int(line) for line in pids.read_text().split()]


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not yet asked for its outcome does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def alive(pids: Path) -> list[int]:
    return [process for process in processes(pids) if is_alive(process)]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


def python(name: str, program: str, *arguments: str, ready_url: str | None = None) -> Service:
    return Service(name, f"服务 {name}", [sys.executable, "-c", program, *arguments], {}, ready_url=ready_url)


def start_runner(home: Home, pids: Path, program: str) -> subprocess.Popen[str]:
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(home.root), str(pids), program],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert runner.stdout is not None
    assert runner.stdout.readline() == "serving\n"
    expected = 4 if program in {FAMILY, SLOW} else 2
    wait_until(lambda: len(processes(pids)) == expected, "all services and their helpers run")
    return runner


def test_a_service_is_ready_once_it_answers(supervisor: Supervisor):
    port = free_port(0)
    supervisor.start(python("page", PAGE, str(port), ready_url=f"http://127.0.0.1:{port}/"), process_environment())
    supervisor.wait_until_ready("page", PATIENCE_S)
    assert supervisor.first_ended() is None


def test_a_service_that_dies_is_named_with_its_exit_code_and_last_words(supervisor: Supervisor):
    program = "import sys; print('库连接失败'); sys.exit(7)"
    supervisor.start(python("api", program, ready_url="http://127.0.0.1:9/"), process_environment())
    with pytest.raises(ServiceError) as refusal:
        supervisor.wait_until_ready("api", 10)
    sentence = str(refusal.value)
    for part in ("服务 api", "代码 7", "库连接失败", str(supervisor.home.logs / "api.log")):
        assert part in sentence


def test_a_service_that_dies_later_is_noticed(supervisor: Supervisor):
    supervisor.start(python("api", "raise SystemExit('磁盘已满')"), process_environment())
    wait_until(lambda: supervisor.first_ended() is not None, "the death is noticed")
    assert "磁盘已满" in (supervisor.first_ended() or "")


def test_a_service_that_never_answers_is_given_up(supervisor: Supervisor):
    port = free_port(0)
    supervisor.start(python("deaf", SLEEPER, ready_url=f"http://127.0.0.1:{port}/"), process_environment())
    with pytest.raises(ServiceError, match=rf"服务 deaf.*1 秒内没有响应 http://127\.0\.0\.1:{port}/"):
        supervisor.wait_until_ready("deaf", 1)


def test_stopping_ends_helpers_too_and_forgets_the_addresses(supervisor: Supervisor, pids: Path):
    supervisor.start(python("family", FAMILY, str(pids)), process_environment())
    wait_until(lambda: len(processes(pids)) == 2, "service and helper run")
    supervisor.home.write_addresses({"family": "http://127.0.0.1:1"})
    supervisor.stop_all()
    assert alive(pids) == []
    assert supervisor.home.addresses() == {}
    assert not (supervisor.home.run / "processes.json").exists()


def test_a_helper_whose_service_has_died_is_ended_too(supervisor: Supervisor, pids: Path):
    supervisor.start(python("family", FAMILY, str(pids)), process_environment())
    wait_until(lambda: len(processes(pids)) == 2, "service and helper run")
    os.kill(processes(pids)[0], signal.SIGKILL)
    supervisor.stop_all()
    assert alive(pids) == []


def test_a_service_that_ignores_the_polite_signal_is_ended_by_force(
    supervisor: Supervisor, pids: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisor_module, "STOP_TIMEOUT_S", 0.5)
    supervisor.start(python("stubborn", STUBBORN, str(pids)), process_environment())
    wait_until(lambda: len(processes(pids)) == 1, "the service runs")
    supervisor.stop_all()
    assert alive(pids) == []


def test_ctrl_c_leaves_no_process(home: Home, pids: Path):
    with start_runner(home, pids, FAMILY) as runner:
        os.killpg(runner.pid, signal.SIGINT)
        output, _ = runner.communicate(timeout=PATIENCE_S)
    assert output == "ended\n"
    assert alive(pids) == []


def test_an_impatient_second_ctrl_c_leaves_no_process(home: Home, pids: Path):
    with start_runner(home, pids, SLOW) as runner:
        for _ in range(3):
            os.killpg(runner.pid, signal.SIGINT)
            time.sleep(0.3)
        runner.communicate(timeout=PATIENCE_S)
    assert alive(pids) == []


def test_the_next_start_clears_what_a_killed_supervisor_left(home: Home, pids: Path):
    with start_runner(home, pids, FAMILY) as runner:
        runner.kill()
    services, helpers = processes(pids)[::2], processes(pids)[1::2]
    wait_until(lambda: not any(map(is_alive, services)), "the kernel ends the services")
    assert all(map(is_alive, helpers)), "helpers outlive a killed supervisor; that is what clearing is for"
    assert Supervisor(home).clear_leftovers() == 2
    assert alive(pids) == []
    assert Supervisor(home).clear_leftovers() == 0


def test_clearing_leaves_strangers_alone_that_got_an_old_number(home: Home):
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
    try:
        (home.run / "processes.json").write_text(f'{{"{stranger.pid}": "1"}}', "utf-8")
        assert Supervisor(home).clear_leftovers() == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
