# ruff: noqa: ANN401 - Superset ships no types
"""Reconciling: what a bundle of assets creates, updates and prunes in Superset.

Imported inside Superset's application context only: its models need one.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

import yaml
from errors import LoadError
from superset import db
from superset.commands.exceptions import CommandException, CommandInvalidError
from superset.commands.importers.v1.assets import ImportAssetsCommand
from superset.connectors.sqla.models import SqlaTable
from superset.models.core import Database, Theme
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice

OWN_FOLDER = "park/"
# In the order in which assets may be deleted.
MODELS: dict[str, Any] = {"dashboards": Dashboard, "charts": Slice, "datasets": SqlaTable, "databases": Database}


def parse(bundle: dict[str, str], folder: str) -> list[dict[str, Any]]:
    """Return the parsed files of one folder of the bundle."""
    return [yaml.safe_load(text) for path, text in bundle.items() if path.startswith(folder)]


def mark(item: Any) -> tuple[str, str]:
    """Return key and digest of the mark we leave on an asset; empty where there is none."""
    key, _, digest = (item.external_url or "").partition("#")
    return key, digest


def is_ours(item: Any, namespace: UUID) -> bool:
    """Tell whether an asset was made by us: its uuid follows from the key it carries."""
    key, _ = mark(item)
    return bool(key) and uuid5(namespace, key) == item.uuid


def all_new(bundle: dict[str, str]) -> dict[str, list[str]]:
    """Return the plan for a Superset that holds nothing yet."""
    wanted = [item["external_url"].partition("#")[0] for folder in MODELS for item in parse(bundle, folder + "/")]
    return {"create": wanted, "update": [], "unchanged": [], "prune": []}


def compare(bundle: dict[str, str], namespace: UUID) -> dict[str, list[str]]:
    """Return what publishing creates, updates, leaves and prunes, by the keys of the assets."""
    plan: dict[str, list[str]] = {"create": [], "update": [], "unchanged": [], "prune": []}
    for folder, model in MODELS.items():
        wanted = {item["external_url"].partition("#")[0]: item for item in parse(bundle, folder + "/")}
        present = {mark(item)[0]: item for item in db.session.query(model) if is_ours(item, namespace)}
        for key, item in wanted.items():
            if key not in present:
                plan["create"].append(key)
            elif mark(present[key])[1] == item["external_url"].partition("#")[2]:
                plan["unchanged"].append(key)
            else:
                plan["update"].append(key)
        plan["prune"] += [key for key in present if key not in wanted]
    return plan


def import_assets(bundle: dict[str, str], database_uri: str) -> None:
    """Import databases, datasets, charts and dashboards, replacing what is there."""
    contents = {}
    for path, text in bundle.items():
        if path.startswith(OWN_FOLDER):
            continue
        contents[path] = text
        if path.startswith("databases/"):
            contents[path] = yaml.safe_dump(yaml.safe_load(text) | {"sqlalchemy_uri": database_uri})
    try:
        ImportAssetsCommand(contents).run()
    except CommandException as error:
        findings = error.normalized_messages() if isinstance(error, CommandInvalidError) else str(error)
        raise LoadError(f"Superset refused the bundle: {findings}; mend dashboards/build.py or the theme.") from error


def import_looks(bundle: dict[str, str]) -> None:
    """Write our looks as theme rows and give each dashboard its own; the importer does neither."""
    for look in parse(bundle, OWN_FOLDER + "looks/"):
        row = db.session.query(Theme).filter_by(uuid=UUID(look["uuid"])).one_or_none() or Theme(uuid=UUID(look["uuid"]))
        row.theme_name = look["key"]
        row.json_data = json.dumps(look["json_data"], ensure_ascii=False, sort_keys=True)
        db.session.add(row)
    db.session.flush()
    for pair in parse(bundle, OWN_FOLDER + "dashboard_looks/"):
        dashboard = db.session.query(Dashboard).filter_by(uuid=UUID(pair["dashboard"])).one()
        dashboard.theme_id = db.session.query(Theme).filter_by(uuid=UUID(pair["look"])).one().id
    db.session.commit()


def resolve_map_layers(bundle: dict[str, str]) -> None:
    """Replace the uuids of map layers by the numbers they have in this database; the importer does not."""
    for chart in parse(bundle, "charts/"):
        if chart["viz_type"] != "deck_multi":
            continue
        item = db.session.query(Slice).filter_by(uuid=UUID(chart["uuid"])).one()
        params = json.loads(item.params)
        layers = [db.session.query(Slice).filter_by(uuid=UUID(layer)).one() for layer in chart["params"]["deck_slices"]]
        params["deck_slices"] = [layer.id for layer in layers]
        item.params = json.dumps(params, ensure_ascii=False)
    db.session.commit()


def prune(bundle: dict[str, str], namespace: UUID) -> dict[str, list[str]]:
    """Delete our assets that the bundle no longer has; keep a dataset on which somebody's own chart stands."""
    pruned: list[str] = []
    kept: list[str] = []
    for folder, model in MODELS.items():
        wanted = {UUID(item["uuid"]) for item in parse(bundle, folder + "/")}
        for item in [item for item in db.session.query(model) if is_ours(item, namespace) and item.uuid not in wanted]:
            key, _ = mark(item)
            if folder == "datasets" and db.session.query(Slice).filter_by(datasource_id=item.id).count():
                kept.append(key)
                continue
            if folder == "databases" and item.tables:
                kept.append(key)
                continue
            db.session.delete(item)
            pruned.append(key)
        db.session.flush()
    looks = {UUID(look["uuid"]) for look in parse(bundle, OWN_FOLDER + "looks/")}
    for row in db.session.query(Theme).all():
        if row.uuid not in looks and row.theme_name and uuid5(namespace, row.theme_name) == row.uuid:
            db.session.delete(row)
            pruned.append(row.theme_name)
    db.session.commit()
    return {"pruned": pruned, "kept": kept}
