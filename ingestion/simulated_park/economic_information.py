"""The older statistics system: one wide table per form, codes instead of names, everything text, thousand yuan.

Shape after statistics reference §13: `BQ` is the period (six digits), `DWDM` the nine-character organisation code,
`ZB01…` the cells of the form, `SBSJ` the time of submission. January is not reported; February carries the cumulative
value only (§2.1).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ingestion.simulated_park import planted_defects as planted
from ingestion.simulated_park.calendar_months import local_time, month_end, months_from
from ingestion.simulated_park.enterprises import Enterprise
from ingestion.simulated_park.identity_codes import organisation_code
from ingestion.simulated_park.park_economy import MonthlyFigures, same_month_last_year, year_to_date_months
from ingestion.simulated_park.planted_defects import PlantedDefect
from ingestion.simulated_park.sqlite_image import Cell, TableImage

Figures = Mapping[int, Mapping[date, MonthlyFigures]]

OUTPUT_FORM = "BB_B204_1"
RENAMED_ENTERPRISE = 5
RENAMED_ON = date(2024, 1, 1)
_FORMER_NAME = "示范苯酚丙酮有限公司"
_FORMER_ORGANISATION = organisation_code(9005)
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")

# Codes of the 2011 edition of GB/T 4754 where it differs from 2017; registration classes of 2011 likewise.
_INDUSTRY_2011 = {"5941": "5990", "5942": "5990", "5720": "5700", "7452": "7450"}
_REGISTRATION_2011 = {"111": "151", "112": "173", "119": "159", "210": "210", "310": "310"}


@dataclass(frozen=True)
class Measure:
    """One measure of a form and how a month's value is read; `has_month` is False where only totals are reported."""

    name: str
    unit: str
    value: Callable[[MonthlyFigures], float]
    has_month: bool = True
    is_stock: bool = False


FORMS: dict[str, tuple[Measure, ...]] = {
    OUTPUT_FORM: (
        Measure("工业总产值（当年价格）", "千元", lambda month: month.gross_output),
        Measure("工业销售产值（当年价格）", "千元", lambda month: month.sales_output),
        Measure("出口交货值", "千元", lambda month: month.export_delivery),
    ),
    "BB_B203": (
        Measure("营业收入", "千元", lambda month: month.revenue, has_month=False),
        Measure("营业成本", "千元", lambda month: month.cost, has_month=False),
        Measure("利润总额", "千元", lambda month: month.profit, has_month=False),
        Measure("应交增值税", "千元", lambda month: month.vat_payable, has_month=False),
        Measure("平均用工人数", "人", lambda month: month.employees, has_month=False, is_stock=True),
    ),
    "BB_205_1": (
        Measure("综合能源消费量（当量值）", "吨标准煤", lambda month: round(month.energy_tce)),
        Measure("电力消费量", "万千瓦时", lambda month: round(month.electricity_kwh / 10_000)),
        Measure("蒸汽消费量", "吨", lambda month: month.steam_t),
    ),
}
_SLOTS = ("本月", "本年累计", "上年同期本月", "上年同期累计")


@dataclass
class _Row:
    """One submitted form."""

    form: str
    period: str
    unit_code: str
    submitted_at: datetime
    cells: list[str | None]
    serial: int

    def as_cells(self, width: int) -> list[Cell]:
        padding: list[Cell] = [None] * (width - len(self.cells))
        submitted = self.submitted_at.strftime(_TIME_FORMAT)
        unit = "千元" if self.form != "BB_205_1" else "实物量"
        return [self.serial, self.period, self.unit_code, unit, *self.cells, *padding, submitted, "simulated"]


def economic_information_tables(
    enterprises: Sequence[Enterprise], figures: Figures, *, first: date, last: date, present: datetime, seed: int
) -> tuple[list[TableImage], list[PlantedDefect]]:
    """Return the tables of the older system and what was planted in them.

    Args:
        enterprises: The park's enterprises.
        figures: True monthly figures by enterprise number; at least from a year before `first`'s January on.
        first: First reported month.
        last: Last reported month.
        present: Nothing submitted later is there yet.
        seed: Seed of the simulated park.
    """
    rows = [
        _reported(form, enterprise, figures[enterprise.number], month=month, seed=seed)
        for enterprise in enterprises
        for month in months_from(first, last)
        for form in FORMS
        if month.month > 1 and (form != OUTPUT_FORM or enterprise.is_industrial)
    ]
    defects = _plant(rows, enterprises, figures, first=first, last=last, seed=seed)
    visible = [row for row in rows if row.submitted_at <= present]
    seen = {(row.form, row.period, row.unit_code, row.serial) for row in visible}
    tables = [_units_table(enterprises, first), _dictionary_table()]
    tables += [_form_table(form, [row for row in visible if row.form == form]) for form in FORMS]
    return tables, [
        defect
        for defect in defects
        if defect.table == "QY_JBXX" or (defect.table, defect.key["BQ"], defect.key["DWDM"], defect.key["XH"]) in seen
    ]


