"""What has arrived and is not landed yet: the range of partitions that a run must touch."""

from __future__ import annotations

from datetime import date, timedelta

from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ingestion.landing import Landing
from ingestion.readers import DayRange, SourceUnavailableError
from ingestion.source_file import Source, load_sources
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.assets.sources import READERS
from orchestration.platform import Platform


def pending_days(platform: Platform) -> DayRange:
    """Return the business dates from the oldest unknown delivery to today, and at least the look-back window.

    Every delivery is compared by its content, so a late or corrected file of years ago is found; a source that cannot
    be reached is left to its own asset, which will be red.
    """
    today = platform.present.astimezone(PARK_TIME_ZONE).date()
    first = today
    for source in load_sources().values():
        for stream_name, stream in source.streams.items():
            first = min(first, today - stream.look_back, *_unknown_days(platform, source, stream_name, today))
    return DayRange(first, today)


def partition_range(days: DayRange) -> dict[str, str]:
    """Return the run tags that select the monthly partitions of `days`."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: days.first.replace(day=1).isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: days.last.replace(day=1).isoformat(),
    }


def _unknown_days(platform: Platform, source: Source, stream_name: str, today: date) -> list[date]:
    stream = source.streams[stream_name]
    landing = Landing(platform.lake, source, stream_name, platform.present)
    known = landing.known_digests()
    everything = DayRange(stream.partition.first, today + timedelta(days=1))
    try:
        deliveries = READERS[source.reader](platform, source.location).deliveries(source, stream, everything)
        return [delivery.day for delivery in deliveries if delivery.day and delivery.digest not in known][:1]
    except SourceUnavailableError:
        return []
