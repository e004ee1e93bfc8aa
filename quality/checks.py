"""Trust: run a mart's expectation suite against the built mart, inside PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse.warehouse import Role, Warehouse
from quality.suites import Suite


@dataclass(frozen=True)
class Finding:
    """One expectation's outcome.

    Attributes:
        passed: whether it holds.
        says: the sentence of the expectation, in Chinese.
        unexpected: how many rows break it, where the expectation counts rows.
        examples: a few of the values that break it.
    """

    type: str
    says: str
    passed: bool
    unexpected: int
    examples: list[Any]


def check_mart(warehouse: Warehouse, suite: Suite, schema: str = "marts") -> list[Finding]:
    """Evaluate every expectation of `suite` on `<schema>.<mart>` and return the findings, failed ones first."""
    import great_expectations as gx  # noqa: PLC0415 - the import alone takes eight seconds

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    url = warehouse.url(Role.PUBLISHER, driver="psycopg2").render_as_string(hide_password=False)
    source = context.data_sources.add_postgres("warehouse", connection_string=url)
    try:
        asset = source.add_table_asset(suite.mart, table_name=suite.mart, schema_name=schema)
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        expectations = [
            {"type": rule.type, "kwargs": rule.kwargs, "meta": {"says": rule.says}} for rule in suite.expectations
        ]
        outcome = batch.validate(gx.ExpectationSuite(name=suite.mart, expectations=expectations))
    finally:
        # A connection left open would hold a lock on the mart that dbt wants to replace.
        source.get_execution_engine().close()
    findings = [_finding(result) for result in outcome.results]
    return sorted(findings, key=lambda finding: finding.passed)


def _finding(result: Any) -> Finding:  # noqa: ANN401 - Great Expectations' result type changes between versions
    detail = result.result or {}
    problem = (result.exception_info or {}).get("exception_message")
    examples = list(detail.get("partial_unexpected_list", []))[:5]
    return Finding(
        type=result.expectation_config.type,
        says=result.expectation_config.meta["says"],
        passed=bool(result.success),
        unexpected=int(detail.get("unexpected_count") or 0),
        examples=[problem] if problem else examples or _observed(detail),
    )


def _observed(detail: dict[str, Any]) -> list[Any]:
    return [detail["observed_value"]] if "observed_value" in detail else []