def unit_code_in(enterprise: Enterprise, month: date) -> str:
    """Return the organisation code under which the older system knew an enterprise in a month."""
    if enterprise.number == RENAMED_ENTERPRISE and month < RENAMED_ON:
        return _FORMER_ORGANISATION
    return enterprise.organisation_code


def _reported(
    form: str,
    enterprise: Enterprise,
    figures: Mapping[date, MonthlyFigures],
    *,
    month: date,
    seed: int,
) -> _Row:
    cells: list[str | None] = []
    for measure in FORMS[form]:
        base_month = same_month_last_year(month)
        # Some firms restate last year's base themselves; official growth uses their base (§0 decision 1).
        restated = 1.015 if enterprise.number % 6 == 4 else 1.0
        now, base = (_month_and_total(measure, figures, moment) for moment in (month, base_month))
        is_split = measure.has_month and month.month > 2
        cells += [
            str(round(now[0])) if is_split else None,
            str(round(now[1])),
            str(round(base[0] * restated)) if is_split else None,
            str(round(base[1] * restated)),
        ]
    chance = random.Random(f"{seed}/submitted/{form}/{enterprise.number}/{month}")
    # The monthly flash report is filed on the month's last days.
    submitted_at = local_time(
        month_end(month) - timedelta(days=chance.randrange(3)),
        hour=chance.randrange(9, 18),
        minute=chance.randrange(60),
        second=chance.randrange(60),
    )
    serial = int(f"{month:%Y%m}{list(FORMS).index(form) + 1}{enterprise.number:03d}0")
    return _Row(form, f"{month:%Y%m}", unit_code_in(enterprise, month), submitted_at, cells, serial)


def _month_and_total(measure: Measure, figures: Mapping[date, MonthlyFigures], month: date) -> tuple[float, float]:
    values = [measure.value(figures[past]) for past in year_to_date_months(month)]
    return values[-1], sum(values) / len(values) if measure.is_stock else sum(values)


def _plant(
    rows: list[_Row], enterprises: Sequence[Enterprise], figures: Figures, *, first: date, last: date, seed: int
) -> list[PlantedDefect]:
    """Spoil a handful of output forms per calendar year, in place, and return what is right."""
    industrial = [enterprise for enterprise in enterprises if enterprise.is_industrial]
    by_key = {(row.period, row.unit_code): row for row in rows if row.form == OUTPUT_FORM}
    defects: list[PlantedDefect] = []

    def note(year: int, kind: str, row: _Row, **truth: object) -> None:
        key: dict[str, str | int] = {"XH": row.serial, "BQ": row.period, "DWDM": row.unit_code}
        defects.append(PlantedDefect(f"EI-{year}-{kind}", kind, OUTPUT_FORM, key, truth))

    for year in range(first.year, last.year + 1):
        chance = random.Random(f"{seed}/planted/{year}")
        spoiled = chance.sample(industrial, 7)
        months = [date(year, chance.randrange(3, 13), 1) for _ in range(5)]
        kinds = (
            planted.UNIT_SLIP,
            planted.FULL_WIDTH_DIGITS,
            planted.DUPLICATE_SUBMISSION,
            planted.CORRECTED_SUBMISSION,
            planted.BROKEN_ORGANISATION_CODE,
        )
        for kind, enterprise, month in zip(kinds, spoiled, months, strict=False):
            row = by_key.get((f"{month:%Y%m}", unit_code_in(enterprise, month)))
            if row is not None:
                spoiled_row, truth = _spoil(kind, row, rows)
                note(year, kind, spoiled_row, **truth)
        january, february = date(year, 1, 1), date(year, 2, 1)
        row = by_key.get((f"{february:%Y%m}", unit_code_in(spoiled[5], february)))
        if row is not None:
            note(year, planted.FEBRUARY_NOT_CUMULATIVE, row, ZB02=row.cells[1])
            row.cells[1] = str(figures[spoiled[5].number][february].gross_output)
        row = by_key.get((f"{february:%Y%m}", unit_code_in(spoiled[6], february)))
        if row is not None:
            submitted_at = local_time(month_end(january), hour=16)
            zero = _Row(OUTPUT_FORM, f"{january:%Y%m}", row.unit_code, submitted_at, ["0"] * 12, row.serial + 3)
            rows.append(zero)
            note(year, planted.ZERO_JANUARY, zero, rows=0)
    defects += _renamed(enterprises, first=first, last=last)
    return defects


