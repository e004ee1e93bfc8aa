"""The way back out of quarantine: what can be used lands once, what was replaced is settled, the rest waits."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from ingestion import quarantine
from ingestion.landing import Landing
from ingestion.retry import RetryResult, retry
from tests.unit.ingestion.landing.conftest import EVERY_DAY, Park

NOW = datetime(2026, 3, 11, 4, tzinfo=UTC)
SILVER = "silver/iot_archive__air_readings"


def read_again(park: Park, landing: Landing | None = None) -> RetryResult:
    landing = landing or park.landing
    deliveries = park.archive.deliveries(park.source, park.source.streams["air_readings"], EVERY_DAY)
    return retry(landing, deliveries, silver_table=SILVER, now=NOW)


def landed(park: Park) -> pl.DataFrame:
    return park.lake.scan("bronze/iot_archive__air_readings").collect()


def test_a_row_refused_as_future_lands_once_its_time_has_come(park: Park) -> None:
    rows = park.readings("2026-03-10", hours=range(11, 15))  # the park's noon is the present: two rows lie ahead
    park.put("2026-03-10.parquet", rows)
    park.land()
    assert landed(park).height + quarantine.count(park.lake) == rows.height
    refused = quarantine.count(park.lake)
    assert refused > 0
    later = Landing(park.lake, park.source, "air_readings", NOW)
    assert read_again(park, later) == RetryResult(landed=refused, superseded=0, cleaned=0, still_waiting=0)
    assert landed(park)["_row_number"].sort().to_list() == list(range(1, rows.height + 1))


def test_what_is_still_wrong_waits_and_nothing_lands_twice(park: Park) -> None:
    rows = park.readings().with_columns(
        value=pl.when(pl.int_range(pl.len()) == 3).then(float("nan")).otherwise("value")
    )
    park.put("2026-03-01.parquet", rows)
    park.land()
    for _ in range(2):
        assert read_again(park).still_waiting == 1
    assert landed(park).height == rows.height - 1


def test_a_file_delivered_anew_settles_what_its_first_version_left(park: Park) -> None:
    park.put("2026-03-01.parquet", park.readings().rename({"value": "reading"}))
    park.land()
    assert quarantine.count(park.lake) == 1
    park.put("2026-03-01.parquet", park.readings())
    park.land()
    assert read_again(park) == RetryResult(landed=0, superseded=1, cleaned=0, still_waiting=0)
    kept = park.lake.scan(quarantine.TABLE).collect()
    assert kept.height == 1, "what was settled stays in the table, with its resolution beside it"


def test_a_file_that_was_only_named_wrongly_is_settled_and_lands_once(park: Park) -> None:
    wrong = park.put("2026-02-30.parquet", park.readings())
    park.land()
    assert quarantine.count(park.lake) == 1
    wrong.rename(wrong.with_name("2026-03-01.parquet"))
    park.land()
    assert read_again(park) == RetryResult(landed=0, superseded=1, cleaned=0, still_waiting=0)
    assert landed(park).height == park.readings().height
