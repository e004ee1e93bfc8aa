"""Invented codes are well-formed and belong to nobody."""

from __future__ import annotations

import random
from datetime import date

import pytest

from ingestion.simulated_park.identity_codes import (
    citizen_number,
    credit_check,
    mobile_number,
    organisation_check,
    person_name,
    unified_credit_code,
)


@pytest.mark.parametrize(
    "code",
    ["91330100799655058B", "9144030071526726XG", "914403001922038216", "91110000802100433B", "91350100M000100Y43"],
)
def test_check_characters_agree_with_published_codes(code: str):
    assert credit_check(code[:17]) == code[17]


def test_organisation_check_agrees_with_a_published_code():
    assert organisation_check("79965505") == "8"
    assert organisation_check("71526726") == "X"


def test_invented_firms_lie_in_the_unassigned_area():
    codes = [unified_credit_code(number) for number in range(1, 2000)]
    assert codes[:3] == ["91990000MA990001X2", "91990000MA99000282", "91990000MA9900036W"]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert code.startswith("91990000")
        assert credit_check(code[:17]) == code[17]
        assert organisation_check(code[8:16]) == code[16]


def test_citizen_numbers_have_the_right_check_digit():
    # ISO 7064 MOD 11-2: the weighted sum of all eighteen characters leaves 1.
    for sequence in range(200):
        number = citizen_number(date(1980, 2, 29), sequence)
        assert number.startswith("99000019800229")
        values = [10 if character == "X" else int(character) for character in number]
        assert sum(value * pow(2, 17 - place, 11) for place, value in enumerate(values)) % 11 == 1


def test_people_have_unassigned_numbers_and_short_names():
    chance = random.Random("people")
    for _ in range(200):
        number = mobile_number(chance)
        assert len(number) == 11
        assert number.startswith("12")
        assert 2 <= len(person_name(chance)) <= 3
