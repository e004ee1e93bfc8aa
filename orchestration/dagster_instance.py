"""Dagster's own state: runs, events and schedules in the database `dagster` of the warehouse's cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import yaml

from lakehouse.home import Home, write_private
from lakehouse.settings import process_environment
from lakehouse.warehouse import Role, Warehouse

RUNS_KEPT_DAYS = 30
TICKS_KEPT_DAYS = 7


def write_instance(home: Home, warehouse: Warehouse) -> None:
    """Write `dagster.yaml`; it carries a password, so only the owner may read it."""
    url = warehouse.url(Role.DAGSTER, driver="psycopg2", database="dagster").render_as_string(hide_password=False)
    config = {
        "storage": {"postgres": {"postgres_url": url}},
        "run_coordinator": {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"},
        "concurrency": {"runs": {"max_concurrent_runs": 1}},  # one writer per lake partition
        "run_retries": {"enabled": True, "max_retries": 1},
        "retention": {
            "schedule": {"purge_after_days": TICKS_KEPT_DAYS},
            "sensor": {"purge_after_days": TICKS_KEPT_DAYS},
        },
        "telemetry": {"enabled": False},
        "compute_logs": {
            "module": "dagster.core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(home.logs / "runs")},
        },
    }
    write_private(home.dagster / "dagster.yaml", yaml.safe_dump(config))


def migrate(home: Home) -> None:
    """Create or upgrade Dagster's tables, once per version: a parallel first start would damage them."""
    marker = home.dagster / "migrated_to"
    if marker.exists() and marker.read_text("utf-8") == dg.__version__ and _same_database(home):
        return
    program = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [str(program), "instance", "migrate"],
        env=dagster_environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = f"{home.dagster}: `dagster instance migrate` failed: {done.stderr.strip()[-600:]}"
        raise RuntimeError(message)
    marker.write_text(dg.__version__, "utf-8")
    (home.dagster / "migrated_database").write_text(_database(home), "utf-8")


def dagster_environment(home: Home) -> dict[str, str]:
    """Return the environment of Dagster's processes."""
    return {**process_environment(), "DAGSTER_HOME": str(home.dagster), "PYTHONWARNINGS": "ignore"}


def _same_database(home: Home) -> bool:
    marker = home.dagster / "migrated_database"
    return marker.exists() and marker.read_text("utf-8") == _database(home)


def _database(home: Home) -> str:
    """Return what tells one metadata database from another: the cluster's own folder, or the server's address."""
    version = home.postgres / "PG_VERSION"
    return f"{home.postgres}:{version.stat().st_mtime_ns}" if version.exists() else "external"
