"""The report index, and the files it names."""

from __future__ import annotations

from datetime import date

from api.context import Context
from api.database import Connection
from api.reports import repository
from api.reports.errors import ReportAlteredError, ReportFileMissingError, ReportUnknownError, ReportUnsignedError
from api.reports.repository import ReportRow
from api.reports.schemas import Report
from lakehouse.artifacts import ArtifactStore
from lakehouse.warehouse import Role
from security import sm3

CURRENT = "current"
MOST_VERSION = 2**31 - 1


def list_reports(
    context: Context,
    *,
    report_name: str | None,
    since: date | None,
    until: date | None,
    current_only: bool,
    limit: int,
    offset: int,
) -> list[Report]:
    """Return reports, the newest first."""
    with context.database.connection(Role.READER) as connection:
        rows = repository.matching(
            connection,
            report_name=report_name,
            since=since,
            until=until,
            current_only=current_only,
            limit=limit,
            offset=offset,
        )
    return [_report(row) for row in rows]


def get_report(context: Context, report_name: str, business_date: date, version: str) -> Report:
    """Return one version of a report; `version` is a number or `current`.

    Raises:
        ReportUnknownError: there is none.
    """
    with context.database.connection(Role.READER) as connection:
        return _report(_row(connection, report_name, business_date, version))


def read_pdf(context: Context, report_name: str, business_date: date, version: str) -> tuple[Report, bytes]:
    """Return a report's PDF, checked against the digest under which it was issued.

    Raises:
        ReportUnknownError: there is no such report.
        ReportFileMissingError: its file has gone.
        ReportAlteredError: the file is not the one that was issued.
    """
    with context.database.connection(Role.READER) as connection:
        row = _row(connection, report_name, business_date, version)
    content = _file(context.artifacts, row, row.artifact)
    if sm3.digest(content).hex() != row.sm3.lower():
        raise ReportAlteredError(
            f"报告文件 {row.artifact} 的 SM3 摘要与索引不符。",
            remedy="请从备份恢复该文件，或重新出具报告；在此之前不要使用它。",
            artifact=row.artifact,
        )
    return _report(row), content


def read_signature(context: Context, report_name: str, business_date: date, version: str) -> tuple[Report, bytes]:
    """Return the signature of a report.

    Raises:
        ReportUnknownError: there is no such report.
        ReportUnsignedError: it is not signed.
        ReportFileMissingError: the signature's file has gone.
    """
    with context.database.connection(Role.READER) as connection:
        row = _row(connection, report_name, business_date, version)
    if row.signature_artifact is None:
        raise ReportUnsignedError(
            f"{row.title}（{row.business_date} 第 {row.version} 版）没有签名。", remedy="请改用已签名的版本。"
        )
    return _report(row), _file(context.artifacts, row, row.signature_artifact)


def _row(connection: Connection, report_name: str, business_date: date, version: str) -> ReportRow:
    number = None if version == CURRENT else int(version) if version.isascii() and version.isdecimal() else -1
    row = None
    if "\x00" not in report_name and (number is None or 0 <= number <= MOST_VERSION):
        row = repository.find(connection, report_name, business_date, number)
    if row is None:
        raise ReportUnknownError(
            f"没有报告 {report_name} 在 {business_date} 的版本 {version}。",
            remedy=f"已出具的报告见 /v1/reports；版本填序号或 {CURRENT}。",
        )
    return row


def _file(artifacts: ArtifactStore, row: ReportRow, name: str) -> bytes:
    try:
        return artifacts.read(name)
    except FileNotFoundError as error:
        raise ReportFileMissingError(
            f"索引中 {row.title} 的文件 {name} 不存在。", remedy="请从备份恢复该文件，或重新出具报告。", artifact=name
        ) from error


def _report(row: ReportRow) -> Report:
    address = f"/v1/reports/{row.report_name}/{row.business_date}/{row.version}"
    return Report(
        report_name=row.report_name,
        title=row.title,
        business_date=row.business_date,
        version=row.version,
        sm3=row.sm3,
        data_until=row.data_until,
        created_at=row.created_at,
        release=row.release,
        is_current=row.is_current,
        pdf_url=f"{address}/pdf",
        signature_url=f"{address}/signature" if row.signature_artifact else None,
    )
