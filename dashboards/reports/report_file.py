"""The report file: name, title, sections and sources of one report; a folder beside this file adds a report."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from semantic.catalogue import SemanticError, SnakeCase, Words, explain, read_yaml

REPORTS_FOLDER = Path(__file__).resolve().parent
REPORT_FILE = "report.yaml"

Marts: TypeAlias = Mapping[str, pl.DataFrame]
Content: TypeAlias = dict[str, dict[str, Any]]
"""What a report says: section name → its parts, made of JSON values only."""


class ReportError(ValueError):
    """A report that cannot be made; the message names report, day, section or mart, and remedy."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(_Strict):
    """One section; `needs` are the parts without which the report must not appear."""

    section: SnakeCase
    title: Words
    needs: tuple[SnakeCase, ...] = Field(min_length=1)


class Source(_Strict):
    """A published mart; with `days`, only the rows of so many business dates up to the report's day."""

    mart: SnakeCase
    days: int | None = Field(None, ge=1)


class Report(_Strict):
    """One report."""

    report: SnakeCase
    title: Words
    cadence: Literal["daily"]
    issuer: Words
    template_version: Words
    sources: tuple[Source, ...] = Field(min_length=1)
    sections: tuple[Section, ...] = Field(min_length=1)
    folder: Path

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for names in ([each.section for each in self.sections], [each.mart for each in self.sources]):
            repeated = next((name for name in names if names.count(name) > 1), None)
            if repeated is not None:
                message = f"{repeated} is named twice"
                raise ValueError(message)
        return self

    @property
    def template(self) -> Path:
        """The Typst template."""
        return self.folder / "template.typ"


def report_names(folder: Path = REPORTS_FOLDER) -> list[str]:
    """Return the names of all reports."""
    return sorted(path.parent.name for path in folder.glob(f"*/{REPORT_FILE}"))


def load_report(name: str, folder: Path = REPORTS_FOLDER) -> Report:
    """Read one report file.

    Raises:
        ReportError: there is no such report, or its file is not in order.
    """
    path = folder / name / REPORT_FILE
    if not path.is_file():
        known = "、".join(report_names(folder)) or "none"
        raise ReportError(f"{path}: there is no report {name!r}; the reports are: {known}.")
    try:
        content = read_yaml(path)
    except SemanticError as refusal:
        raise ReportError(str(refusal)) from refusal
    try:
        report = Report.model_validate({**content, "folder": path.parent} if isinstance(content, dict) else content)
    except ValidationError as refusal:
        raise ReportError(explain(path, content, refusal)) from refusal
    if report.report != name:
        raise ReportError(f"{path}: the file calls itself {report.report!r}; give folder and report the same name.")
    return report


def load_content(report: Report) -> Callable[[Marts, date], Content]:
    """Return the function that turns marts into the report's content (`content` in the report's `content.py`).

    Raises:
        ReportError: the report's folder has no such function.
    """
    module = f"dashboards.reports.{report.report}.content"
    try:
        function: Callable[[Marts, date], Content] = importlib.import_module(module).content
    except (ModuleNotFoundError, AttributeError) as refusal:
        message = f"{report.folder}: report {report.report} needs content.py with a function content(marts, day)."
        raise ReportError(message) from refusal
    return function
