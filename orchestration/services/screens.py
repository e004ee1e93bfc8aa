"""Superset: its own environment, the publication of the themes, and its web server."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from dashboards.build import build_bundle
from dashboards.contracts import read_contracts
from dashboards.publish import ENVIRONMENT_FOLDER, READY_PATH, Published, PublishError, SupersetServer
from dashboards.publish import publish as publish_themes
from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import PARK_TIME_ZONE, PROJECT_ROOT, Settings, process_environment
from lakehouse.warehouse import Role, Warehouse
from orchestration.services.catalogue import LOOPBACK
from orchestration.services.supervisor import Service
from semantic.catalogue import SemanticError

ADMIN_NAME = "admin"


class ScreensError(RuntimeError):
    """Superset cannot be installed or published to; the message says why and what helps."""


def server(settings: Settings, home: Home, warehouse: Warehouse) -> SupersetServer:
    """Return the Superset of this platform."""
    metadata = warehouse.url(Role.SUPERSET, driver="psycopg2", database="superset").set(password=None)
    return SupersetServer(
        python=_environment(home) / "bin" / "python",
        state=home.superset,
        metadata_uri=metadata.render_as_string(),
        metadata_password_file=home.secret_file(f"postgres_{Role.SUPERSET.value}"),
        secret_key_file=home.secret_file("superset_secret_key"),
        guest_token_secret_file=home.secret_file("superset_guest_token"),
        map_tile_url=settings.map_tile_url,
    )


def install(home: Home) -> None:
    """Install Superset's locked environment into PARK_HOME; does nothing when it is there already.

    Raises:
        ScreensError: uv is missing, or the packages cannot be had.
    """
    lock = ENVIRONMENT_FOLDER / "uv.lock"
    marker = _environment(home) / ".installed_from"
    if marker.exists() and marker.read_bytes() == lock.read_bytes():
        return
    own = PROJECT_ROOT / ".tools" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        message = f"{own}: uv is missing; run `make setup`."
        raise ScreensError(message)
    command = [uv, "sync", "--quiet", "--frozen", "--no-dev", "--project", str(ENVIRONMENT_FOLDER)]
    done = subprocess.run(
        [*command, "--python", f"{sys.version_info.major}.{sys.version_info.minor}"],
        env={**process_environment(), "UV_PROJECT_ENVIRONMENT": str(_environment(home)), "VIRTUAL_ENV": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = (
            f"Superset's environment could not be installed: {done.stderr.strip()[-500:]}\n"
            "The first run needs the package index once: connect the machine, or point UV_DEFAULT_INDEX to a mirror."
        )
        raise ScreensError(message)
    marker.write_bytes(lock.read_bytes())


def is_published(settings: Settings, home: Home, warehouse: Warehouse) -> bool:
    """Tell whether Superset already holds exactly what the repository says, so that nothing needs publishing."""
    marker = _marker(home)
    return marker.exists() and marker.read_text("utf-8") == _wanted(settings, warehouse)


def publish(settings: Settings, home: Home, warehouse: Warehouse, *, plan: bool = False) -> Published:
    """Bring Superset to what the repository says and run every chart's query once.

    Raises:
        ScreensError: a theme is wrong, or Superset did not take it.
    """
    try:
        published = publish_themes(
            server(settings, home, warehouse),
            database_uri=warehouse.url(Role.READER, driver="psycopg2").render_as_string(hide_password=False),
            admin_password_file=home.secret_file("superset_admin"),
            admin_name=ADMIN_NAME,
            today=_today(settings),
            plan=plan,
        )
    except (PublishError, SemanticError) as error:
        raise ScreensError(str(error)) from error
    if not plan:
        _marker(home).write_text(_wanted(settings, warehouse), "utf-8")
    return published


def service(settings: Settings, home: Home, warehouse: Warehouse) -> Service:
    """Return Superset's web server."""
    port = free_port(settings.superset_port)
    superset = server(settings, home, warehouse)
    address = f"http://{LOOPBACK}:{port}"
    return Service(
        "superset",
        "Superset 看板",
        superset.command(LOOPBACK, port),
        superset.environment(),
        ready_url=f"{address}{READY_PATH}",
        address=f"{address}/superset/dashboard/park-overview/",
    )


def _wanted(settings: Settings, warehouse: Warehouse) -> str:
    """Return a digest of everything that publishing would put into Superset."""
    digest = hashlib.sha256((ENVIRONMENT_FOLDER / "uv.lock").read_bytes())
    for path in sorted(path for path in ENVIRONMENT_FOLDER.parent.rglob("*") if path.suffix in {".py", ".yaml"}):
        digest.update(path.read_bytes())
    bundle = build_bundle(read_contracts(), today=_today(settings))
    digest.update(json.dumps(bundle, sort_keys=True).encode())
    digest.update(warehouse.plain_url(Role.READER).encode() + str(settings.map_tile_url).encode())
    return digest.hexdigest()


def _today(settings: Settings) -> date | None:
    return settings.present.astimezone(PARK_TIME_ZONE).date() if settings.now else None


def _marker(home: Home) -> Path:
    return home.superset / "published_from"


def _environment(home: Home) -> Path:
    return home.superset / ".venv"
