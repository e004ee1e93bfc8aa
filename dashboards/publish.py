"""Publishing: build the bundle here, let Superset's own environment reconcile it, and report what it did."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from dashboards.build import build_bundle
from dashboards.contracts import read_contracts
from dashboards.identity import PARK_NAMESPACE
from lakehouse.home import write_private
from lakehouse.settings import process_environment
from semantic.compile import MartColumns

_HERE = Path(__file__).resolve().parent
CONFIG_FILE = _HERE / "superset_config.py"
LOADER_FILE = _HERE / "superset" / "loader.py"
ENVIRONMENT_FOLDER = _HERE / "superset"
ROLES_FILE = _HERE / "access" / "roles.yaml"
# The first run writes the whole metadata database; a later one takes a quarter of a minute.
LOADER_TIMEOUT_S = 600
READY_PATH = "/health"


class PublishError(RuntimeError):
    """Superset did not take the bundle, or a chart does not work; the message names the asset and the remedy."""


@dataclass(frozen=True)
class SupersetServer:
    """One Superset: its environment, its metadata and its secrets.

    Attributes:
        python: interpreter of Superset's own environment.
        state: folder for its caches and for our request and log.
        metadata_uri: SQLAlchemy URI (`postgresql+psycopg2://…`) of its metadata database, without password.
        metadata_password_file: file with that password.
        secret_key_file: file with the key that signs sessions and encrypts stored passwords.
        guest_token_secret_file: file with the key of guest tokens.
        map_tile_url: base map tiles `{z}/{x}/{y}`; None draws the park's own shapes.
    """

    python: Path
    state: Path
    metadata_uri: str
    metadata_password_file: Path
    secret_key_file: Path
    guest_token_secret_file: Path
    map_tile_url: str | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables that `superset_config.py` reads, for the server and for the loader."""
        return {
            "SUPERSET_CONFIG_PATH": str(CONFIG_FILE),
            "SUPERSET_METADATA_URI": self.metadata_uri,
            "SUPERSET_METADATA_PASSWORD_FILE": str(self.metadata_password_file),
            "SUPERSET_SECRET_KEY_FILE": str(self.secret_key_file),
            "SUPERSET_GUEST_TOKEN_SECRET_FILE": str(self.guest_token_secret_file),
            "SUPERSET_STATE_DIR": str(self.state),
            "SUPERSET_MAP_TILE_URL": self.map_tile_url or "",
            "PYTHONWARNINGS": "ignore",
        }

    def command(self, host: str, port: int, *, workers: int = 1) -> list[str]:
        """Return the command of the web server; it is ready when `READY_PATH` answers 200."""
        return [
            *(str(self.python), "-m", "gunicorn", "--bind", f"{host}:{port}", "--workers", str(workers)),
            *("--worker-class", "gthread", "--threads", "16", "--timeout", "120", "--graceful-timeout", "5"),
            "superset.app:create_app()",
        ]


@dataclass(frozen=True)
class Published:
    """What publishing did, or (for a plan) would do; assets are named by their keys.

    Attributes:
        create, update, unchanged, prune: keys of assets by what happens to them.
        kept: assets we no longer want but on which somebody's own chart stands.
        charts: rows and milliseconds of every chart's query, by chart; empty for a plan.
        seconds: time spent per step of the loader.
    """

    create: tuple[str, ...]
    update: tuple[str, ...]
    unchanged: tuple[str, ...]
    prune: tuple[str, ...]
    kept: tuple[str, ...]
    charts: Mapping[str, Mapping[str, int]]
    seconds: Mapping[str, float]

    def lines(self) -> list[str]:
        """Return one line per asset that changes, and a count of those that do not."""
        named = (
            ("新增", self.create),
            ("更新", self.update),
            ("删除", self.prune),
            ("保留（他人仍在使用）", self.kept),
        )
        changes = [f"{word} {key}" for word, keys in named for key in keys]
        return [*changes, f"未变 {len(self.unchanged)} 项"]


def publish(
    server: SupersetServer,
    *,
    database_uri: str,
    admin_password_file: Path,
    admin_name: str = "admin",
    today: date | None = None,
    marts: MartColumns | None = None,
    plan: bool = False,
) -> Published:
    """Bring Superset to what the repository says, then run every chart's query once.

    Args:
        server: the Superset to publish to; it need not be running.
        database_uri: SQLAlchemy URI (`postgresql+psycopg2://…`) of the warehouse's reader, with its password.
        admin_password_file: file with the administrator's password.
        admin_name: the administrator's login name.
        today: a fixed present day (`PARK_NOW`); None lets the windows of charts slide with the clock.
        marts: mart → column → type; default: dbt's contracts.
        plan: only compare, change nothing.

    Raises:
        ThemeError: a theme names something that does not exist.
        SemanticError: a label is missing.
        PublishError: Superset's environment is missing, the bundle was refused, or a chart errs or is empty.
    """
    bundle = build_bundle(read_contracts() if marts is None else marts, today=today)
    access = yaml.safe_load(ROLES_FILE.read_text("utf-8"))
    request = {
        "bundle": bundle,
        "namespace": str(PARK_NAMESPACE),
        "database_uri": database_uri,
        "admin": {
            "username": admin_name,
            "email": f"{admin_name}@park.invalid",
            "password_file": str(admin_password_file),
        },
        "roles": access["roles"],
        "public": access["public"],
        "plan": plan,
    }
    result = run_loader(server, request)
    steps = result["plan"]
    return Published(
        create=tuple(steps["create"]),
        update=tuple(steps["update"]),
        unchanged=tuple(steps["unchanged"]),
        prune=tuple(steps["prune"]),
        kept=tuple(result.get("kept", ())),
        charts=result.get("charts", {}),
        seconds=result["seconds"],
    )


def run_loader(server: SupersetServer, request: Mapping[str, Any]) -> dict[str, Any]:
    """Run the loader in Superset's environment and return its result.

    Raises:
        PublishError: the environment is missing, or the loader failed.
    """
    if not server.python.exists():
        raise PublishError(
            f"{server.python}: Superset's environment is not installed; run `make setup`, "
            f"which syncs it from {ENVIRONMENT_FOLDER / 'uv.lock'}."
        )
    server.state.mkdir(parents=True, exist_ok=True)
    request_file = server.state / "request.json"
    log_file = server.state / "loader.log"
    write_private(request_file, json.dumps(request, ensure_ascii=False))  # it holds the reader's password
    try:
        with log_file.open("w", encoding="utf-8") as log:
            finished = subprocess.run(
                [str(server.python), str(LOADER_FILE), str(request_file)],
                env=process_environment() | server.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=LOADER_TIMEOUT_S,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise PublishError(
            f"Superset's loader did not finish in {LOADER_TIMEOUT_S} s; see {log_file}, and whether the metadata "
            "database answers."
        ) from error
    finally:
        request_file.unlink(missing_ok=True)
    return read_result(finished.stdout, finished.returncode, log_file)


def read_result(output: str, return_code: int, log_file: Path) -> dict[str, Any]:
    """Return the loader's result from what it printed.

    Raises:
        PublishError: it printed an error, or ended without a result.
    """
    if not output.strip():
        written = log_file.read_text("utf-8").strip().splitlines() if log_file.exists() else []
        last = written[-1] if written else "nothing"
        raise PublishError(
            f"Superset's loader ended with code {return_code} and without a result; its last words: {last} "
            f"(all of them: {log_file})."
        )
    result: dict[str, Any] = json.loads(output)
    if not result["ok"]:
        raise PublishError(f"{result['error']}\n(details: {log_file})")
    return result
