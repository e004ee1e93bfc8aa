"""Trust and publication: blocking checks on marts, then one publication per group."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.platform import Platform
from quality.checks import check_mart
from quality.publishing import publish_group
from quality.suites import Suite, load_suites


def suites_by_group() -> dict[str, list[Suite]]:
    """Return the suites of every publication group."""
    groups: dict[str, list[Suite]] = defaultdict(list)
    for suite in load_suites().values():
        groups[suite.group].append(suite)
    return dict(groups)


def trust_checks() -> list[dg.AssetChecksDefinition]:
    """Return one blocking check per mart."""
    return [_check(suite) for suite in load_suites().values()]


def publication_assets() -> list[dg.AssetsDefinition]:
    """Return one multi-asset per group; it runs only when every check of the group has passed."""
    return [_publication(group, suites) for group, suites in suites_by_group().items()]


def _links(platform: Platform) -> dict[str, dg.MetadataValue]:
    """Return where a steward can look at what was published, of the pages that run now."""
    addresses = platform.home.addresses()
    return {name: dg.MetadataValue.url(addresses[name]) for name in ("superset", "api") if name in addresses}


def _check(suite: Suite) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["marts", suite.mart],
        name=f"{suite.mart}_is_trusted",
        blocking=True,
        description=f"发布前校核 {suite.mart}（quality/expectations/{suite.mart}.yaml），不通过则不发布。",
    )
    def is_trusted(platform: Platform) -> dg.AssetCheckResult:
        with platform.warehouse() as warehouse:
            findings = check_mart(warehouse, suite)
        failed = [finding for finding in findings if not finding.passed]
        lines = [f"- {finding.says}：{finding.unexpected or ''} {finding.examples}" for finding in failed]
        return dg.AssetCheckResult(
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR,
            description="\n".join(lines) or f"{len(findings)} 条期望全部通过",
            metadata={"expectations": len(findings), "failed": len(failed)},
        )

    return is_trusted


def _publication(group: str, suites: Sequence[Suite]) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            ["published", suite.mart],
            deps=[["marts", suite.mart]],
            group_name="published",
            kinds={"postgres"},
            owners=["team:data"],
            description=f"读者可见的 {suite.mart}：校核通过后整组发布。What readers see, published by group.",
        )
        for suite in suites
    ]

    # Every asset of the group needs every mart of the group, so that one failed check holds back the whole group.
    marts = [dg.AssetKey(["marts", suite.mart]) for suite in suites]

    @dg.multi_asset(specs=[spec.merge_attributes(deps=marts) for spec in specs], name=f"publish_{group}")
    def publish(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
        with platform.warehouse() as warehouse:
            publications = publish_group(warehouse, suites, published_at=platform.present, run_id=context.run_id)
        for publication in publications:
            yield dg.MaterializeResult(
                asset_key=["published", publication.mart],
                metadata={
                    "dagster/row_count": publication.row_count,
                    "changed": publication.changed,
                    "data_until": str(publication.data_until or ""),
                    **_links(platform),
                },
            )

    return publish
