"""When things run, in Asia/Shanghai, each with its reason."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ingestion.source_file import RunBy, Source, load_sources
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.jobs import ingest_job_name
from orchestration.partitions import partition_range
from orchestration.pending import pending_days
from orchestration.platform import Platform


def schedules() -> list[dg.ScheduleDefinition]:
    """Return one schedule per source."""
    return [_hourly(source) for source in load_sources().values()]


def sensors(
    ingest_jobs: list[UnresolvedAssetJobDefinition], build_job: UnresolvedAssetJobDefinition
) -> list[dg.SensorDefinition]:
    """Return what follows from other runs."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=ingest_jobs,
        request_job=build_job,
        name="build_after_ingest",
        description="来源入仓成功后建模并发布。Build and publish once a source has been loaded.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def build_after_ingest(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        if "park/started_by" in context.dagster_run.tags:
            return dg.SkipReason("`park run` builds by itself once all sources are in.")
        return dg.RunRequest(run_key=context.dagster_run.run_id)

    return [build_after_ingest]


def _hourly(source: Source) -> dg.ScheduleDefinition:
    (run_by,) = {stream.partition.run_by for stream in source.streams.values()}

    @dg.schedule(
        job_name=ingest_job_name(source.source),
        cron_schedule="20 * * * *",
        name=f"hourly_{source.source}",
        execution_timezone=PARK_TIME_ZONE.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            f"{source.title.zh}每小时 20 分取数：整点数据此时已到齐。"
            "Twenty past every hour: by then the hour's deliveries have arrived."
        ),
    )
    def hourly(platform: Platform) -> dg.RunRequest:
        return dg.RunRequest(tags=partition_range(RunBy(run_by), pending_days(platform, source)))

    return hourly
