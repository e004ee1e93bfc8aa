"""The tool bootstrap: what it fetches is what the index promised, and what it cannot do it says in a sentence."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import platform
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from lakehouse.settings import PROJECT_ROOT

PROGRAM = "#!/bin/sh\necho uv 99.0.0\n"
TAG = f"manylinux_2_17_{platform.machine()}"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, over an empty tools folder, on a machine without uv, pip and network."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", PROJECT_ROOT / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(module, "UV", tmp_path / "tools" / "bin" / "uv")
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    monkeypatch.setattr(module.venv, "create", _no_ensurepip)
    monkeypatch.setattr(urllib.request, "urlopen", _no_network)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple/")
    return module


def _no_ensurepip(*_: object, **__: object) -> None:
    raise subprocess.CalledProcessError(1, "ensurepip")


def _no_network(*_: object, **__: object) -> None:
    raise urllib.error.URLError("Name or service not known")


def wheel(program: str = PROGRAM) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("uv-99.data/scripts/uv", program)
        archive.writestr("uv-99.data/scripts/uvx", "x")
    return buffer.getvalue()


def index(module: ModuleType, content: bytes, *, digest: str | None = None) -> Callable[..., object]:
    """Return an index that serves one wheel and remembers what was asked."""
    address = "https://files.example/uv.whl"
    name = f"uv-{module.UV_VERSION}-py3-none-{TAG}.{TAG.replace('_2_17_', '2014_')}.whl"
    promised = {"sha256": digest or hashlib.sha256(content).hexdigest()}
    page = json.dumps({"files": [{"filename": name, "url": address, "hashes": promised}]}).encode()

    def urlopen(request: urllib.request.Request | str, timeout: float) -> io.BytesIO:
        asked = request if isinstance(request, str) else request.full_url
        assert timeout > 0
        if asked == address:
            return io.BytesIO(content)
        assert asked == "https://mirror.example/simple/uv/", "the office's mirror is honoured"
        return io.BytesIO(page)

    return urlopen


def sentence(module: ModuleType) -> str:
    with pytest.raises(SystemExit) as ending:
        module.main()
    return str(ending.value.code)


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 13)])
def test_another_python_is_named_with_the_way_out(
    bootstrap: ModuleType, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootstrap, "sys", SimpleNamespace(version_info=(*version, 0, "final", 0)))
    told = sentence(bootstrap)
    assert f"this is {version[0]}.{version[1]}" in told
    assert "PYTHON=" in told


def test_without_network_it_names_the_index_and_the_mirror_settings(bootstrap: ModuleType):
    told = sentence(bootstrap)
    for part in ("https://mirror.example/simple/uv/", "Name or service not known", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        assert part in told


def test_without_network_pip_s_own_last_line_is_shown(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap.venv, "create", lambda *_, **__: None)
    failed = subprocess.CompletedProcess([], 1, "", "trying\nERROR: No matching distribution found for uv\n")
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *_, **__: failed)
    told = sentence(bootstrap)
    assert "No matching distribution found" in told
    assert "PIP_INDEX_URL" in told


def test_the_wheel_itself_serves_where_there_is_no_pip(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(urllib.request, "urlopen", index(bootstrap, wheel()))
    bootstrap.main()
    assert bootstrap.UV.read_text() == PROGRAM
    assert bootstrap.UV.stat().st_mode & 0o111


def test_a_wheel_of_another_digest_is_refused_and_not_kept(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(urllib.request, "urlopen", index(bootstrap, wheel(), digest="0" * 64))
    assert "digest" in sentence(bootstrap)
    assert not bootstrap.UV.exists()


def test_a_program_that_does_not_run_here_is_said(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(urllib.request, "urlopen", index(bootstrap, wheel("#!/bin/sh\nexit 1\n")))
    assert "does not run on this machine" in sentence(bootstrap)


def test_a_uv_that_is_there_already_is_taken(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = tmp_path / "uv"
    own.write_text(PROGRAM, "utf-8")
    own.chmod(0o755)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: str(own))
    bootstrap.main()
    assert bootstrap.UV.resolve() == own


def test_a_uv_that_is_too_old_is_not_taken(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old = tmp_path / "uv"
    old.write_text("#!/bin/sh\necho uv 0.1.0\n", "utf-8")
    old.chmod(0o755)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _: str(old))
    monkeypatch.setattr(urllib.request, "urlopen", index(bootstrap, wheel()))
    bootstrap.main()
    assert not bootstrap.UV.is_symlink()


def test_a_second_call_does_nothing(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(urllib.request, "urlopen", index(bootstrap, wheel()))
    bootstrap.main()
    monkeypatch.setattr(urllib.request, "urlopen", _no_network)
    bootstrap.main()


def test_the_script_needs_nothing_but_python(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(PROJECT_ROOT / 'bootstrap.py')!r})"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
