"""Rendering: content and template become a PDF whose bytes depend on nothing but the release.

No clock, no system font, no network: the only fonts are those of `dashboards/fonts`, the PDF's dates are the data
cut-off, and Typst numbers its objects in the order of the document. PDF/A-2b (ISO 19005-2), so that an archive may
keep it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import typst

from dashboards.fonts import our_fonts
from dashboards.reports.chinese import day_words, moment_words, weekday_words
from dashboards.reports.report_file import REPORTS_FOLDER, Content, Report, ReportError

PDF_STANDARD: Final = "a-2b"
_KEYWORDS = re.compile(rb"<pdf:Keywords>([^<]*)</pdf:Keywords>")


@dataclass(frozen=True)
class Replaced:
    """The version that a correction replaces."""

    version: int
    sm3: str


@dataclass(frozen=True)
class Stamp:
    """What identifies one version of a report.

    Args:
        release: digest of the publications it was made from.
        data_until: up to when the data reach; with a time zone.
        version: 1 for the first.
        replaces: the version before, for a correction.
        held: sentences about sources whose newer data did not pass their checks.
    """

    release: str
    data_until: datetime
    version: int = 1
    replaces: Replaced | None = None
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportData:
    """All that a template gets: the day, the stamp and the content by section."""

    business_date: date
    stamp: Stamp
    content: Content


def render_report(report: Report, data: ReportData) -> bytes:
    """Render one report as PDF/A-2b; the same arguments give the same bytes.

    Raises:
        ReportError: a section or a part it needs is missing or empty, or the template refused the data.
    """
    _require_sections(report, data)
    moment = data.stamp.data_until.astimezone(UTC)
    try:
        pdf, warnings = typst.compile_with_warnings(
            str(report.template),
            root=str(REPORTS_FOLDER if report.folder.is_relative_to(REPORTS_FOLDER) else report.folder.parent),
            font_paths=our_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=PDF_STANDARD,
            timestamp=int(moment.timestamp()),
            sys_inputs={"data": json.dumps(_template_data(report, data), ensure_ascii=False, allow_nan=False)},
        )
    except typst.TypstError as refusal:
        message = f"{report.template}, {data.business_date}: Typst refused the report: {refusal}. Correct the template."
        raise ReportError(message) from refusal
    if warnings:  # an unknown font or a dropped character would change what people read
        said = "; ".join(warning.message for warning in warnings)
        message = f"{report.template}, {data.business_date}: Typst warns: {said}. Correct the template or the fonts."
        raise ReportError(message)
    return bytes(pdf)


def identity(report: Report, data: ReportData) -> dict[str, str]:
    """Return what the PDF says about itself: report, business date, version, release, template."""
    return {
        "report": report.report,
        "business_date": data.business_date.isoformat(),
        "version": str(data.stamp.version),
        "release": data.stamp.release,
        "template": report.template_version,
    }


def identity_in(pdf: bytes) -> dict[str, str]:
    """Return what a PDF of ours says about itself, empty when it says nothing."""
    found = _KEYWORDS.search(pdf)
    if found is None:
        return {}
    words = (word.strip() for word in found.group(1).decode("utf-8", "replace").split(","))
    return dict(word.split(":", 1) for word in words if ":" in word)


def _template_data(report: Report, data: ReportData) -> dict[str, Any]:
    stamp, moment = data.stamp, data.stamp.data_until.astimezone(UTC)
    return {
        "title": report.title,
        "issuer": report.issuer,
        "day": day_words(data.business_date),
        "weekday": weekday_words(data.business_date),
        "issue_year": data.business_date.year,
        "issue_number": data.business_date.timetuple().tm_yday,
        "cut_off": moment_words(stamp.data_until),
        "cut_off_parts": [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second],
        "release": stamp.release,
        "version": stamp.version,
        "replaces": None if stamp.replaces is None else {"version": stamp.replaces.version, "sm3": stamp.replaces.sm3},
        "template_version": report.template_version,
        "held": list(stamp.held),
        "keywords": [f"{key}:{value}" for key, value in identity(report, data).items()],
        "sections": [
            {"name": each.section, "title": each.title, **data.content[each.section]} for each in report.sections
        ],
    }


def _require_sections(report: Report, data: ReportData) -> None:
    for section in report.sections:
        content = data.content.get(section.section, {})
        for part in section.needs:
            if _is_empty(content.get(part)):
                message = (
                    f"{report.report}, {data.business_date}, section {section.section}: {part} is empty. "
                    "A report with an empty section is not issued; "
                    "check that the published marts hold this day, publish them, then issue again."
                )
                raise ReportError(message)


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Mapping | list | tuple):
        return len(value) == 0
    return value is None
