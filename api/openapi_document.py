"""The OpenAPI description of the API, as committed in `api/openapi.json`.

Write it anew after a change of the API: `python -m api.openapi_document`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.map.schemas import FeatureCollection
from api.marts.schemas import RowPage
from api.problems import Problem

OPENAPI_FILE = Path(__file__).with_name("openapi.json")
# Answers that are written without FastAPI's own rendering are described all the same.
_FURTHER_SCHEMAS = (Problem, RowPage, FeatureCollection)


def openapi_document(application: FastAPI) -> dict[str, Any]:
    """Return the description of an application, schemas of hand-written answers included."""
    document = get_openapi(
        title=application.title,
        version=application.version,
        description=application.description,
        routes=application.routes,
        tags=application.openapi_tags,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in _FURTHER_SCHEMAS:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def openapi_text(application: FastAPI) -> str:
    """Return the description as the text of the committed file."""
    return json.dumps(openapi_document(application), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    from api.application import describe_application

    OPENAPI_FILE.write_text(openapi_text(describe_application()), "utf-8")
