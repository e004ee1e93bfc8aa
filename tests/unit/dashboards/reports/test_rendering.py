"""From content to a PDF: the same release gives the same bytes, an empty section gives none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from dashboards.reports.render import Replaced, ReportData, Stamp, identity_in, render_report
from dashboards.reports.report_file import Report, ReportError, load_content, load_report, report_names

DAY = date(2026, 11, 20)
MakeMarts = Callable[..., dict[str, pl.DataFrame]]
STAMP = Stamp("5a" * 32, datetime(2026, 11, 20, 15, tzinfo=UTC))


@pytest.fixture(scope="module")
def report() -> Report:
    return load_report("air_quality_daily")


@pytest.fixture
def data(report: Report, make_marts: MakeMarts) -> ReportData:
    return ReportData(DAY, STAMP, load_content(report)(make_marts(), DAY))


def test_the_same_release_gives_the_same_bytes(report: Report, data: ReportData):
    assert render_report(report, data) == render_report(report, data)


def test_another_release_is_another_document_and_says_so(report: Report, data: ReportData):
    other = replace(data, stamp=replace(STAMP, release="6b" * 32, version=2, replaces=Replaced(1, "ab" * 32)))
    pdf = render_report(report, other)
    assert pdf != render_report(report, data)
    assert identity_in(pdf) == {
        "report": "air_quality_daily", "business_date": "2026-11-20", "version": "2", "release": "6b" * 32,
        "template": report.template_version,
    }  # fmt: skip


def test_it_is_an_archival_pdf_with_our_fonts_only_dated_by_the_data(report: Report, data: ReportData):
    pdf = render_report(report, data)
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    fonts = set(re.findall(rb"/BaseFont/([A-Z]{6}\+[A-Za-z-]+)", pdf))
    assert {font.split(b"+")[1].removesuffix(b"-Identity-H") for font in fonts} <= {
        b"NotoSansSC-Regular",
        b"NotoSansSC-Bold",
    }
    assert fonts
    assert b"<xmp:CreateDate>2026-11-20T15:00:00Z</xmp:CreateDate>" in pdf
    assert b"D:20261120150000Z" in pdf


@pytest.mark.parametrize(
    ("section", "part", "value"),
    [("summary", "sentences", []), ("stations", "rows", []), ("station_map", "svg", " "), ("notes", "items", None)],
)
def test_an_empty_part_fails_and_names_its_section(
    report: Report, data: ReportData, section: str, part: str, value: object
):
    data.content[section][part] = value
    with pytest.raises(ReportError, match=rf"air_quality_daily, 2026-11-20, section {section}: {part} is empty"):
        render_report(report, data)


def test_a_missing_section_fails(report: Report, data: ReportData):
    del data.content["gaps"]
    with pytest.raises(ReportError, match="section gaps: sentences is empty"):
        render_report(report, data)


def test_a_broken_template_names_its_file(report: Report, data: ReportData, tmp_path: Path):
    (tmp_path / "air_quality_daily").mkdir()
    (tmp_path / "air_quality_daily" / "template.typ").write_text("#unknown-word", "utf-8")
    broken = report.model_copy(update={"folder": tmp_path / "air_quality_daily"})
    with pytest.raises(ReportError, match=r"template\.typ, 2026-11-20: Typst refused the report: unknown variable"):
        render_report(broken, data)


def test_the_clock_of_a_template_is_the_data_cut_off(report: Report, data: ReportData, tmp_path: Path):
    (tmp_path / "air_quality_daily").mkdir()
    template = "#assert(datetime.today().year() == 2001)\n#set document(date: datetime.today())"
    (tmp_path / "air_quality_daily" / "template.typ").write_text(template, "utf-8")
    other = report.model_copy(update={"folder": tmp_path / "air_quality_daily"})
    stamp = replace(STAMP, data_until=datetime(2001, 5, 1, tzinfo=UTC))
    assert render_report(other, replace(data, stamp=stamp)).startswith(b"%PDF")


def test_a_font_we_do_not_ship_is_refused_instead_of_replaced(report: Report, data: ReportData, tmp_path: Path):
    (tmp_path / "air_quality_daily").mkdir()
    template = '#set document(date: datetime(year: 2026, month: 1, day: 1))\n#set text(font: "Some Other Font")\n园区'
    (tmp_path / "air_quality_daily" / "template.typ").write_text(template, "utf-8")
    other = report.model_copy(update={"folder": tmp_path / "air_quality_daily"})
    with pytest.raises(ReportError, match="unknown font family: some other font"):
        render_report(other, data)


def test_a_character_our_fonts_lack_is_refused_instead_of_printed_as_a_box(report: Report, data: ReportData):
    data.content["stations"]["rows"][0]["name"] = "𰻞空气站"
    with pytest.raises(ReportError, match="𰻞"):
        render_report(report, data)


def test_every_report_folder_is_in_order():
    for name in report_names():
        assert callable(load_content(load_report(name)))


def test_an_unknown_report_lists_the_known_ones():
    with pytest.raises(ReportError, match="no report 'water_daily'; the reports are: air_quality_daily"):
        load_report("water_daily")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("report: air_quality_daily", "report: other"), "calls itself 'other'"),
        (("cadence: daily", "cadence: sometimes"), "cadence"),
        (("section: gaps", "section: notes"), "notes is named twice"),
    ],
)
def test_a_faulty_report_file_is_explained(report: Report, tmp_path: Path, change: tuple[str, str], said: str):
    folder = tmp_path / "air_quality_daily"
    folder.mkdir()
    text = (report.folder / "report.yaml").read_text("utf-8")
    (folder / "report.yaml").write_text(text.replace(*change), "utf-8")
    with pytest.raises(ReportError, match=said):
        load_report("air_quality_daily", tmp_path)
