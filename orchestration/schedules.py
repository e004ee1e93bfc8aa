"""When things run, in Asia/Shanghai, each with its reason."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from lakehouse.settings import PARK_TIME_ZONE
from orchestration.pending import partition_range, pending_days
from orchestration.platform import Platform


def schedules(job: UnresolvedAssetJobDefinition) -> list[dg.ScheduleDefinition]:
    """Return the schedules of the main job."""

    @dg.schedule(
        job=job,
        cron_schedule="20 * * * *",
        name="hourly_main",
        execution_timezone=PARK_TIME_ZONE.key,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=(
            "每小时 20 分取新到数据并发布：空气站小时值在整点后 15 分钟内到齐。"
            "Twenty past every hour: by then the stations' hour has arrived."
        ),
    )
    def hourly_main(context: dg.ScheduleEvaluationContext, platform: Platform) -> dg.RunRequest:
        tags = partition_range(pending_days(platform))
        return dg.RunRequest(run_key=None, tags=tags)

    return [hourly_main]
