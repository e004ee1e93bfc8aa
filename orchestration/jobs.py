"""The jobs: one per source brings its data into the warehouse, one builds, checks and publishes.

They are apart for two reasons. A source that fails leaves the others and the publication alone. And Dagster plans one
event per asset and partition of a run: kept together, every mart was planned once per month of history.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.source_file import load_sources
from orchestration.assets.trust import suites_by_group
from orchestration.platform import Platform
from quality.publishing import hold_group

BUILD_JOB = "build_and_publish"


def ingest_job_name(source: str) -> str:
    """Return the name of a source's job."""
    return f"ingest_{source}"


@dg.failure_hook(required_resource_keys={"platform"})
def hold_what_failed(context: dg.HookContext) -> None:
    """Mark what is published as held back: something before the publication has failed, so newer data wait."""
    platform: Platform = context.resources.platform
    step = context.op.name
    with platform.warehouse() as warehouse:
        for group, suites in suites_by_group().items():
            if step in {"dbt_models", f"publish_{group}"} or any(f"{s.mart}_is_trusted" in step for s in suites):
                hold_group(warehouse, suites, held_at=platform.present, reason=f"步骤 {step} 未通过")


def ingest_jobs() -> list[UnresolvedAssetJobDefinition]:
    """Return one job per source: from its stream to the warehouse's schema raw."""
    return [
        dg.define_asset_job(
            ingest_job_name(source.source),
            selection=dg.AssetSelection.assets(*(["bronze", source.slug(name)] for name in source.streams)).downstream()
            & dg.AssetSelection.key_prefixes("bronze", "silver", "raw"),
            description=f"{source.title.zh}：入湖、清洗、装入仓库。{source.title.en}: land, clean, load.",
        )
        for source in load_sources().values()
    ]


def build_job() -> UnresolvedAssetJobDefinition:
    """Return the job that builds the models, checks the marts and publishes what is trusted."""
    return dg.define_asset_job(
        BUILD_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.key_prefixes("bronze", "silver", "raw"),
        hooks={hold_what_failed},
        description="建模、校核、发布：通过校核的数据集才对读者可见。Build, check, publish.",
    )
