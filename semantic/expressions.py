"""Reading the SQL of a metric without a database: which columns it uses, and that it is an aggregate."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import duckdb

AGGREGATES = frozenset(
    {
        *("count", "count_star", "sum", "avg", "min", "max", "stddev", "stddev_samp", "stddev_pop", "variance"),
        *("var_samp", "var_pop", "percentile_cont", "percentile_disc", "mode", "bool_or", "bool_and", "string_agg"),
        *("quantile_cont", "quantile_disc", "corr", "regr_slope", "array_agg"),
    }
)


class ExpressionError(ValueError):
    """An expression that is not one SQL aggregate over columns."""


@cache
def _tree(expression: str) -> dict[str, Any]:
    """Parse one expression with DuckDB's parser, which reads the PostgreSQL dialect we use."""
    with duckdb.connect() as connection:
        row = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT ({expression})"]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row is not None else {}
    if tree.get("error"):
        raise ExpressionError(f"{expression!r} is not SQL: {tree.get('error_message', 'cannot be parsed')}")
    return tree


def _nodes(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a JSON tree
    if isinstance(value, dict):
        return [value, *(node for child in value.values() for node in _nodes(child))]
    if isinstance(value, list):
        return [node for child in value for node in _nodes(child)]
    return []


def columns_of(expression: str) -> tuple[str, ...]:
    """Return the columns an aggregate uses, in order of appearance.

    Args:
        expression: one SQL expression in PostgreSQL's dialect.

    Raises:
        ExpressionError: it does not parse, holds several columns or a subquery, names a column with its table,
            or does not aggregate.
    """
    tree = _tree(expression)
    statements = tree["statements"]
    select_list = statements[0]["node"].get("select_list", []) if len(statements) == 1 else []
    if len(select_list) != 1:
        raise ExpressionError(f"{expression!r} must be one expression")
    nodes = _nodes(select_list)
    if any(node.get("class") == "SUBQUERY" for node in nodes):
        raise ExpressionError(f"{expression!r} holds a subquery; let dbt compute it as a column of the mart")
    names = [node["column_names"] for node in nodes if node.get("class") == "COLUMN_REF"]
    if any(len(name) != 1 for name in names):
        raise ExpressionError(f"{expression!r} names a column with its table; write the column alone")
    if select_list[0].get("function_name") == "row":
        raise ExpressionError(f"{expression!r} must be one expression")
    functions = {str(node.get("function_name", "")).lower() for node in nodes}
    if not functions & AGGREGATES:
        raise ExpressionError(f"{expression!r} does not aggregate; a metric is a sum, a count, a mean …")
    return tuple(dict.fromkeys(name[0] for name in names))
