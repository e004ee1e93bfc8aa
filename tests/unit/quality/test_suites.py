"""Expectation files: named after their mart, strict, with a sentence a steward can read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quality.suites import SuiteFileError, load_suites

GOOD = """
mart: fct_hours
group: vitals
time_column: measured_at
expectations:
  - type: expect_table_row_count_to_be_between
    kwargs: {min_value: 1}
    says: 不能为空
"""


def write(folder: Path, text: str, name: str = "fct_hours.yaml") -> None:
    (folder / name).write_text(text, "utf-8")


def test_a_suite_is_read_by_its_marts_name(tmp_path: Path):
    write(tmp_path, GOOD)
    suite = load_suites(tmp_path)["fct_hours"]
    assert (suite.group, suite.time_column) == ("vitals", "measured_at")
    assert suite.expectations[0].says == "不能为空"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("says:", "say:"), "say"),
        (GOOD.replace("expect_table", "check_table"), "expect_"),
        (GOOD.split("expectations:", maxsplit=1)[0] + "expectations: []\n", "expectations"),
        (GOOD.replace("group: vitals\n", ""), "group"),
        ("mart: [", "fct_hours.yaml"),
        ("", "fct_hours.yaml"),
    ],
)
def test_a_mistake_names_file_and_place(tmp_path: Path, text: str, says: str):
    write(tmp_path, text)
    with pytest.raises(SuiteFileError) as refusal:
        load_suites(tmp_path)
    assert "fct_hours.yaml" in str(refusal.value)
    assert says in str(refusal.value)


def test_a_file_of_another_name_says_which_it_must_have(tmp_path: Path):
    write(tmp_path, GOOD, "hours.yaml")
    with pytest.raises(SuiteFileError, match=r"must be called fct_hours\.yaml"):
        load_suites(tmp_path)


@pytest.mark.parametrize("suite", load_suites().values(), ids=load_suites())
def test_every_suite_of_the_house_speaks_chinese_and_refuses_an_empty_mart_or_says_why_not(suite):  # noqa: ANN001
    for expectation in suite.expectations:
        assert re.search(r"[\u4e00-\u9fff]", expectation.says)
