"""Through the warehouse: the published row, the mart, and every model and source table it is built from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import sql

from lakehouse.warehouse import Role, Warehouse
from orchestration.trace.steps import Step, Target, TraceError

SAMPLE_ROWS = 3


def read_manifest(path: Path) -> dict[str, Any]:
    """Return dbt's manifest."""
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return manifest


def published_row(warehouse: Warehouse, target: Target) -> tuple[Step, dict[str, Any]]:
    """Return the step of the published row and the row itself.

    Raises:
        TraceError: the mart, the column, or a key column does not exist, or the key finds no row.
    """
    columns = _columns(warehouse, "published", target.mart)
    if not columns:
        marts = warehouse.read(Role.READER, "select mart_name from published.publications order by 1")["mart_name"]
        message = f"没有已发布的数据集 {target.mart!r}；现有：{'、'.join(marts)}。"
        raise TraceError(message)
    for name in (target.column, *target.key):
        if name not in columns:
            message = f"{target.mart} 没有列 {name!r}；现有：{'、'.join(columns)}。"
            raise TraceError(message)
    rows = matching_rows(warehouse, Role.READER, ("published", target.mart), target.key, SAMPLE_ROWS)
    if not rows:
        message = f"{target.mart} 中没有满足 {target.key} 的行。"
        raise TraceError(message)
    ledger = warehouse.read(
        Role.READER,
        "select published_at, data_until, run_id, is_held, held_reason from published.publications "
        "where mart_name = %s",
        (target.mart,),
    ).row(0, named=True)
    lines = [
        f"{target.column} = {rows[0][target.column]}",
        f"发布于 {ledger['published_at']}，数据截至 {ledger['data_until']}",
        f"发布该数据的运行 {ledger['run_id']}",
    ]
    if len(rows) > 1:
        lines.append("该键对应多行，以下按第一行追溯；补全键可唯一确定一行。")
    if ledger["is_held"]:
        lines.append(f"新数据暂缓发布：{ledger['held_reason']}")
    return Step("发布", f"published.{target.mart}", lines), rows[0]


def upstream_models(manifest: Mapping[str, Any], mart: str) -> list[dict[str, Any]]:
    """Return the nodes a mart is built from, the mart itself first, source tables last.

    Raises:
        TraceError: dbt knows no such mart.
    """
    nodes = {**manifest["nodes"], **manifest["sources"]}
    found = next((key for key, node in nodes.items() if node["name"] == mart and node["schema"] == "marts"), None)
    if found is None:
        message = f"dbt 清单中没有 marts.{mart}；执行 make setup 更新清单。"
        raise TraceError(message)
    order: dict[str, None] = {}
    waiting = [found]
    while waiting:
        key = waiting.pop(0)
        order.setdefault(key)
        waiting += [parent for parent in manifest["parent_map"].get(key, []) if parent in nodes]
    return sorted((nodes[key] for key in order), key=lambda node: LAYERS.index(node["schema"]))


LAYERS = ["marts", "intermediate", "staging", "reference", "raw"]


def model_steps(warehouse: Warehouse, nodes: list[dict[str, Any]], target: Target) -> list[Step]:
    """Return one step per model, with the rows behind the figure where the model carries the key."""
    steps = []
    for node in nodes:
        schema, name = node["schema"], node.get("alias") or node["identifier"]
        kind = "源表" if node["resource_type"] == "source" else "种子" if node["resource_type"] == "seed" else "模型"
        step = Step(kind, f"{schema}.{name}", [node["original_file_path"]])
        columns = _columns(warehouse, schema, name)
        known = {column: value for column, value in target.key.items() if column in columns}
        provenance = {"_source_uri", "_row_number"} & set(columns)
        if provenance and len(known) == len(target.key):
            rows = matching_rows(warehouse, Role.BUILDER, (schema, name), known, SAMPLE_ROWS)
            wanted = [*known, target.column, "_source_uri", "_row_number", "_batch_id", "_loaded_at"]
            step.rows.extend({name: row[name] for name in wanted if name in row} for row in rows)
        steps.append(step)
    return steps


def matching_rows(
    warehouse: Warehouse, role: Role, table: tuple[str, str], key: Mapping[str, str], limit: int
) -> list[dict[str, Any]]:
    """Return the rows of a table whose columns, as text or typed, equal the key."""
    conditions = sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in key)
    query = sql.SQL("select * from {}").format(sql.Identifier(*table))
    if key:
        query += sql.SQL(" where ") + conditions
    query += sql.SQL(" limit {}").format(sql.Literal(limit + 1))
    with warehouse.connect(role) as connection:
        connection.execute("set time zone 'Asia/Shanghai'")  # a key without a zone is park time
        cursor = connection.execute(query, [str(value) for value in key.values()])
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns(warehouse: Warehouse, schema: str, table: str) -> list[str]:
    rows = warehouse.read(
        Role.BUILDER if schema != "published" else Role.PUBLISHER,
        "select attname::text as name from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 "
        "and not attisdropped order by attnum",
        (f"{schema}.{table}",),
    )
    return rows["name"].to_list() if rows.height else []
