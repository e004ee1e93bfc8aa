"""Unified social credit codes: one spelling, and whether the check character holds."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

LENGTH = 18

_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z
_CREDIT_MODULUS = 31
_CREDIT_WEIGHTS = tuple(pow(3, place, _CREDIT_MODULUS) for place in range(LENGTH - 1))

_ORGANISATION_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0123456789X"
_ORGANISATION_START = 8


def normalised_code(written: pl.Expr) -> pl.Expr:
    """Fold full-width characters, take out all white space, turn letters into capitals; nothing left becomes null."""
    folded = written.cast(pl.String).str.normalize("NFKC").str.replace_all(r"[\s\u200b\ufeff]", "").str.to_uppercase()
    return pl.when(folded != "").then(folded)


def judged_codes(codes: pl.DataFrame, column: str) -> pl.DataFrame:
    """Judge written codes.

    Source: GB 32100-2015 (18 characters out of 31; check character 31 − Σ cᵢ·3^(i−1) mod 31 over the first 17) and
    GB 11714-1997 for the organisation code in places 9 to 17 (check character 11 − Σ cᵢ·wᵢ mod 11).

    Args:
        codes: Any rows.
        column: Column with the codes as people wrote them.

    Returns:
        The same rows in the same order, and
        `credit_code` (normalised; null where nothing was written),
        `is_check_digit_valid` (never null),
        `issue_code` (null where valid; else the first that applies: missing, length, illegal_character, check_digit),
        `illegal_characters` (those outside the alphabet, in order, each once; null where none),
        `expected_check_character` (where the first 17 characters allow to compute it),
        `is_organisation_check_valid` (a finding of its own: offices have issued codes in which it does not hold; null
        where the code has not 18 characters).
    """
    code = pl.col("credit_code")
    has_length = code.str.len_chars() == LENGTH
    outside = code.str.replace_all(f"[{_CREDIT_CHARACTERS}]", "")
    remainder = _weighted_sum(code, 0, _CREDIT_CHARACTERS, _CREDIT_WEIGHTS) % _CREDIT_MODULUS
    organisation = _weighted_sum(code, _ORGANISATION_START, _ORGANISATION_CHARACTERS, _ORGANISATION_WEIGHTS)
    organisation_check = code.str.slice(_ORGANISATION_START + len(_ORGANISATION_WEIGHTS), 1)
    return (
        codes.with_columns(normalised_code(pl.col(column)).alias("credit_code"))
        .with_columns(
            pl.when(outside != "").then(_each_once(outside)).alias("illegal_characters"),
            pl.when(has_length)
            .then(_character((_CREDIT_MODULUS - remainder) % _CREDIT_MODULUS, _CREDIT_CHARACTERS))
            .alias("expected_check_character"),
            pl.when(has_length)
            .then(
                (_character((11 - organisation % 11) % 11, _ORGANISATION_CHECKS) == organisation_check).fill_null(
                    value=False
                )
            )
            .alias("is_organisation_check_valid"),
        )
        .with_columns(
            pl.when(code.is_null())
            .then(pl.lit("missing"))
            .when(~has_length)
            .then(pl.lit("length"))
            .when(pl.col("illegal_characters").is_not_null())
            .then(pl.lit("illegal_character"))
            .when(code.str.tail(1) != pl.col("expected_check_character"))
            .then(pl.lit("check_digit"))
            .alias("issue_code")
        )
        .with_columns(pl.col("issue_code").is_null().alias("is_check_digit_valid"))
    )


def _weighted_sum(code: pl.Expr, start: int, characters: str, weights: Sequence[int]) -> pl.Expr:
    """Σ of place in the alphabet times weight; null where a character is missing or outside the alphabet."""
    values = {character: value for value, character in enumerate(characters)}
    terms = [
        code.str.slice(start + place, 1).replace_strict(values, default=None, return_dtype=pl.Int32) * weight
        for place, weight in enumerate(weights)
    ]
    return pl.sum_horizontal(terms, ignore_nulls=False)


def _character(value: pl.Expr, characters: str) -> pl.Expr:
    return value.replace_strict(dict(enumerate(characters)), default=None, return_dtype=pl.String)


def _each_once(text: pl.Expr) -> pl.Expr:
    return text.str.split("").list.unique(maintain_order=True).list.join("")
