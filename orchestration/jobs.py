"""The jobs: one per source brings its data into the warehouse, one builds, checks and publishes.

They are apart for two reasons. A source that fails leaves the others and the publication alone. And Dagster plans one
event per asset and partition of a run: kept together, every mart was planned once per month of history.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.source_file import Source, load_sources
from orchestration.assets import quality
from orchestration.assets.trust import suites_by_group
from orchestration.platform import Platform
from orchestration.telemetry.streams import reading_streams
from quality.publishing import hold_group

BUILD_JOB = "build_and_publish"
COUNTED_LAST = dg.AssetSelection.assets(quality.KEY)  # what waits in quarantine, once every source has been read
BEFORE_CHECKS = {quality.quarantine_reason_counts.op.name, "dbt_models"}


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
            if step in {*BEFORE_CHECKS, f"publish_{group}"} or any(f"{s.mart}_is_trusted" in step for s in suites):
                hold_group(warehouse, suites, held_at=platform.present, reason=f"步骤 {step} 未通过")


def ingest_jobs() -> list[UnresolvedAssetJobDefinition]:
    """Return one job per source: from its stream to the warehouse's schema raw.

    A stream that follows another in telemetry is judged by that one's job, which plans by days.
    """
    followers = {stream.source for stream in reading_streams() if stream.follows is not None}
    return [_ingest_job(source, follows=source.source in followers) for source in load_sources().values()]


def _ingest_job(source: Source, *, follows: bool) -> UnresolvedAssetJobDefinition:
    streams = dg.AssetSelection.assets(*(["bronze", source.slug(name)] for name in source.streams))
    brought_in = dg.AssetSelection.key_prefixes("bronze", "silver", "raw") - COUNTED_LAST
    selection = streams.downstream() & brought_in
    return dg.define_asset_job(
        ingest_job_name(source.source),
        selection=selection - dg.AssetSelection.groups("telemetry") if follows else selection,
        description=f"{source.title.zh}：入湖、清洗、装入仓库。{source.title.en}: land, clean, load.",
    )


def build_job() -> UnresolvedAssetJobDefinition:
    """Return the job that builds the models, checks the marts and publishes what is trusted."""
    return dg.define_asset_job(
        BUILD_JOB,
        selection=(dg.AssetSelection.all() - dg.AssetSelection.key_prefixes("bronze", "silver", "raw")) | COUNTED_LAST,
        hooks={hold_what_failed},
        description="建模、校核、发布：通过校核的数据集才对读者可见。Build, check, publish.",
    )
