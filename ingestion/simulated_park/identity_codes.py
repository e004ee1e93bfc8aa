"""Codes of invented firms and people: well-formed, with right check digits, in areas no office has assigned.

Area 990000 does not exist, so none of these codes can belong to anybody.
"""

from __future__ import annotations

import random
from datetime import date

UNASSIGNED_AREA = "990000"

_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"

_FAMILY_NAMES = "赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严金魏陶姜谢邹苏潘葛"
_GIVEN_NAMES = "建国志强文斌海燕秀英晓东丽华永胜春梅立新雅琴振宇思远嘉怡俊杰慧敏"


def organisation_check(base: str) -> str:
    """Return the check character of an eight-character organisation code (GB 11714)."""
    total = sum(
        _ORGANISATION_CHARACTERS.index(character) * weight
        for character, weight in zip(base, _ORGANISATION_WEIGHTS, strict=True)
    )
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def credit_check(first_seventeen: str) -> str:
    """Return the check character of a unified social credit code (GB 32100)."""
    total = sum(
        _CREDIT_CHARACTERS.index(character) * pow(3, place, 31) for place, character in enumerate(first_seventeen)
    )
    return _CREDIT_CHARACTERS[(31 - total % 31) % 31]


def organisation_code(number: int) -> str:
    """Return the nine-character organisation code of the invented firm with this number (1 to 9999)."""
    base = f"MA99{number:04d}"
    return base + organisation_check(base)


def unified_credit_code(number: int) -> str:
    """Return the unified social credit code of the invented firm with this number (1 to 9999)."""
    first_seventeen = f"91{UNASSIGNED_AREA}{organisation_code(number)}"
    return first_seventeen + credit_check(first_seventeen)


def citizen_number(born_on: date, sequence: int) -> str:
    """Return an 18-character citizen number of nobody (GB 11643 shape, unassigned area)."""
    first_seventeen = f"{UNASSIGNED_AREA}{born_on:%Y%m%d}{sequence % 1000:03d}"
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first_seventeen))
    return first_seventeen + _CITIZEN_CHECKS[total % 11]


def mobile_number(chance: random.Random) -> str:
    """Return an eleven-digit number that begins with 12, which no operator has."""
    return f"12{chance.randrange(10**9):09d}"


def person_name(chance: random.Random) -> str:
    """Return an invented Chinese name of two or three characters."""
    given = "".join(chance.choice(_GIVEN_NAMES) for _ in range(chance.choice((1, 2, 2))))
    return chance.choice(_FAMILY_NAMES) + given
