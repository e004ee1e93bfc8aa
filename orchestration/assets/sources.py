"""Bronze: one asset per stream of every source file, made by one factory."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from ingestion.landing import Landing, LandingResult
from ingestion.readers import Reader, SourceUnavailableError
from ingestion.readers.daily_archive import DailyArchive
from ingestion.readers.database import DatabaseReader
from ingestion.readers.device_keys import decrypt_blocks
from ingestion.readers.hj212_log import Hj212Log
from ingestion.readers.jt808_log import Jt808Log
from ingestion.readers.middle_platform import MiddlePlatformReader
from ingestion.source_file import Source, load_sources
from ingestion.standing import StandingRows
from orchestration.partitions import SINGLE_RUN, days_of, partitions_of
from orchestration.platform import Platform


def _database(platform: Platform, setting: str) -> Reader:
    address, password = platform.source_address(setting), platform.source_password(setting)
    return DatabaseReader(address, setting, platform.present, password, platform.key_provider)


def _middle_platform(platform: Platform, setting: str) -> Reader:
    return MiddlePlatformReader(
        platform.source_address(setting),
        setting,
        platform.settings.middle_platform_client_id,
        platform.middle_platform_secret,
        platform.present,
        lambda source, stream: StandingRows(platform.lake, source, source.name_of(stream)).newest_moment(),
        platform.key_provider,
    )


def _outlets(platform: Platform, setting: str) -> Reader:
    keys = decrypt_blocks(platform.outlet_keys_file)
    return Hj212Log(platform.source_folder(setting), setting, platform.data_origin(setting), keys)


READERS: dict[str, Callable[[Platform, str], Reader]] = {
    "daily_archive": lambda platform, setting: DailyArchive(platform.source_folder(setting), setting),
    "database": _database,
    "hj212_log": _outlets,
    "jt808_log": lambda platform, setting: Jt808Log(
        platform.source_folder(setting), setting, platform.data_origin(setting)
    ),
    "middle_platform": _middle_platform,
}
RETRY = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL)
REPORT_EVERY = 200


def bronze_assets() -> list[dg.AssetsDefinition]:
    """Return the landing assets of all source files."""
    return [_bronze(source, name) for source in load_sources().values() for name in source.streams]


def _bronze(source: Source, stream_name: str) -> dg.AssetsDefinition:
    stream = source.streams[stream_name]
    zone_policy = dg.FreshnessPolicy.time_window(fail_window=stream.fresh_within)

    @dg.asset(
        key=["bronze", source.slug(stream_name)],
        group_name="ingestion",
        kinds={"delta", "polars"},
        owners=[source.owner],
        tags={"source": source.source, "sensitivity": stream.sensitivity},
        description=f"{stream.title.zh}，原样入湖，只追加。{stream.title.en}, as received, append-only.",
        partitions_def=partitions_of(stream.partition.run_by, stream.partition.first),
        backfill_policy=SINGLE_RUN,
        retry_policy=RETRY,
        freshness_policy=zone_policy,
        metadata={"source_file": f"ingestion/sources/{source.source}.yaml"},
    )
    def land(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
        reader = READERS[source.reader](platform, source.location)
        keys = platform.key_provider if stream.personal_columns else None
        landing = Landing(platform.lake, source, stream_name, platform.present, keys)
        seen = 0

        def progress(step: int) -> None:
            nonlocal seen
            seen += step
            if seen % REPORT_EVERY == 0:
                context.log.info(f"{stream.title.zh}：已读 {seen} 份")

        days = days_of(context)
        try:
            result = landing.land(reader.deliveries(source, stream, days), progress, days=days)
        except SourceUnavailableError as error:  # its reader has been patient already; the next hour asks again
            raise dg.Failure(str(error), allow_retries=False) from None
        return dg.MaterializeResult(metadata=_evidence(result))

    return land


def _evidence(result: LandingResult) -> dict[str, dg.MetadataValue]:
    return {
        "dagster/row_count": dg.MetadataValue.int(result.rows_landed),
        "deliveries_landed": dg.MetadataValue.int(result.deliveries_landed),
        "deliveries_known": dg.MetadataValue.int(result.deliveries_known),
        "deliveries_refused": dg.MetadataValue.int(result.deliveries_refused),
        "rows_quarantined": dg.MetadataValue.int(result.rows_refused),
        "quarantine_reasons": dg.MetadataValue.json(result.refusals),
    }
