"""SQL over `published.reports`, the index that the report maker writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from api.database import Connection

_EXISTS = "select to_regclass('published.reports') is not null"
_SELECT = (
    "select report_name, title, business_date, version, artifact, signature_artifact, sm3, data_until, created_at, "
    "release, is_current from published.reports "
)


@dataclass(frozen=True)
class ReportRow:
    """One line of the index."""

    report_name: str
    title: str
    business_date: date
    version: int
    artifact: str
    signature_artifact: str | None
    sm3: str
    data_until: datetime | None
    created_at: datetime
    release: str | None
    is_current: bool


def matching(
    connection: Connection,
    *,
    report_name: str | None,
    since: date | None,
    until: date | None,
    current_only: bool,
    limit: int,
    offset: int,
) -> list[ReportRow]:
    """Return reports, the newest first; none before the first one was made."""
    if not _has_index(connection):
        return []
    query = _SELECT + (
        "where (%(report_name)s::text is null or report_name = %(report_name)s) "
        "and (%(since)s::date is null or business_date >= %(since)s) "
        "and (%(until)s::date is null or business_date <= %(until)s) and (not %(current_only)s or is_current) "
        "order by business_date desc, report_name, version desc limit %(limit)s offset %(offset)s"
    )
    values = {
        "report_name": report_name,
        "since": since,
        "until": until,
        "current_only": current_only,
        "limit": limit,
        "offset": offset,
    }
    with connection.cursor(row_factory=class_row(ReportRow)) as cursor:
        return cursor.execute(query, values).fetchall()


def find(connection: Connection, report_name: str, business_date: date, version: int | None) -> ReportRow | None:
    """Return one version of a report, the current one where `version` is None."""
    if not _has_index(connection):
        return None
    query = _SELECT + (
        "where report_name = %s and business_date = %s and (version = %s or (%s::integer is null and is_current)) "
        "order by version desc limit 1"
    )
    with connection.cursor(row_factory=class_row(ReportRow)) as cursor:
        return cursor.execute(query, (report_name, business_date, version, version)).fetchone()


def _has_index(connection: Connection) -> bool:
    row = connection.execute(_EXISTS).fetchone()
    return bool(row and row[0])
