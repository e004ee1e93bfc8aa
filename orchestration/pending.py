"""What has arrived and is not landed yet: the range of business dates that a run must touch."""

from __future__ import annotations

from datetime import date, timedelta

from ingestion.landing import Landing
from ingestion.readers import DayRange, SourceUnavailableError
from ingestion.source_file import DeliveryKind, Source
from ingestion.standing import StandingRows
from lakehouse.settings import PARK_TIME_ZONE
from orchestration.assets import reported, telemetry, vehicles, vitals
from orchestration.assets.sources import READERS
from orchestration.platform import Platform


def pending_days(platform: Platform, source: Source) -> DayRange:
    """Return the business dates from the oldest thing to do to today, and at least the look-back window.

    To do is every delivery that is not known yet, and every piece whose inputs changed since it was computed or loaded.
    Deliveries are compared by their content, so a late or corrected file of years ago is found. A feed of changes is
    not asked: its reader goes on where the newest record stands, less the look-back. A source that cannot be reached is
    left to its own asset, which will be red.
    """
    today = platform.present.astimezone(PARK_TIME_ZONE).date()
    first = today
    for stream_name, stream in source.streams.items():
        first = min(first, today - stream.look_back, *_oldest_unknown(platform, source, stream_name, today))
    stale = [reported.oldest_stale_day(platform, source)]
    if source.source == vitals.SOURCE.source:
        stale.append(vitals.oldest_stale_day(platform))
    if source.source in telemetry.SOURCES:
        stale.append(telemetry.oldest_stale_day(platform))
    if source.source == vehicles.SOURCE.source:
        stale.append(vehicles.oldest_stale_day(platform))
    first = min([first, *(day for day in stale if day is not None)])
    return DayRange(max(first, min(s.partition.first for s in source.streams.values())), today)


def _oldest_unknown(platform: Platform, source: Source, stream_name: str, today: date) -> list[date]:
    stream = source.streams[stream_name]
    if stream.delivery is DeliveryKind.CHANGES:
        newest = StandingRows(platform.lake, source, stream_name).newest_moment()
        return [stream.partition.first] if newest is None else []
    known = Landing(platform.lake, source, stream_name, platform.present).known_deliveries()
    everything = DayRange(stream.partition.first, today + timedelta(days=1))
    try:
        for delivery in READERS[source.reader](platform, source.location).deliveries(source, stream, everything):
            first = delivery.day or delivery.month or delivery.filed_under
            if first is not None and not known.has(delivery):
                return [first]
    except SourceUnavailableError:
        return []
    return []
