"""Unified social credit codes: spelling, length, alphabet, check character; sums done by hand or by a slow way."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.credit_codes import judged_codes

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# Ones in the first two places, zeros after: 9·1 + 1·3 = 12, 31 − 12 = 19, the twentieth character: K.
BY_HAND = "91000000000000000K"
RIGHT = "91310110666007217T"


def judge(*written: str | None) -> pl.DataFrame:
    return judged_codes(pl.DataFrame({"written": written}, schema={"written": pl.String}), "written")


def issue(written: str | None) -> str | None:
    (found,) = judge(written)["issue_code"].to_list()
    return found


def test_a_check_character_computed_by_hand():
    assert issue(BY_HAND) is None
    assert judge("910000000000000001")["expected_check_character"].to_list() == ["K"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (RIGHT, None),
        (RIGHT[:-1] + "U", "check_digit"),
        ("19310110666007217T", "check_digit"),  # two places exchanged
        (RIGHT[:-1], "length"),
        (RIGHT + "0", "length"),
        ("9131011066600721IT", "illegal_character"),
        (RIGHT[:-1] + "Z", "illegal_character"),
        ("9131011066600-217T", "illegal_character"),
        ("", "missing"),
        ("  \u3000", "missing"),
        (None, "missing"),
    ],
)
def test_what_is_wrong_is_named(written: str | None, expected: str | None):
    assert issue(written) == expected
    assert judge(written)["is_check_digit_valid"].to_list() == [expected is None]


@pytest.mark.parametrize(
    "written",
    [
        RIGHT.lower(),
        f"  {RIGHT}\t",
        "91310110 66600721 7T",
        "９１３１０１１０６６６００７２１７Ｔ",
        f"\ufeff{RIGHT}\u00a0",
    ],
)
def test_a_spelling_is_no_error(written: str):
    result = judge(written)
    assert result["credit_code"].to_list() == [RIGHT]
    assert result["is_check_digit_valid"].to_list() == [True]


def test_illegal_characters_are_named_once_each():
    assert judge("IO31011066600721IS")["illegal_characters"].to_list() == ["IOS"]
    assert judge(RIGHT)["illegal_characters"].to_list() == [None]


@pytest.mark.parametrize(
    ("organisation", "holds"),
    [
        # 6·3 + 6·7 + 6·9 + 7·8 + 2·4 + 1·2 = 180, 180 mod 11 = 4, 11 − 4 = 7.
        ("666007217", True),
        ("666007218", False),
        # 0·3 + … + 1·2 = 2, 11 − 2 = 9.
        ("000000019", True),
        # 4·2 = 8, and 3 is not 9.
        ("000000049", False),
        # 1·10 = 10, 11 − 10 = 1; and 1·3 + 1·7 = 10 as well.
        ("000100001", True),
        ("110000001", True),
        # 1·3 + 1·9 = 12, 12 mod 11 = 1, 11 − 1 = 10: X.
        ("10100000X", True),
        # 1·9 + 1·2 = 11: 11 − 0 = 11, written 0.
        ("001000010", True),
    ],
)
def test_the_organisation_code_is_a_finding_of_its_own(organisation: str, holds: bool):
    code = f"91000000{organisation}"
    total = sum(ALPHABET.index(character) * 3**place for place, character in enumerate(code))
    result = judge(code + ALPHABET[-total % 31])
    assert result["is_organisation_check_valid"].to_list() == [holds]
    assert result["is_check_digit_valid"].to_list() == [True]


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 17), st.integers(1, 30))
def test_the_slow_way_agrees_and_any_one_wrong_character_is_found(first: str, place: int, shift: int):
    total = sum(ALPHABET.index(character) * 3**number for number, character in enumerate(first))
    code = first + ALPHABET[-total % 31]
    wrong = code[:place] + ALPHABET[(ALPHABET.index(code[place]) + shift) % 31] + code[place + 1 :]
    assert judge(code, wrong)["is_check_digit_valid"].to_list() == [True, False]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_any_text_gets_a_verdict(written: list[str]):
    result = judge(*written)
    assert result["written"].to_list() == written
    assert result["is_check_digit_valid"].null_count() == 0
