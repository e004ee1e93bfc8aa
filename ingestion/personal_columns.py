"""Personal columns on the way into the lake: encrypted, digested, checked, and masked where a row is refused.

Column `x` becomes `x_encrypted` (SM4-GCM, read with `decrypt_column`) and `x_digest` (HMAC-SM3, joined and counted),
as its source file says; a citizen number also leaves `x_is_valid`, because its check digit can only be tested here,
where it is still in the clear. The name that a ciphertext is bound to is `<source>__<stream>.<column>`.
"""

from __future__ import annotations

import polars as pl

from ingestion.source_file import Column
from security.envelope import digest_column, encrypt_column
from security.key_provider import KeyProvider
from security.masking import mask_column
from security.personal_fields import FieldKind, normalise

_CITIZEN_NUMBER_LENGTH = 18
_CITIZEN_CHECKS = "10X98765432"


def protect(rows: pl.DataFrame, columns: dict[str, Column], *, slug: str, keys: KeyProvider) -> pl.DataFrame:
    """Replace personal columns by what may be kept.

    Args:
        rows: landed rows with the personal columns in the clear, as text.
        columns: the personal columns.
        slug: `<source>__<stream>`, part of the name that each ciphertext is bound to.
        keys: holder of the keys.
    """
    for name, spec in columns.items():
        kind = spec.kind or FieldKind.TEXT
        kept: list[pl.Series] = []
        for landed in spec.landed(name):
            if landed.endswith("_encrypted"):
                kept.append(encrypt_column(keys, rows[name], column=f"{slug}.{name}").alias(landed))
            elif landed.endswith("_digest"):
                kept.append(digest_column(keys, rows[name], kind=kind).alias(landed))
            else:
                valid = [None if text is None else is_valid_citizen_number(text) for text in rows[name]]
                kept.append(pl.Series(landed, valid, dtype=pl.Boolean))
        rows = rows.drop(name).with_columns(kept)
    return rows


def masked(received: pl.DataFrame, columns: dict[str, Column]) -> pl.DataFrame:
    """Return the received rows as they may be shown to a steward: personal values masked by their kind."""
    hidden = [
        mask_column(received[name].cast(pl.String), kind=spec.kind or FieldKind.TEXT)
        for name, spec in columns.items()
        if name in received.columns
    ]
    return received.with_columns(hidden)


def is_valid_citizen_number(text: str) -> bool:
    """Tell whether a citizen number has 18 characters and its right check character (GB 11643-1999, MOD 11-2)."""
    number = normalise(text, FieldKind.ID_NUMBER)
    body, check = number[:-1], number[-1:]
    if len(number) != _CITIZEN_NUMBER_LENGTH or not (body.isascii() and body.isdigit()):
        return False
    return _CITIZEN_CHECKS[sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body)) % 11] == check
