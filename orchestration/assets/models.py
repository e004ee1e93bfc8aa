"""dbt models as assets, keyed by their table: ["marts", "fct_air_quality_hourly"] is marts.fct_air_quality_hourly."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from lakehouse.home import Home, write_private
from lakehouse.settings import PROJECT_ROOT
from lakehouse.warehouse import Role, Warehouse
from orchestration.assets.quality import ensure_quality_tables
from orchestration.assets.reported import ensure_raw_tables
from orchestration.assets.telemetry import ensure_telemetry_tables
from orchestration.assets.vehicles import ensure_vehicle_tables
from orchestration.platform import Platform

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
DBT_THREADS = 2


class MissingManifestError(FileNotFoundError):
    """The dbt manifest has not been built yet."""


def require_manifest(path: Path) -> Path:
    """Return `path`; definitions never parse the dbt project themselves, because importing connects to nothing.

    Raises:
        MissingManifestError: with the command that builds it.
    """
    if not path.exists():
        message = f"{path} is missing; run `make setup` (or `park prepare`) to build it."
        raise MissingManifestError(message)
    return path


class TableKeys(DagsterDbtTranslator):
    """Asset keys equal schema and table; groups and owners come from dbt's groups."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return [schema, name], for sources as for models."""
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Seeds are the group `reference`; models take the domain folder they lie in."""
        if dbt_resource_props["resource_type"] == "seed":
            return "reference"
        folder = dbt_resource_props["fqn"][2:-1]
        return str(folder[0]) if folder else None

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """Everything dbt builds is kept by the data team; the mart's own owner is its dbt group's."""
        return ["team:data"]


def model_assets(manifest: Path) -> dg.AssetsDefinition:
    """Return one multi-asset for all seeds, models and their tests."""

    @dbt_assets(
        manifest=require_manifest(manifest),
        dagster_dbt_translator=TableKeys(settings=DagsterDbtTranslatorSettings(enable_asset_checks=True)),
        name="dbt_models",
    )
    def build_models(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[Any]:
        command = ["build", "--vars", f"{{park_now: '{platform.present.isoformat()}'}}"]
        with platform.warehouse() as warehouse:
            ensure_telemetry_tables(warehouse)
            ensure_vehicle_tables(warehouse)
            ensure_quality_tables(warehouse)
            ensure_raw_tables(warehouse)  # a source that has never been read must not stop the others
            dbt = dbt_cli(platform.home, warehouse)
            yield from dbt.cli(command, context=context, target_path=target_folder(platform.home)).stream()

    return build_models


def target_folder(home: Home) -> Path:
    """Return the folder of dbt's manifest and compiled SQL; one folder, so that dbt parses only what changed."""
    return home.dbt / "target"


def dbt_cli(home: Home, warehouse: Warehouse | None) -> DbtCliResource:
    """Return dbt with a profile for `warehouse`; without one, for parsing only.

    The profile carries the builder's password, so it lies in PARK_HOME, readable by the owner only.
    """
    url = warehouse.url(Role.BUILDER) if warehouse else None
    output = {
        "type": "postgres",
        "host": url.host if url else "127.0.0.1",
        "port": (url.port or 5432) if url else 5432,
        "user": Role.BUILDER.value,
        "password": str(url.password) if url else "",
        "dbname": "park",
        "schema": "staging",
        "threads": DBT_THREADS,
    }
    profile = {"park": {"target": "warehouse", "outputs": {"warehouse": output}}}
    write_private(home.dbt / "profiles.yml", yaml.safe_dump(profile))
    return DbtCliResource(
        project_dir=str(DBT_PROJECT),
        profiles_dir=str(home.dbt),
        dbt_executable=str(Path(sys.executable).with_name("dbt")),
        global_config_flags=["--no-use-colors"],
    )


def build_manifest(home: Home) -> Path:
    """Parse the dbt project and return the manifest; nothing is done while the project's files are the same."""
    manifest = target_folder(home) / "manifest.json"
    marker = target_folder(home) / "parsed_from"
    digest = _project_digest()
    if manifest.exists() and marker.exists() and marker.read_text("utf-8") == digest:
        return manifest
    dbt_cli(home, None).cli(["parse", "--quiet"], target_path=target_folder(home)).wait()
    marker.write_text(digest, "utf-8")
    return manifest


def _project_digest() -> str:
    digest = hashlib.sha256(version("dbt-core").encode())
    for path in sorted(path for path in DBT_PROJECT.rglob("*") if path.is_file()):
        digest.update(path.relative_to(DBT_PROJECT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
