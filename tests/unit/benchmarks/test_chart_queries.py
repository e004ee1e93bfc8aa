"""The SQL behind the charts: every query of every theme is there, with what the page would ask."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.benchmarks.chart_queries import ChartQuery, Dataset, statement_of, theme_queries

HOURS = Dataset(
    "fct_hours",
    {
        "measured_at_local": "measured_at AT TIME ZONE 'Asia/Shanghai'",
        "business_date": '"business_date"',
        "aqi": '"aqi"',
    },
    {"aqi_worst": "max(aqi)"},
)
AXIS = {"label": "measured_at_local", "sqlExpression": "measured_at_local", "timeGrain": "PT1H"}


@pytest.fixture(scope="module")
def queries() -> list[ChartQuery]:
    return theme_queries(date(2026, 11, 22))


def test_a_series_is_grouped_by_its_step_within_its_window():
    query = {
        "columns": [AXIS],
        "metrics": ["aqi_worst"],
        "filters": [{"col": "business_date", "val": "2026-11-20 : 2026-11-23"}],
        "orderby": [],
        "row_limit": 50,
    }
    assert statement_of(query, HOURS) == (
        "select date_trunc('hour', measured_at AT TIME ZONE 'Asia/Shanghai') as \"measured_at_local\", "
        'max(aqi) as "aqi_worst" from published."fct_hours" '
        "where \"business_date\" >= '2026-11-20' and \"business_date\" < '2026-11-23' group by 1 limit 50"
    )


def test_a_single_figure_has_no_group_and_no_window():
    query = {"columns": [], "metrics": ["aqi_worst"], "filters": [{"col": "business_date", "val": "No filter"}]}
    statement = statement_of({**query, "orderby": [], "row_limit": 1}, HOURS)
    assert statement == 'select max(aqi) as "aqi_worst" from published."fct_hours" limit 1'


def test_rows_are_ordered_by_what_is_shown_or_by_another_column():
    query = {"columns": ["aqi"], "filters": [], "orderby": [["aqi", False], ["business_date", True]], "row_limit": 9}
    assert statement_of(query, HOURS).endswith('order by "aqi" desc, "business_date" asc limit 9')


def test_every_chart_has_a_query_that_parses(queries: list[ChartQuery]):
    assert any("group by 1" in query.statement for query in queries)
    assert any(query.chart.startswith("park_overview/park_map_") for query in queries)
    with duckdb.connect() as connection:
        for query in queries:
            answer = connection.execute("select json_serialize_sql(?)", [query.statement]).fetchone()
            assert answer is not None
            assert '"error":false' in answer[0], f"{query.chart}: {query.statement}"


def test_windows_end_with_the_present_day(queries: list[ChartQuery]):
    hourly = next(query for query in queries if query.chart == "park_overview/aqi_hourly_course")
    assert "< '2026-11-23'" in hourly.statement
