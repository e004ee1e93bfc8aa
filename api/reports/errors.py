"""Refusals about reports."""

from __future__ import annotations

from http import HTTPStatus

from api.problems import ParkError


class ReportUnknownError(ParkError):
    """No such report, day or version."""

    status, code, title = HTTPStatus.NOT_FOUND, "report.unknown", "没有这份报告"


class ReportUnsignedError(ParkError):
    """The report has no signature."""

    status, code, title = HTTPStatus.NOT_FOUND, "report.unsigned", "报告没有签名"


class ReportFileMissingError(ParkError):
    """The index names a file that the artifact store does not hold."""

    status, code, title = HTTPStatus.INTERNAL_SERVER_ERROR, "report.file_missing", "报告文件缺失"


class ReportAlteredError(ParkError):
    """The file is not the one that was issued."""

    status, code, title = HTTPStatus.INTERNAL_SERVER_ERROR, "report.altered", "报告文件与签发时不一致"
