"""Bring uv into .tools/, with nothing but the Python that runs this file. Called by the Makefile.

Three ways, the first that works: a uv that is already on the path; a virtual environment with pip; where the
system's Python has neither ensurepip nor pip (Debian without python3-venv), the wheel itself, taken from the package
index and checked against its digest.
"""

from __future__ import annotations

import configparser
import hashlib
import http.client
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

UV_VERSION = "0.13.9"
TOOLS = Path(__file__).resolve().parent / ".tools"
UV = TOOLS / "bin" / "uv"
DEFAULT_INDEX = "https://pypi.org/simple"


class BootstrapError(SystemExit):
    """Nothing more can be done; the text says what the person can."""


def main() -> None:
    """Make `.tools/bin/uv` usable."""
    if sys.version_info[:2] not in {(3, 11), (3, 12)}:
        found = ".".join(map(str, sys.version_info[:2]))
        raise BootstrapError(f"Python 3.11 or 3.12 is needed, this is {found}; run `make PYTHON=python3.12 ...`.")
    if _answers(UV):
        return
    shutil.rmtree(TOOLS, ignore_errors=True)
    (TOOLS / "bin").mkdir(parents=True)
    ready_made = shutil.which("uv")
    if ready_made and _answers(Path(ready_made)):
        UV.symlink_to(ready_made)
        return
    if not _with_pip():
        _from_wheel()
    if not _answers(UV):
        raise BootstrapError(f"{UV} does not run on this machine ({platform.platform()}); install uv by hand.")


def _answers(program: Path) -> bool:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and _release(done.stdout) >= _release(UV_VERSION)


def _release(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def _with_pip() -> bool:
    """Install uv with pip in an environment of its own; False where this Python brings no pip."""
    folder = TOOLS / "pip"
    try:
        venv.create(folder, with_pip=True)
    except subprocess.CalledProcessError:
        return False
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BootstrapError(_no_network(done.stderr.strip().splitlines()[-1:] or ["pip failed"]))
    UV.symlink_to(folder / "bin" / "uv")
    return True


def _from_wheel() -> None:
    index = _index()
    page = f"{index}/uv/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})  # noqa: S310
    tag = f"manylinux_2_17_{platform.machine()}"
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            files = json.load(answer)["files"]
        wheel = next((f for f in files if f["filename"].startswith(f"uv-{UV_VERSION}-") and tag in f["filename"]), None)
        if wheel is None:
            raise BootstrapError(f"{page}: there is no uv {UV_VERSION} for {platform.machine()}; install uv by hand.")
        with urllib.request.urlopen(wheel["url"], timeout=180) as answer:  # noqa: S310
            content = answer.read()
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise BootstrapError(_no_network([f"{page}: {error!r}"])) from error
    if hashlib.sha256(content).hexdigest() != wheel["hashes"]["sha256"]:
        raise BootstrapError(f"{wheel['url']}: the download does not have the digest of the index; try again.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        UV.write_bytes(archive.read(name))
    UV.chmod(0o755)


def _index() -> str:
    """Return the package index that pip would use, so that an office's mirror is honoured."""
    configured = os.environ.get("PIP_INDEX_URL")
    for path in (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        parser = configparser.ConfigParser(interpolation=None)
        if configured is None and parser.read(path) and parser.has_option("global", "index-url"):
            configured = parser.get("global", "index-url")
    return (configured or DEFAULT_INDEX).rstrip("/")


def _no_network(reasons: list[str]) -> str:
    return (
        f"The package index cannot be reached ({'; '.join(reasons)}).\n"
        "The first set-up needs it once: connect the machine, or point PIP_INDEX_URL and UV_DEFAULT_INDEX to a mirror."
    )


if __name__ == "__main__":
    main()
