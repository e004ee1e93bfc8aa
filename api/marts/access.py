"""Which columns of a mart may leave through the API, and how.

Personal data lie encrypted or keyed-hashed in the lake. Should a mart carry a personal column all the same, its
ciphertext or digest is withheld, its clear value is masked, and neither may be filtered, ordered or grouped by:
the number of rows behind a guess would give the value away.
"""

from __future__ import annotations

import re
from enum import StrEnum

from security.personal_fields import FieldKind

_SEALED = re.compile(r"_(?:digest|hash|encrypted|cipher|ciphertext|sealed)$")
# Words that name a person's role; only with `_name` behind them do they hold a name (a `handler` may be a team's code).
_ROLES = (
    "person|worker|employee|driver|escort|passenger|handler|visitor|contact|applicant|guardian|reporter|inspector|"
    "supervisor|doctor|patient|legal_representative|legal_person|responsible_person|contact_person"
)
_MASKED = (
    (re.compile(r"(?:^|_)(?:phone|mobile|telephone|tel)(?:_(?:no|number))?$"), FieldKind.PHONE),
    (
        re.compile(
            r"(?:^|_)(?:id|identity|passport|resident_id|driving_licence|bank_account)_(?:no|number|card|card_no)$"
        ),
        FieldKind.ID_NUMBER,
    ),
    (
        re.compile(
            rf"(?:^|_)(?:(?:{_ROLES})_name|contact_person|responsible_person|person_in_charge|legal_representative|"
            r"legal_person|full_name|real_name)$"
        ),
        FieldKind.PERSON_NAME,
    ),
    (re.compile(r"(?:^|_)(?:home_address|e?mail|wechat|face_id|photo)$"), FieldKind.TEXT),
)


class Privacy(StrEnum):
    """How a column leaves."""

    OPEN = "open"
    MASKED = "masked"
    WITHHELD = "withheld"


def mask_kind(column: str) -> FieldKind | None:
    """Return by which rule a personal column is masked, None for any other column."""
    return next((kind for pattern, kind in _MASKED if pattern.search(column)), None)


def privacy_of(column: str, *, holds_text: bool) -> Privacy:
    """Return how a column leaves; only text can be masked, a personal column of any other type is withheld.

    Args:
        column: its name.
        holds_text: whether its values are text.
    """
    if _SEALED.search(column):
        return Privacy.WITHHELD
    if mask_kind(column) is None:
        return Privacy.OPEN
    return Privacy.MASKED if holds_text else Privacy.WITHHELD
