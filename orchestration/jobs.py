"""The main job and its schedule: from the sources to what readers see."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.assets.trust import suites_by_group
from orchestration.platform import Platform
from quality.publishing import hold_group

MAIN_JOB = "main"


@dg.failure_hook(required_resource_keys={"platform"})
def hold_what_failed(context: dg.HookContext) -> None:
    """Mark what is published as held back: something before the publication has failed, so newer data wait."""
    platform: Platform = context.resources.platform
    step = context.op.name
    with platform.warehouse() as warehouse:
        for group, suites in suites_by_group().items():
            hold_group(warehouse, suites, held_at=platform.present, reason=f"{group}：步骤 {step} 失败")


def main_job() -> UnresolvedAssetJobDefinition:
    """Return the job over all assets, from the sources to the screens."""
    return dg.define_asset_job(
        MAIN_JOB,
        selection=dg.AssetSelection.all(),
        hooks={hold_what_failed},
        description="从来源系统到读者界面的全流程。The whole way from the sources to what readers see.",
    )
