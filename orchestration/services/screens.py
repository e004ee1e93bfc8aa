"""Superset: its own environment, the publication of the themes, and its web server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from dashboards.publish import ENVIRONMENT_FOLDER, READY_PATH, Published, PublishError, SupersetServer
from dashboards.publish import publish as publish_themes
from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import PROJECT_ROOT, Settings, process_environment
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


def publish(settings: Settings, home: Home, warehouse: Warehouse, *, plan: bool = False) -> Published:
    """Bring Superset to what the repository says and run every chart's query once.

    Raises:
        ScreensError: a theme is wrong, or Superset did not take it.
    """
    try:
        return publish_themes(
            server(settings, home, warehouse),
            database_uri=warehouse.url(Role.READER, driver="psycopg2").render_as_string(hide_password=False),
            admin_password_file=home.secret_file("superset_admin"),
            admin_name=ADMIN_NAME,
            today=settings.present.date() if settings.now else None,
            plan=plan,
        )
    except (PublishError, SemanticError) as error:
        raise ScreensError(str(error)) from error


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
        address=f"{address}/superset/dashboard/park_overview/",
    )


def _environment(home: Home) -> Path:
    return home.superset / ".venv"
