"""What may be shown of personal data: 138****1234, 310***********1234, 张*.

A value that does not look like its kind shows nothing at all, because a mask that keeps the ends of free text keeps
whatever someone typed there.
"""

from __future__ import annotations

import re

import polars as pl

from security.personal_fields import FieldKind, normalise, plain_person_name

_PHONE = re.compile(r"\d{11,13}")
_SHORT_PHONE = re.compile(r"\d{7,10}")
_RESIDENT_ID = re.compile(r"\d{17}[\dX]|\d{15}")
_OTHER_ID = re.compile(r"[A-Z0-9]{6,}")
_COMPOUND_SURNAMES = re.compile(
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|长孙|宇文|司徒|令狐|夏侯|端木|百里|呼延|南宫|轩辕|司空|申屠|太史|公冶|濮阳|"
    "淳于|单于|钟离|闻人|澹台|宗政|赫连|万俟|拓跋|独孤|西门|东郭|南门|左丘|梁丘|公羊|公西|漆雕|乐正|壤驷|谷梁|第五"
)


def mask_phone(number: str) -> str:
    """Keep the first three and the last four digits: 138****1234; of a number without area code the last two."""
    digits = normalise(number, FieldKind.PHONE)
    if _PHONE.fullmatch(digits):
        return _keep_ends(digits, 3, 4)
    if _SHORT_PHONE.fullmatch(digits):
        return _keep_ends(digits, 0, 2)
    return _nothing(number)


def mask_id_number(number: str) -> str:
    """Keep the first three and the last four of an identity number: 310***********1234; of other papers the ends."""
    characters = normalise(number, FieldKind.ID_NUMBER)
    if _RESIDENT_ID.fullmatch(characters):
        return _keep_ends(characters, 3, 4)
    if _OTHER_ID.fullmatch(characters):
        return _keep_ends(characters, 1, 1)
    return _nothing(number)


def mask_person_name(name: str) -> str:
    """Keep the surname, compound ones too (张**, 欧阳*); of transliterated and Latin names the first letter."""
    characters = plain_person_name(name)
    # Neither a transliterated nor a Latin name begins with a surname of two characters.
    kept = 2 if "·" not in characters and _COMPOUND_SURNAMES.match(characters) and len(characters) > 2 else 1
    masked = characters[:kept] + "".join(each if each in " ·" else "*" for each in characters[kept:])
    return masked if "*" in masked else _nothing(characters)


def mask_text(text: str) -> str:
    """Show nothing of free text."""
    return _nothing(text)


_MASKS = {
    FieldKind.PHONE: mask_phone,
    FieldKind.ID_NUMBER: mask_id_number,
    FieldKind.PERSON_NAME: mask_person_name,
    FieldKind.TEXT: mask_text,
}


def mask(text: str, kind: FieldKind) -> str:
    """Return what may be shown of a value of this kind; an empty one stays empty."""
    return _MASKS[kind](text)


def mask_column(values: pl.Series, *, kind: FieldKind) -> pl.Series:
    """Mask a column of strings; a missing value stays missing.

    Args:
        values: strings; the result has the same name and length.
        kind: what the column holds.
    """
    hidden = [None if value is None else mask(value, kind) for value in values]
    return pl.Series(values.name, hidden, dtype=pl.String)


def _keep_ends(text: str, first: int, last: int) -> str:
    return text[:first] + "*" * (len(text) - first - last) + text[len(text) - last :]


def _nothing(text: str) -> str:
    # A fixed width: the length of a free text may itself say too much.
    return "****" if text.strip() else ""
