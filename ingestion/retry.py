"""The way back out of quarantine: read refused deliveries again, and settle what has found its way since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ingestion import quarantine
from ingestion.landing import Landing, LandingResult
from ingestion.readers import Delivery
from ingestion.source_file import DeliveryKind


@dataclass(frozen=True)
class RetryResult:
    """What a retry did.

    Attributes:
        landed: quarantined rows or deliveries that are in bronze now.
        superseded: those whose file was delivered again with other content.
        cleaned: rows that a new reference row covers now.
        still_waiting: what stays in quarantine.
    """

    landed: int
    superseded: int
    cleaned: int
    still_waiting: int


def retry(landing: Landing, deliveries: Iterable[Delivery], *, silver_table: str, now: datetime) -> RetryResult:
    """Read the stream's refused deliveries again, with the promise and the reference rows of today.

    A row that now keeps the promise goes to bronze, with its first position; rows of the same delivery that landed
    before are not landed twice. Nothing is ever deleted from quarantine: what is settled gets a resolution.

    Args:
        landing: the landing of the stream.
        deliveries: what the source holds now.
        silver_table: the cleaned table, where rows refused for an unknown code appear once the code is registered.
        now: the moment of the retry.
    """
    superseded = quarantine.resolve(landing.lake, _superseded(landing), "superseded", now)
    cleaned = quarantine.resolve(landing.lake, _cleaned(landing, silver_table), "landed", now)
    waiting = _waiting(landing).filter(~_landed_already())
    known = set(waiting.select("_source_uri", "_digest").iter_rows())
    landed = sum(
        _read_again(landing, delivery, waiting.filter(_source_uri=delivery.uri, _digest=delivery.digest), now)
        for delivery in deliveries
        if (delivery.uri, delivery.digest) in known
    )
    return RetryResult(landed, superseded, cleaned, _waiting(landing).height)


def _read_again(landing: Landing, delivery: Delivery, refused: pl.DataFrame, now: datetime) -> int:
    batch_id = delivery.digest[:16]
    if landing.stream.delivery is DeliveryKind.FILES:  # a batch of its own, or what is made from it would not see it
        batch_id = f"{batch_id}-{now:%Y%m%d%H%M%S%f}"
    rows, rejects = landing.conform(delivery, batch_id, LandingResult())
    was_whole = refused["_row_number"].null_count() > 0
    if not was_whole:
        rows = rows.filter(pl.col("_row_number").is_in(refused["_row_number"].implode()))
    still_whole = rejects.height and rejects["_row_number"].null_count() > 0
    if still_whole or (rows.is_empty() and not was_whole):
        return 0
    quarantine.add(landing.lake, rejects)
    if rows.height:
        landing.lake.append(landing.table, rows, landing.stream.partition.columns, {"retried": delivery.uri})
    still_refused = set(rejects["_row_number"]) if rejects.height else set()
    settled = refused.filter(pl.col("_row_number").is_null() | ~pl.col("_row_number").is_in(list(still_refused)))
    return quarantine.resolve(landing.lake, settled, "landed", now)


def _landed_already() -> pl.Expr:
    """Tell of a refused row whether it landed and was refused later, while cleaning or judging."""
    return pl.col("reason_code").str.starts_with("unknown_")


def _waiting(landing: Landing) -> pl.DataFrame:
    return quarantine.open_rows(landing.lake, landing.source.source, landing.stream_name)


def _superseded(landing: Landing) -> pl.DataFrame:
    """Return refused rows of files that came again: later with other content, or the same content by another name."""
    waiting = _waiting(landing)
    if waiting.is_empty() or not landing.lake.exists(landing.table):
        return waiting.clear()
    newest = landing.lake.query(
        "select _source_uri, max(_loaded_at) as newest from landed group by 1", {"landed": landing.table}
    )
    newer = waiting.join(newest, on="_source_uri").filter(pl.col("newest") > pl.col("_loaded_at"))
    names = "select distinct _digest, _source_uri as landed_uri from landed"
    whole = waiting.filter(pl.col("_row_number").is_null())
    renamed = whole.join(landing.lake.query(names, {"landed": landing.table}), on="_digest")
    renamed = renamed.filter(pl.col("landed_uri") != pl.col("_source_uri"))
    return pl.concat([newer.select(waiting.columns), renamed.select(waiting.columns)]).unique(quarantine.KEY)


def _cleaned(landing: Landing, silver_table: str) -> pl.DataFrame:
    """Return rows refused while cleaning that stand in silver now."""
    waiting = _waiting(landing).filter(_landed_already())
    if waiting.is_empty() or not landing.lake.exists(silver_table):
        return waiting.clear()
    position = ["_source_uri", "_row_number"]
    standing = landing.lake.scan(silver_table).select(position).unique().collect()
    return waiting.join(standing, on=position, how="semi")
