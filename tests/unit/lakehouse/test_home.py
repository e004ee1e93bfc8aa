"""The state folder: private secrets, a clear word about the disk, a lock that dies with its process."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from lakehouse.home import DiskTooFullError, Home, write_private

Usage = namedtuple("Usage", "total used free")
HOLDER = """
import sys, time
from pathlib import Path
from lakehouse.home import Home
with Home(Path(sys.argv[1])).lock("platform") as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "var")
    home.create()
    return home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_only_its_owner_reads_it(home: Home):
    secret = home.secret("superset_admin")
    assert len(secret) >= 32
    assert home.secret("superset_admin") == secret
    assert home.secret("postgres_admin") != secret
    assert mode(home.secret_file("superset_admin")) == 0o600
    assert mode(home.keys) == 0o700
    assert mode(home.run) == 0o700


def test_a_secret_of_the_office_overrides_ours(home: Home, tmp_path: Path):
    own = tmp_path / "password"
    own.write_text("from the vault\n", "utf-8")
    assert home.secret("warehouse", own) == "from the vault"
    assert not (home.keys / "warehouse").exists()


def test_a_missing_secret_file_of_the_office_is_named_and_never_invented(home: Home, tmp_path: Path):
    absent = tmp_path / "absent"
    with pytest.raises(FileNotFoundError, match=r"absent.*'warehouse'.*_FILE"):
        home.secret("warehouse", absent)
    assert not absent.exists()


def test_private_files_replace_each_other_whole(tmp_path: Path):
    path = tmp_path / "folder" / "dagster.yaml"
    write_private(path, "a long first version")
    path.chmod(0o644)
    write_private(path, "second")
    assert path.read_text("utf-8") == "second"
    assert mode(path) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["dagster.yaml"]


def test_a_short_disk_is_said_with_figures_and_remedy(home: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12 - 10**9, 10**9))
    with pytest.raises(DiskTooFullError) as refusal:
        home.require_free_disk()
    sentence = str(refusal.value)
    assert str(home.root) in sentence
    assert "1.0 GB" in sentence
    assert "3.2 GB" in sentence
    assert "PARK_HOME" in sentence


def test_a_home_that_does_not_exist_yet_is_judged_by_the_disk_it_will_lie_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Path] = []

    def usage(folder: Path) -> Usage:
        asked.append(folder)
        return Usage(10**12, 0, 10**12)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    Home(tmp_path / "new" / "deep").require_free_disk()
    assert asked == [tmp_path]


def test_addresses_are_empty_before_anything_runs(home: Home):
    assert home.addresses() == {}
    home.write_addresses({"superset": "http://127.0.0.1:8088"})
    assert home.addresses() == {"superset": "http://127.0.0.1:8088"}


def test_a_lock_is_refused_to_a_second_process_and_freed_by_its_death(home: Home):
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(home.root)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline().strip() == "True"
            with home.lock("platform") as ours:
                assert not ours
            with home.lock("another") as ours:
                assert ours
        finally:
            holder.kill()
    with home.lock("platform") as ours:
        assert ours
