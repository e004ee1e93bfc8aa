"""The embedded server: it starts whatever an earlier run left, refuses what it cannot read, and ends with us."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from lakehouse.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError, binary_folder, free_port
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Role, open_warehouse

PASSWORD = "correct horse"
HOLDER = """
import sys, time
from pathlib import Path
from lakehouse.embedded_postgres import EmbeddedPostgres
root = Path(sys.argv[1])
server = EmbeddedPostgres(root / "postgres", "correct horse", 0, root / "postgres.log")
server.start()
print(server.port, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose data directory has been initialised and stopped."""
    root = tmp_path_factory.mktemp("cluster")
    server = EmbeddedPostgres(root / "postgres", PASSWORD, free_port(0), root / "postgres.log")
    server.start()
    server.stop()
    return root


@pytest.fixture
def server(cluster: Path) -> Iterator[EmbeddedPostgres]:
    server = another(cluster)
    yield server
    server.stop()


def another(cluster: Path, preferred_port: int | None = None) -> EmbeddedPostgres:
    port = free_port(0) if preferred_port is None else preferred_port
    return EmbeddedPostgres(cluster / "postgres", PASSWORD, port, cluster / "postgres.log")


def answers(server: EmbeddedPostgres, password: str = PASSWORD) -> bool:
    try:
        with psycopg.connect(server.url, password=password, connect_timeout=3) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_it_asks_for_the_password_and_leaves_none_behind(cluster: Path, server: EmbeddedPostgres):
    server.start()
    assert answers(server)
    assert not answers(server, password="")
    assert not answers(server, password="wrong")
    assert sorted(path.name for path in cluster.iterdir()) == ["postgres", "postgres.log"]
    files = (path for path in cluster.rglob("*") if path.is_file())
    assert not any(PASSWORD.encode() in path.read_bytes() for path in files if path.stat().st_size < 1_000_000)


def test_it_listens_on_loopback_alone(server: EmbeddedPostgres):
    server.start()
    with psycopg.connect(server.url, password=PASSWORD) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)


def test_a_taken_port_is_exchanged_for_a_free_one(cluster: Path):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        server = another(cluster, taken)
        server.start()
        try:
            assert server.port != taken
            assert answers(server)
        finally:
            server.stop()


def test_a_preferred_port_that_is_free_is_taken(cluster: Path):
    port = free_port(0)
    server = another(cluster, port)
    server.start()
    try:
        assert server.port == port
    finally:
        server.stop()


def test_a_second_opening_joins_and_does_not_stop_what_it_did_not_start(cluster: Path, server: EmbeddedPostgres):
    server.start()
    second = another(cluster)
    second.start()
    assert second.port == server.port
    assert server.is_ours
    assert not second.is_ours
    second.stop()
    assert answers(server)


@pytest.mark.parametrize("process", ["gone", "ours"])
def test_a_stale_process_file_is_no_obstacle(cluster: Path, server: EmbeddedPostgres, process: str):
    number = os.getpid() if process == "ours" else 2**22 - 1  # a number that another program has got since, or nobody
    lines = [str(number), str(cluster / "postgres"), "1700000000", "5432", "", "127.0.0.1", "", "ready"]
    (cluster / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n", "utf-8")
    server.start()
    assert server.is_ours
    assert answers(server)


def test_an_empty_process_file_is_no_obstacle(cluster: Path, server: EmbeddedPostgres):
    (cluster / "postgres" / "postmaster.pid").touch()
    server.start()
    assert answers(server)


def test_another_major_version_is_refused_with_both_numbers_and_the_way_out(cluster: Path, server: EmbeddedPostgres):
    version = cluster / "postgres" / "PG_VERSION"
    ours = version.read_text()
    version.write_text("14\n")
    try:
        with pytest.raises(EmbeddedPostgresError) as refusal:
            server.start()
    finally:
        version.write_text(ours)
    for part in (str(cluster / "postgres"), "PostgreSQL 14", ours.strip(), "PARK_HOME"):
        assert part in str(refusal.value)


def test_a_server_that_cannot_start_says_why_from_its_log(cluster: Path, server: EmbeddedPostgres):
    control = cluster / "postgres" / "global" / "pg_control"
    content = control.read_bytes()
    control.unlink()
    try:
        with pytest.raises(EmbeddedPostgresError, match="pg_control"):
            server.start()
    finally:
        server.stop()
        control.write_bytes(content)
        if os.geteuid() == 0:
            owner = (cluster / "postgres").stat()
            os.chown(control, owner.st_uid, owner.st_gid)


def test_an_initialisation_that_was_killed_is_done_again(tmp_path: Path):
    (tmp_path / "postgres.unfinished").mkdir()
    (tmp_path / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    (tmp_path / "postgres.password").write_text("old", "utf-8")
    server = another(tmp_path)
    server.start()
    try:
        assert answers(server)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["postgres", "postgres.log"]
    finally:
        server.stop()


def test_the_server_ends_with_a_killed_process_and_starts_again_with_its_data(cluster: Path, server: EmbeddedPostgres):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(cluster)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder:
        url = server.url.replace(":0/", f":{int(holder.stdout.readline())}/")
        with psycopg.connect(url, password=PASSWORD, autocommit=True) as connection:
            connection.execute("create table if not exists kept as select 7 as seven")
        holder.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while (cluster / "postgres" / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "the server outlives the process that started it"
        time.sleep(0.05)
    server.start()
    with psycopg.connect(server.url, password=PASSWORD) as connection:
        assert connection.execute("select seven from kept").fetchone() == (7,)


def test_the_platform_works_on_an_external_server_given_by_url(cluster: Path, tmp_path: Path):
    server = another(cluster)
    server.start()
    try:
        with psycopg.connect(server.url, password=PASSWORD, autocommit=True) as connection:
            connection.execute("drop role if exists office")
            connection.execute("create role office login createdb createrole password 'o/f:f@ice'")
        home = Home(tmp_path / "var")
        home.create()
        password = tmp_path / "password"
        password.write_text("o/f:f@ice\n", "utf-8")
        url = f"postgresql://office@127.0.0.1:{server.port}/postgres"
        settings = Settings(home=home.root, warehouse_url=url, warehouse_password_file=password)
        for _ in range(2):
            with open_warehouse(settings, home) as warehouse:
                warehouse.prepare()
                assert warehouse.read(Role.READER, "select current_user::text as who")["who"].item() == "park_reader"
        assert not (home.postgres / "PG_VERSION").exists(), "no embedded server beside an external one"
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its user to start the server")
def test_root_starts_it_below_a_folder_that_only_root_may_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout in root's own home: programs and data are both out of the server user's reach."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = binary_folder().parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    programs = closed / package.name / "pginstall" / "bin"
    monkeypatch.setattr("lakehouse.embedded_postgres.binary_folder", lambda: programs)
    server = EmbeddedPostgres(closed / "postgres", PASSWORD, free_port(0), closed / "postgres.log")
    server.start()
    try:
        with psycopg.connect(server.url, password=PASSWORD) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        server.stop()
