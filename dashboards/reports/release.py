"""The published marts behind a report, read as one release: all rows belong to the same state of publications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
import psycopg

from dashboards.reports.chinese import moment_words
from dashboards.reports.report_file import Report, ReportError, Source
from lakehouse.warehouse import Role, Warehouse
from security import sm3
from security.canonical_json import canonical_json
from semantic.catalogue import load_catalogue

# A publication may swap the tables while they are read; a reading that saw two releases is thrown away.
_READINGS = 3


@dataclass(frozen=True)
class Release:
    """State of the publications a report is made from.

    Args:
        digest: SM3 over name, fingerprint and hold of each source's publication.
        data_until: up to when the data reach, the latest of the sources.
        held: sentences about sources whose newer data did not pass their checks.
    """

    digest: str
    data_until: datetime
    held: tuple[str, ...]


def read_release(warehouse: Warehouse, report: Report, day: date) -> tuple[dict[str, pl.DataFrame], Release]:
    """Return the sources' rows and the release they all belong to.

    Args:
        warehouse: where the published marts are.
        report: whose sources are read.
        day: the business date.

    Raises:
        ReportError: a source is not published, or publications went on during every reading.
    """
    before = _release(warehouse, report)
    for _ in range(_READINGS):
        marts = {source.mart: _read(warehouse, source, day) for source in report.sources}
        after = _release(warehouse, report)
        if after.digest == before.digest:
            return marts, after
        before = after
    message = f"{report.report}, {day}: the marts were published anew each time they were read; issue the report later."
    raise ReportError(message)


def _read(warehouse: Warehouse, source: Source, day: date) -> pl.DataFrame:
    table = f"published.{source.mart}"
    if source.days is None:
        return warehouse.read(Role.READER, f"select * from {table}")  # noqa: S608 - the name is checked snake case
    query = f"select * from {table} where business_date > %s and business_date <= %s"  # noqa: S608
    return warehouse.read(Role.READER, query, (day - timedelta(days=source.days), day))


def _release(warehouse: Warehouse, report: Report) -> Release:
    names = [source.mart for source in report.sources]
    query = (
        "select mart_name, fingerprint, data_until, held_since, held_reason from published.publications "
        "where mart_name = any(%s) order by mart_name"
    )
    try:
        with warehouse.connect(Role.READER) as connection:
            rows = connection.execute(query, (names,)).fetchall()
    except psycopg.errors.UndefinedTable as refusal:
        message = f"{report.report}: nothing has been published yet; build and publish the marts first."
        raise ReportError(message) from refusal
    lacking = sorted(set(names) - {row[0] for row in rows})
    if lacking:
        message = f"{report.report}: {', '.join(lacking)} is not published; build and publish it, then issue again."
        raise ReportError(message)
    reaches = [row[2] for row in rows if row[2] is not None]
    if not reaches:
        message = f"{report.report}: no source says up to when its data reach; give a suite a time_column."
        raise ReportError(message)
    state = [{"mart": row[0], "fingerprint": row[1], "held_since": row[3]} for row in rows]
    held = tuple(_held_words(row[0], row[3]) for row in rows if row[3] is not None)
    return Release(sm3.digest(canonical_json({"publications": state})).hex(), max(reaches), held)


def _held_words(mart: str, since: datetime) -> str:
    label = load_catalogue().vocabulary.marts.get(mart)
    name = mart if label is None else label.zh
    return (
        f"暂缓发布：数据集“{name}”自{moment_words(since)}起的更新未通过质量校核，暂不发布；"
        "本报告依据此前通过校核的数据编制。"
    )
