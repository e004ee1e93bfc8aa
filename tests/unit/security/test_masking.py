"""What a screen may show of personal data."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from security.masking import mask, mask_column, mask_id_number, mask_person_name, mask_phone
from security.personal_fields import FieldKind


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+86 138-1234-1234", "138****1234"),
        ("１３８１２３４１２３４", "138****1234"),
        ("021-57941234", "021****1234"),
        ("0512-12345678", "051*****5678"),
        ("57941234", "******34"),
        ("021-57941234转8001", "****"),
        ("13812341234/13912341234", "****"),
        ("12345", "****"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_phone_numbers(number: str, shown: str):
    assert mask_phone(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("310101199003071234", "310***********1234"),
        ("31010119900307123x", "310***********123X"),
        ("310101 19900307 1234", "310***********1234"),
        ("310101900307123", "310********7123"),
        ("E12345678", "E*******8"),
        ("见附件", "****"),
        ("", ""),
    ],
)
def test_identity_numbers(number: str, shown: str):
    assert mask_id_number(number) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张*"),
        ("张 三", "张*"),
        ("王小明", "王**"),
        ("欧阳娜娜", "欧阳**"),
        ("司马光", "司马*"),
        ("东方", "东*"),
        ("阿卜杜拉•买买提", "阿***·***"),
        ("John Smith", "J*** *****"),
        ("张", "****"),
        ("张·", "****"),
        ("", ""),
    ],
)
def test_person_names(name: str, shown: str):
    assert mask_person_name(name) == shown


@settings(deadline=None)
@given(text=st.text(), kind=st.sampled_from(FieldKind))
def test_no_mask_ever_shows_the_whole_value(text: str, kind: FieldKind):
    shown = mask(text, kind)

    assert "*" in shown or not text.strip()


def test_a_column_keeps_its_gaps_and_name():
    masked = mask_column(pl.Series("phone", ["13812341234", None, ""]), kind=FieldKind.PHONE)

    assert (masked.name, masked.to_list()) == ("phone", ["138****1234", None, ""])
