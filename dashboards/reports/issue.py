"""Issuing: a report is rendered from published marts, signed, stored and listed; what was shown is never replaced.

The same release gives the same report, so issuing twice changes nothing. A changed release makes the next version,
which says that it replaces the one before; the old version stays where it is and its row points to the new one.
Where the release changed but not a word of this report, no version is made: a correction that corrects nothing would
only unsettle its readers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from dashboards.reports.chinese import moment_words
from dashboards.reports.render import Replaced, ReportData, Stamp, render_report
from dashboards.reports.report_file import Content, Report, ReportError, Source, load_content, load_report
from dashboards.reports.signature import sign_report, signature_file
from lakehouse.artifacts import ArtifactStore
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import Role, Warehouse
from security import sm3
from security.canonical_json import canonical_json
from security.key_provider import KeyProvider
from semantic.catalogue import load_catalogue

INDEX = """
create table if not exists published.reports (
    report_name text not null,
    title text not null,
    business_date date not null,
    version integer not null,
    artifact text not null,
    signature_artifact text not null,
    sm3 text not null,
    data_until timestamptz not null,
    created_at timestamptz not null,
    release text not null,
    is_current boolean not null,
    superseded_by integer,
    primary key (report_name, business_date, version)
);
comment on table published.reports is
    'One row per version of an issued report; an old version points to the one that superseded it. '
    '每份已签发报告的每个版本一行；旧版本保留并指向替代它的版本。';
"""
# A publication may swap the tables while they are read; a reading that saw two releases is thrown away.
_READINGS = 3


@dataclass(frozen=True)
class IssuedReport:
    """One version of a report as it lies in the store; `is_new` tells whether this call made it."""

    report_name: str
    business_date: date
    version: int
    artifact: str
    signature_artifact: str
    sm3: str
    release: str
    data_until: datetime
    is_new: bool


@dataclass(frozen=True)
class _Release:
    """State of the publications a report is made from."""

    digest: str
    data_until: datetime
    held: tuple[str, ...]


def issue_report(
    warehouse: Warehouse,
    store: ArtifactStore,
    keys: KeyProvider,
    report_name: str,
    business_date: date,
    issued_at: datetime,
) -> IssuedReport:
    """Issue a report of one business date, or return the version that stands.

    Args:
        warehouse: where the published marts are.
        store: where `reports/<name>/<date>/v<n>.pdf` and `.sig.json` go.
        keys: signs with the active key of `report_signing`.
        report_name: name of a folder in `dashboards/reports`.
        business_date: a day (Asia/Shanghai) that has ended.
        issued_at: the moment of issuing, with a time zone.

    Raises:
        ReportError: there is no such report, the day has not ended, a source is not published, or a section is empty.
    """
    report = load_report(report_name)
    ended_at = datetime.combine(business_date + timedelta(days=1), time(), PARK_TIME_ZONE)
    if issued_at < ended_at:
        message = f"{report_name}, {business_date}: the day ends at {ended_at.isoformat()}; issue its report afterwards."
        raise ReportError(message)
    marts, release = _read_stable(warehouse, report, business_date)
    content = load_content(report)(marts, business_date)
    with warehouse.connect(Role.PUBLISHER) as connection:
        # Two runs that issue at the same moment must not both make the next version.
        connection.execute("select pg_advisory_xact_lock(hashtext('published.reports'))")
        connection.execute(INDEX)
        standing = _standing(connection, report_name, business_date)
        if standing is not None and _still_stands(standing, report, content, release, store):
            return standing
        return _issue(connection, store, keys, report, content, release, standing, business_date, issued_at)


def _issue(
    connection: psycopg.Connection[Any],
    store: ArtifactStore,
    keys: KeyProvider,
    report: Report,
    content: Content,
    release: _Release,
    standing: IssuedReport | None,
    business_date: date,
    issued_at: datetime,
) -> IssuedReport:
    version = 1 if standing is None else standing.version + 1
    replaces = None if standing is None else Replaced(standing.version, standing.sm3)
    stamp = Stamp(release.digest, release.data_until, version, replaces, release.held)
    pdf = render_report(report, ReportData(business_date, stamp, content))
    signature = sign_report(pdf, keys, signed_at=issued_at.astimezone(UTC))
    name = f"reports/{report.report}/{business_date.isoformat()}/v{version}"
    # The files come before the row: a run killed in between leaves files that nobody lists and the next run rewrites.
    store.write(f"{name}.pdf", pdf)
    store.write(f"{name}.sig.json", signature_file(signature))
    connection.execute(
        "update published.reports set is_current = false, superseded_by = coalesce(superseded_by, %s) "
        "where report_name = %s and business_date = %s and is_current",
        (version, report.report, business_date),
    )
    connection.execute(
        "insert into published.reports (report_name, title, business_date, version, artifact, signature_artifact, sm3, "
        "data_until, created_at, release, is_current) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)",
        (
            report.report,
            report.title,
            business_date,
            version,
            f"{name}.pdf",
            f"{name}.sig.json",
            signature["sm3"],
            release.data_until,
            issued_at,
            release.digest,
        ),
    )
    return IssuedReport(
        report_name=report.report,
        business_date=business_date,
        version=version,
        artifact=f"{name}.pdf",
        signature_artifact=f"{name}.sig.json",
        sm3=signature["sm3"],
        release=release.digest,
        data_until=release.data_until,
        is_new=True,
    )


def _standing(connection: psycopg.Connection[Any], report_name: str, business_date: date) -> IssuedReport | None:
    row = connection.execute(
        "select version, artifact, signature_artifact, sm3, release, data_until from published.reports "
        "where report_name = %s and business_date = %s and is_current",
        (report_name, business_date),
    ).fetchone()
    return None if row is None else IssuedReport(report_name, business_date, *row, is_new=False)
