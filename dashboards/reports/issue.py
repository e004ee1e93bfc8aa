"""Issuing: a report is rendered from published marts, signed, stored and listed; what was shown is never replaced.

The same release gives the same report, so issuing twice changes nothing. A changed release makes the next version,
which says that it replaces the one before; the old version stays where it is and its row points to the new one.
Where the release changed but not a word of this report, no version is made: a correction that corrects nothing would
only unsettle its readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg

from dashboards.reports.release import Release, read_release
from dashboards.reports.render import Replaced, ReportData, Stamp, render_report
from dashboards.reports.report_file import Content, Report, ReportError, load_content, load_report
from dashboards.reports.signature import sign_report, signature_file
from lakehouse.artifacts import ArtifactStore
from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import Role, Warehouse
from security import sm3
from security.key_provider import KeyProvider

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
    is_new: bool = False


def issue_report(  # noqa: PLR0917
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
        message = (
            f"{report_name}, {business_date}: the day ends at {ended_at.isoformat()}; issue its report afterwards."
        )
        raise ReportError(message)
    marts, release = read_release(warehouse, report, business_date)
    content = load_content(report)(marts, business_date)
    with warehouse.connect(Role.PUBLISHER) as connection:
        # Two runs that issue at the same moment must not both make the next version.
        connection.execute("select pg_advisory_xact_lock(hashtext('published.reports'))")
        connection.execute(INDEX)
        issue = _Issue(connection, store, keys, report, content, release, business_date, issued_at.astimezone(UTC))
        standing = issue.standing()
        return standing if standing is not None and issue.still_stands(standing) else issue.next_after(standing)


@dataclass(frozen=True)
class _Issue:
    """One run of issuing, inside its transaction."""

    connection: psycopg.Connection[Any]
    store: ArtifactStore
    keys: KeyProvider
    report: Report
    content: Content
    release: Release
    business_date: date
    issued_at: datetime

    def standing(self) -> IssuedReport | None:
        """Return the version that readers see as the current one."""
        row = self.connection.execute(
            "select version, artifact, signature_artifact, sm3, release, data_until from published.reports "
            "where report_name = %s and business_date = %s and is_current",
            (self.report.report, self.business_date),
        ).fetchone()
        return None if row is None else IssuedReport(self.report.report, self.business_date, *row)

    def still_stands(self, standing: IssuedReport) -> bool:
        """Tell whether the standing version is still right, and put back its files where the store lost them."""
        stamp = Stamp(
            standing.release, standing.data_until, standing.version, self._replaced_by(standing), self.release.held
        )
        again = self._render(stamp)
        says_the_same = sm3.digest(again).hex() == standing.sm3
        if standing.release != self.release.digest and not says_the_same:
            return False
        lost = [name for name in (standing.artifact, standing.signature_artifact) if not self.store.exists(name)]
        if lost and not says_the_same:
            message = (
                f"{', '.join(lost)}: an issued report is missing in the artifact store and cannot be rendered to the "
                "same bytes again, because template, fonts or Typst have changed. Restore the store from its backup."
            )
            raise ReportError(message)
        if standing.artifact in lost:
            self.store.write(standing.artifact, again)
        if standing.signature_artifact in lost:
            signature = sign_report(again, self.keys, signed_at=self.issued_at)
            self.store.write(standing.signature_artifact, signature_file(signature))
        return True

    def next_after(self, standing: IssuedReport | None) -> IssuedReport:
        """Render, sign, store and list the first version, or the one that supersedes `standing`."""
        version = 1 if standing is None else standing.version + 1
        replaces = None if standing is None else Replaced(standing.version, standing.sm3)
        release = self.release
        pdf = self._render(Stamp(release.digest, release.data_until, version, replaces, release.held))
        signature = sign_report(pdf, self.keys, signed_at=self.issued_at)
        name = f"reports/{self.report.report}/{self.business_date.isoformat()}/v{version}"
        issued = IssuedReport(
            report_name=self.report.report,
            business_date=self.business_date,
            version=version,
            artifact=f"{name}.pdf",
            signature_artifact=f"{name}.sig.json",
            sm3=signature["sm3"],
            release=release.digest,
            data_until=release.data_until,
            is_new=True,
        )
        # The files come before the row: a run killed in between leaves files that nobody lists, and the next run
        # writes them again.
        self.store.write(issued.artifact, pdf)
        self.store.write(issued.signature_artifact, signature_file(signature))
        self._list(issued)
        return issued

    def _list(self, issued: IssuedReport) -> None:
        self.connection.execute(
            "update published.reports set is_current = false, superseded_by = %s "
            "where report_name = %s and business_date = %s and is_current",
            (issued.version, issued.report_name, issued.business_date),
        )
        self.connection.execute(
            "insert into published.reports (report_name, title, business_date, version, artifact, signature_artifact, "
            "sm3, data_until, created_at, release, is_current) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)",
            (
                issued.report_name,
                self.report.title,
                issued.business_date,
                issued.version,
                issued.artifact,
                issued.signature_artifact,
                issued.sm3,
                issued.data_until,
                self.issued_at,
                issued.release,
            ),
        )

    def _render(self, stamp: Stamp) -> bytes:
        return render_report(self.report, ReportData(self.business_date, stamp, self.content))

    def _replaced_by(self, standing: IssuedReport) -> Replaced | None:
        row = self.connection.execute(
            "select version, sm3 from published.reports where report_name = %s and business_date = %s and version < %s "
            "order by version desc limit 1",
            (standing.report_name, standing.business_date, standing.version),
        ).fetchone()
        return None if row is None else Replaced(*row)
