"""Puts the way back together, from surface to reading."""

from __future__ import annotations

import dagster as dg

from orchestration.assets.models import target_folder
from orchestration.platform import Platform
from orchestration.trace.models import LAYERS, model_steps, published_row, read_manifest, upstream_models
from orchestration.trace.readings import reading_step, streams_behind
from orchestration.trace.rules import rule_steps
from orchestration.trace.steps import Step, Target
from orchestration.trace.surfaces import columns_of_chart, report_row, surfaces_showing
from orchestration.trace.telemetry import telemetry_steps


def trace_value(platform: Platform, definitions: dg.Definitions, target: Target) -> list[Step]:
    """Return the way back of one value of a published mart.

    Raises:
        TraceError: mart, column or row do not exist.
    """
    with platform.warehouse() as warehouse:
        published, row = published_row(warehouse, target)
        nodes = upstream_models(read_manifest(target_folder(platform.home) / "manifest.json"), target.mart)
        models = model_steps(warehouse, nodes, target)
    raw_tables = [node["identifier"] for node in nodes if node["resource_type"] == "source"]
    streams = {s.table: s for table in raw_tables for s in streams_behind(definitions, table)}
    readings = [reading_step(platform.lake, stream, target) for stream in streams.values()]
    return [
        *surfaces_showing(target.mart, target.column),
        published,
        *rule_steps(target, row),
        *models,
        *telemetry_steps(platform.lake, target, row),
        *(step for step in readings if step is not None),
    ]


def trace_chart(platform: Platform, definitions: dg.Definitions, name: str, key: dict[str, str]) -> list[Step]:
    """Return the way back of a chart: its metrics, its marts' models, and with a key also one row's readings.

    Raises:
        TraceError: chart or row do not exist.
    """
    step, columns = columns_of_chart(name)
    step.lines.append("读取列 " + "、".join(f"{mart}.{column}" for mart, column in columns))
    if key:
        mart, column = _figure(columns)
        return [step, *trace_value(platform, definitions, Target(mart, column, key))]
    manifest = read_manifest(target_folder(platform.home) / "manifest.json")
    nodes = {
        (node["schema"], node["name"]): node["original_file_path"]
        for mart in sorted({mart for mart, _ in columns})
        for node in upstream_models(manifest, mart)
    }
    ordered = sorted(nodes.items(), key=lambda item: (LAYERS.index(item[0][0]), item[0][1]))
    return [step, *(Step("模型", f"{schema}.{name}", [path]) for (schema, name), path in ordered)]


def trace_report(platform: Platform, definitions: dg.Definitions, name: str, key: dict[str, str]) -> list[Step]:
    """Return the way back of an issued report and of its headline figure: the highest daily index of that day.

    Raises:
        TraceError: there is no such report.
    """
    with platform.warehouse() as warehouse:
        step, day = report_row(warehouse, name)
    return [
        step,
        *trace_value(platform, definitions, Target("fct_air_quality_daily", "aqi", {"business_date": day, **key})),
    ]


def _figure(columns: list[tuple[str, str]]) -> tuple[str, str]:
    """Return the column of a chart that is a figure, rather than a name or a time."""
    words = ("_id", "_name", "_date", "_at", "_code", "data_origin")
    return next((pair for pair in columns if not pair[1].endswith(words)), columns[0])
