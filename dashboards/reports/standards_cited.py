"""The rows of standards a report cites: edition, clause and time in force, from the dated seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import polars as pl

from dashboards.reports.chinese import day_words
from dashboards.reports.report_file import REPORTS_FOLDER, ReportError
from lakehouse.reference import seed_rows
from semantic.catalogue import read_yaml

# Seeds write an unknown beginning as the start of the century before the first standard.
_UNKNOWN_BEGINNING = date(1900, 1, 1)
_BLANKS_IN_CHINESE = re.compile(r"(?<=[一-鿿；，（）])\s+(?=[一-鿿；，（）])")


@dataclass(frozen=True)
class Edition:
    """One edition of a standard in force on a day."""

    standard_code: str
    clauses: tuple[str, ...]
    valid_from: date | None
    valid_to: date | None

    @property
    def words(self) -> str:
        """Code and clauses in Chinese, e.g. GB 3095-2026（过渡期限值）."""
        return f"{self.standard_code}（{self._clauses}）"

    @property
    def dated_words(self) -> str:
        """The same, and from when and until when it is in force as far as that is known."""
        begins = "" if self.valid_from is None else f"自{day_words(self.valid_from)}起施行"
        ends = "" if self.valid_to is None else f"有效期至{day_words(self.valid_to - timedelta(days=1))}"
        return f"{self.standard_code}（{'，'.join(words for words in (self._clauses, begins, ends) if words)}）"

    @property
    def _clauses(self) -> str:
        return "、".join(clause_words(clause) for clause in self.clauses)


def rows_in_force(seed: str, day: date) -> pl.DataFrame:
    """Return the rows of a seed that are valid on a business date (half-open)."""
    begun = pl.col("valid_from").cast(pl.Date) <= day
    ended = pl.col("valid_to").cast(pl.Date) <= day
    return seed_rows(seed).filter(begun & ~ended.fill_null(value=False))


def edition_in_force(seed: str, day: date, **conditions: object) -> Edition:
    """Return the edition that the rows of a seed name for a day.

    Raises:
        ReportError: no row is valid then, or several standards are.
    """
    rows = rows_in_force(seed, day)
    for column, value in conditions.items():
        rows = rows.filter(pl.col(column).is_in(value) if isinstance(value, list | tuple) else pl.col(column) == value)
    codes = rows["standard_code"].unique().to_list()
    if len(codes) != 1:
        found = "no row" if not codes else f"several standards ({', '.join(sorted(codes))})"
        message = f"{seed}, {day}, {conditions}: {found} in force; correct valid_from and valid_to in the seed."
        raise ReportError(message)
    begins, ends = rows["valid_from"].cast(pl.Date).max(), rows["valid_to"].cast(pl.Date).min()
    return Edition(
        standard_code=str(codes[0]),
        clauses=tuple(rows["clause"].unique(maintain_order=True).to_list()),
        valid_from=begins if isinstance(begins, date) and begins > _UNKNOWN_BEGINNING else None,
        valid_to=ends if isinstance(ends, date) else None,
    )


def clause_words(clause: str) -> str:
    """Return a clause of the seeds in Chinese; what has no Chinese wording stays as it is."""
    words = clause
    for english, chinese in _wordings().items():
        words = re.sub(rf"\b{re.escape(english)}\b", chinese, words)
    words = words.replace(";", "；").replace("(", "（").replace(")", "）")
    words = re.sub(r"(表|附录)\s+(?=[0-9A-Z])", r"\1", words)
    return _BLANKS_IN_CHINESE.sub("", words)


@cache
def _wordings() -> dict[str, str]:
    return {str(english): str(chinese) for english, chinese in read_yaml(REPORTS_FOLDER / "clauses.yaml").items()}
