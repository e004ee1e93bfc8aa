"""Kinds of personal data, and the one spelling under which two writings of the same value meet."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

_SEPARATORS = re.compile(r"[\s\-‐‑‒–—―.()]+")
_CHINA_PREFIX = re.compile(r"^(?:\+86|0086|86(?=1\d{10}$))")
# The dot inside transliterated names is typed in many ways; NFKC has already folded the half-width ones.
_NAME_DOTS = re.compile("[·••‧∙⋅・.]")
_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff\U00020000-\U0003ffff])\s+(?=[\u3400-\u9fff\U00020000-\U0003ffff])")


class FieldKind(StrEnum):
    """What a personal column holds: decides how its values are normalised and masked."""

    PHONE = "phone"
    ID_NUMBER = "id_number"
    PERSON_NAME = "person_name"
    TEXT = "text"


def normalise(text: str, kind: FieldKind) -> str:
    """Return the spelling that is compared and hashed; empty when nothing but blanks was written.

    Full-width forms and blanks are folded for every kind (Unicode NFKC). A phone number loses separators and the
    country prefix 86; an identity number loses separators and gets a capital X; a name loses blanks between Chinese
    characters and gets one form of the middle dot.
    """
    folded = _fold(text)
    match kind:
        case FieldKind.PHONE:
            return _CHINA_PREFIX.sub("", _SEPARATORS.sub("", folded))
        case FieldKind.ID_NUMBER:
            return _SEPARATORS.sub("", folded).upper()
        case FieldKind.PERSON_NAME:
            return plain_person_name(text).casefold()
        case FieldKind.TEXT:
            return folded.casefold()


def plain_person_name(name: str) -> str:
    """Return a name without blanks between Chinese characters and with one form of the middle dot."""
    return _NAME_DOTS.sub("·", _BETWEEN_HAN.sub("", _fold(name)))


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())