def _renamed(enterprises: Sequence[Enterprise], *, first: date, last: date) -> list[PlantedDefect]:
    """Return the note on the firm that the older system keeps as two units, when the period has both."""
    if not first < RENAMED_ON <= last:
        return []
    firm = enterprises[RENAMED_ENTERPRISE - 1]
    truth = {"DWDM": firm.organisation_code, "renamed_on": RENAMED_ON.isoformat()}
    return [PlantedDefect("EI-rename", planted.RENAMED_UNIT, "QY_JBXX", {"DWDM": _FORMER_ORGANISATION}, truth)]


def _spoil(kind: str, row: _Row, rows: list[_Row]) -> tuple[_Row, dict[str, object]]:
    """Apply one defect to one row; return the row that is wrong now and what is right."""
    right: dict[str, object] = {
        f"ZB{place:02d}": cell for place, cell in enumerate(row.cells, start=1) if cell is not None
    }
    if kind == planted.UNIT_SLIP:
        row.cells = [None if cell is None else str(round(int(cell) / 10)) for cell in row.cells]
        return row, {"unit": "万元", **right}
    if kind == planted.FULL_WIDTH_DIGITS:
        row.cells = [None if cell is None else cell.translate(_FULL_WIDTH) for cell in row.cells]
        return row, right
    if kind == planted.BROKEN_ORGANISATION_CODE:
        right_code = row.unit_code
        row.unit_code = right_code[:-1] + ("0" if right_code[-1] != "0" else "1")
        return row, {"DWDM": right_code}
    again = _Row(row.form, row.period, row.unit_code, row.submitted_at, list(row.cells), row.serial + 1)
    rows.append(again)
    again.submitted_at += timedelta(days=6, hours=1)
    if kind == planted.CORRECTED_SUBMISSION:
        # The first submission left out a late batch; the second is right.
        row.cells[0], row.cells[1] = (str(round(int(cell or 0) * 0.97)) for cell in (row.cells[0], row.cells[1]))
        return row, {"XH": again.serial, **right}
    return again, {"XH": row.serial}


def _units_table(enterprises: Sequence[Enterprise], first: date) -> TableImage:
    rows: list[list[Cell]] = []
    for enterprise in enterprises:
        rest: list[Cell] = [
            _INDUSTRY_2011.get(enterprise.industry_code, enterprise.industry_code),
            _REGISTRATION_2011[enterprise.registration_class],
            f"化工区{enterprise.zone.zone_name}",
            enterprise.contact_name,
            enterprise.contact_phone,
        ]
        rows.append([enterprise.organisation_code, enterprise.name, *rest, "正常", "simulated"])
        if enterprise.number == RENAMED_ENTERPRISE and first < RENAMED_ON:
            rows.append([_FORMER_ORGANISATION, _FORMER_NAME, *rest, "停报", "simulated"])
    columns = ("DWDM", "DWMC", "HYDM", "ZCLX", "DZ", "LXR", "LXDH", "ZT", "data_origin")
    return TableImage("QY_JBXX", dict.fromkeys(columns, "text"), ("DWDM",), rows)


def _dictionary_table() -> TableImage:
    rows: list[list[Cell]] = []
    for form, measures in FORMS.items():
        for place, (measure, slot) in enumerate(((measure, slot) for measure in measures for slot in _SLOTS), start=1):
            rows.append([form, f"ZB{place:02d}", f"{measure.name}_{slot}", measure.unit, "simulated"])
    columns = ("BBDM", "ZBDM", "ZBMC", "JLDW", "data_origin")
    return TableImage("ZB_ZD", dict.fromkeys(columns, "text"), ("BBDM", "ZBDM"), rows)


def _form_table(form: str, rows: Sequence[_Row]) -> TableImage:
    width = len(FORMS[form]) * len(_SLOTS)
    cells = [f"ZB{place:02d}" for place in range(1, width + 1)]
    names = ("BQ", "DWDM", "JLDW", *cells, "SBSJ", "data_origin")
    return TableImage(
        form,
        {"XH": "integer", **dict.fromkeys(names, "text")},
        ("XH",),
        [row.as_cells(width) for row in sorted(rows, key=lambda row: row.serial)],
    )
