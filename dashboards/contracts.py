"""The columns of published marts, read from dbt's contracts: what themes are checked against, without a database."""

from __future__ import annotations

from pathlib import Path

import yaml

from lakehouse.settings import PROJECT_ROOT

MARTS_FOLDER = PROJECT_ROOT / "dbt_project" / "models" / "marts"

# The ledger of publications is no model: publishing itself writes it beside the marts.
LEDGER = {
    "publications": {
        "mart_name": "text",
        "mart_group": "text",
        "published_at": "timestamp with time zone",
        "data_until": "timestamp with time zone",
        "row_count": "bigint",
        "is_held": "boolean",
        "held_since": "timestamp with time zone",
        "held_reason": "text",
    }
}


def read_contracts(folder: Path = MARTS_FOLDER) -> dict[str, dict[str, str]]:
    """Return mart → column → PostgreSQL type of every contract below `folder`, and of the ledger of publications.

    Raises:
        YAMLError: a contract file is not YAML; dbt says so too.
    """
    marts: dict[str, dict[str, str]] = {}
    for path in sorted(folder.rglob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models") or []:
            marts[model["name"]] = {column["name"]: column["data_type"] for column in model.get("columns") or []}
    return marts | LEDGER
