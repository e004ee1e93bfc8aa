"""Columns and aggregates are read from PostgreSQL's dialect as our metrics write it."""

from __future__ import annotations

import pytest

from semantic.expressions import ExpressionError, columns_of


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("COUNT(*)", ()),
        ("COUNT(*) FILTER (WHERE is_exceeded)", ("is_exceeded",)),
        ("SUM(a)::float8 / NULLIF(SUM(b + a), 0)", ("a", "b")),
        ("percentile_cont(0.9) WITHIN GROUP (ORDER BY o3_8h_max_ug_per_m3)", ("o3_8h_max_ug_per_m3",)),
        ("TO_CHAR(MAX(measured_at) AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')", ("measured_at",)),
        ("CASE WHEN bool_or(x) THEN 1 ELSE MIN(y) END", ("x", "y")),
    ],
)
def test_columns_of_an_aggregate(expression: str, columns: tuple[str, ...]):
    assert columns_of(expression) == columns


@pytest.mark.parametrize("expression", ["a + b", "upper(a)", "MAX(t.a)", "SUM(a), SUM(b)", "SUM(a); SELECT 1", ""])
def test_anything_else_is_refused(expression: str):
    with pytest.raises(ExpressionError):
        columns_of(expression)
