# ruff: noqa: ANN401 - Superset ships no types
"""Verification after publishing: every chart's query runs and has rows, every dashboard reads back as meant.

Imported inside Superset's application context only: its models need one.
"""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

from errors import LoadError
from reconciling import parse
from superset import db
from superset.commands.chart.data.get_data_command import ChartDataCommand
from superset.commands.exceptions import CommandException
from superset.connectors.sqla.models import SqlaTable
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice
from superset.viz import viz_types


def run_chart(item: Any) -> tuple[str | None, int]:
    """Run a chart's query as its page would; return the error, if any, and the number of rows."""
    if item.viz_type in viz_types:
        # A page always sends the filters of its dashboard; a map of several layers hands them on to each.
        form_data = {**item.form_data, "extra_form_data": {}, "extra_filters": []}
        view = viz_types[item.viz_type](datasource=item.datasource, form_data=form_data, force=True)
        payload = view.get_payload()
        errors = [str(error.get("message")) for error in payload.get("errors") or []]
        features = (payload.get("data") or {}).get("features") or []
        rows = sum(len(part) for part in features.values()) if isinstance(features, dict) else len(features)
        return ("; ".join(errors) or payload.get("error"), rows)
    context = item.get_query_context()
    if context is None:
        return ("it has no query", 0)
    context.force = True
    command = ChartDataCommand(context)
    try:
        command.validate()
        queries = command.run()["queries"]
    except CommandException as error:
        return (str(error), 0)
    errors = [str(query["error"]) for query in queries if query.get("error")]
    return ("; ".join(errors) or None, min(query.get("rowcount", 0) for query in queries))


def verify_charts(bundle: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Run every chart once; return rows and milliseconds by the chart's key.

    Raises:
        LoadError: a chart is missing, errs or is empty; all such charts are named.
    """
    found: dict[str, dict[str, Any]] = {}
    wrong: list[str] = []
    for chart in parse(bundle, "charts/"):
        key = chart["external_url"].partition("#")[0]
        item = db.session.query(Slice).filter_by(uuid=UUID(chart["uuid"])).one_or_none()
        if item is None:
            wrong.append(f"{key}: is missing after the import; publish again.")
            continue
        started = time.monotonic()
        error, rows = run_chart(item)
        found[key] = {"rows": rows, "milliseconds": round((time.monotonic() - started) * 1000)}
        if error:
            wrong.append(f"{key}: its query fails: {error}; compare the theme with the mart {item.datasource.name}.")
        elif rows == 0:
            wrong.append(f"{key}: is empty; is the mart {item.datasource.name} published and its window right?")
    if wrong:
        raise LoadError("\n".join(wrong))
    return found


def verify_dashboards(bundle: dict[str, str]) -> None:
    """Read every dashboard back: its charts are ours, its filters point at our datasets and have values.

    Raises:
        LoadError: something differs; all differences are named.
    """
    wrong: list[str] = []
    for wanted in parse(bundle, "dashboards/"):
        key = wanted["external_url"].partition("#")[0]
        dashboard = db.session.query(Dashboard).filter_by(uuid=UUID(wanted["uuid"])).one()
        expected = {part["meta"]["uuid"] for part in wanted["position"].values() if is_chart(part)}
        if {str(chart.uuid) for chart in dashboard.slices} != expected:
            wrong.append(f"{key}: shows other charts than its theme; publish again.")
        stored = json.loads(dashboard.json_metadata)["native_filter_configuration"]
        for native, meant in zip(stored, wanted["metadata"]["native_filter_configuration"], strict=True):
            if native["filterType"] != "filter_select":
                continue
            (target,), (meant_target,) = native["targets"], meant["targets"]
            dataset = db.session.get(SqlaTable, target["datasetId"])
            if dataset is None or str(dataset.uuid) != meant_target["datasetUuid"]:
                wrong.append(f"{key}: filter {native['name']}: points at another dataset; publish again.")
            elif not dataset.values_for_column(target["column"]["name"], limit=1):
                wrong.append(f"{key}: filter {native['name']}: has no values; is {dataset.name} published?")
    if wrong:
        raise LoadError("\n".join(wrong))


def is_chart(part: Any) -> bool:
    """Tell whether a part of a page is a chart."""
    return isinstance(part, dict) and part.get("type") == "CHART"
