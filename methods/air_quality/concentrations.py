"""Concentrations as whole numbers of micro-units, so that breakpoints and limits compare exactly."""

from __future__ import annotations

import polars as pl

MICRO = 1_000_000
"""Micro-units in one unit (µg/m³ or mg/m³): far finer than any analyser, far coarser than binary noise."""

LARGEST = 1e9
"""Above every breakpoint; keeps 1e308 out of the whole numbers, whose products must fit 64 bits."""


def concentration(column: str) -> pl.Expr:
    """A column with what cannot be a concentration (negative, NaN, infinite) turned into null."""
    value = pl.col(column).cast(pl.Float64)
    return pl.when(value.is_finite() & (value >= 0)).then(value)


def in_micro_units(value: pl.Expr) -> pl.Expr:
    """Express a concentration as a whole number of micro-units."""
    return (value.clip(upper_bound=LARGEST) * MICRO).round().cast(pl.Int64)


def rounded(micro_units: pl.Expr, decimals: int | None) -> pl.Expr:
    """Round micro-units to decimals of the unit, a half to the even neighbour.

    Source: GB/T 8170, 3.2. Done in whole numbers: 2.45 is a little more than a half in binary, and no half any more.

    Args:
        micro_units: Whole numbers of micro-units.
        decimals: Digits kept after the point of the unit; None keeps the value as it is.

    Returns:
        Whole numbers of micro-units.
    """
    if decimals is None:
        return micro_units
    step = MICRO // 10**decimals
    below, rest = micro_units // step, micro_units % step
    is_up: pl.Expr = (rest * 2 > step) | ((rest * 2 == step) & (below % 2 == 1))
    whole: pl.Expr = below.add(is_up.cast(pl.Int64))
    return whole.mul(step)
