"""Means of quantities whose readings may not simply be added: directions, pH, sound levels, concentrations of a flow.

Each function returns one expression for `group_by(...).agg(...)`; give it a name with `alias`. A reading that is null,
NaN or infinite does not count; where nothing is left, or the mean has no meaning, the result is null, never zero.
"""

from __future__ import annotations

import polars as pl

DEGREES_OF_A_CIRCLE = 360.0
_CANCELLED = 1e-9
"""Share of the mean speed below which opposite directions have cancelled: binary noise, no direction."""


def direction_mean(direction: pl.Expr, speed: pl.Expr | None = None) -> pl.Expr:
    """Average directions as vectors.

    Source: WMO-No. 8, part I, chapter 5 (vector mean of wind): u = −ws·sin θ, v = −ws·cos θ, θ = atan2(−ū, −v̄).

    Args:
        direction: Where it comes from, degrees clockwise from north.
        speed: Its weight, in any unit, not negative; None weighs all alike. A calm (speed 0) has no direction and
            adds nothing.

    Returns:
        Degrees in [0, 360); null where no reading counts or the vectors cancel.
    """
    weight = pl.lit(1.0) if speed is None else speed.cast(pl.Float64)
    counts = _is_number(direction) & weight.is_finite() & (weight >= 0)
    angle = pl.when(counts).then(direction.cast(pl.Float64)).radians()
    east = pl.when(counts).then(weight * angle.sin()).mean()
    north = pl.when(counts).then(weight * angle.cos()).mean()
    resultant = (east.pow(2) + north.pow(2)).sqrt()
    degrees = pl.arctan2(east, north).degrees() % DEGREES_OF_A_CIRCLE
    within = pl.when(degrees < DEGREES_OF_A_CIRCLE).then(degrees).otherwise(0.0)  # −1e-15 % 360 is 360 in binary
    return pl.when(resultant > _CANCELLED * pl.when(counts).then(weight).mean()).then(within)


def speed_of_mean_vector(direction: pl.Expr, speed: pl.Expr) -> pl.Expr:
    """Length of the mean vector, in the unit of `speed`: with the mean speed it tells how steady a wind was.

    Source: as `direction_mean`. Null where no reading counts; a calm counts as a vector of length 0.
    """
    weight = speed.cast(pl.Float64)
    counts = _is_number(direction) & weight.is_finite() & (weight >= 0)
    angle = pl.when(counts).then(direction.cast(pl.Float64)).radians()
    east, north = (weight * angle.sin()).mean(), (weight * angle.cos()).mean()
    return (east.pow(2) + north.pow(2)).sqrt()


def ph_mean(ph: pl.Expr) -> pl.Expr:
    """Average pH over the concentration of hydrogen ions: −lg(mean(10^−pH)).

    Source: definition of pH (GB/T 9724): it is the negative logarithm, and concentrations are what mixes.
    """
    ions = pl.lit(10.0).pow(-_numbers(ph)).mean()
    return _numbers(-ions.log10())


def equivalent_level(level: pl.Expr, seconds: pl.Expr | None = None) -> pl.Expr:
    """Equivalent continuous sound level Leq = 10·lg(Σ t·10^(L/10) / Σ t).

    Source: GB 3096-2008, 3.2.

    Args:
        level: Sound levels, dB.
        seconds: How long each lasted; None takes all alike. A reading without a positive duration does not count.

    Returns:
        Leq, dB.
    """
    energy = pl.lit(10.0).pow(_numbers(level) / 10)
    mean = energy.mean() if seconds is None else weighted_mean(energy, seconds)
    return _numbers(10 * mean.log10())


def flow_weighted_mean(concentration: pl.Expr, flow: pl.Expr) -> pl.Expr:
    """Average the concentration of a discharge over what flowed: Σ(c·q) / Σq.

    Source: HJ 356-2019 and HJ 75-2017 (means over a period are weighted by the flow).

    Args:
        concentration: Concentration, any unit.
        flow: Flow of the same moments, any unit. A moment counts when both are there and something flowed.

    Returns:
        Mean in the unit of `concentration`; null where nothing flowed, which is no concentration of zero.
    """
    return weighted_mean(concentration, flow)


def weighted_mean(value: pl.Expr, weight: pl.Expr) -> pl.Expr:
    """Σ(w·x) / Σw over the rows that have a value and a positive weight (seconds held, flow, area)."""
    share = weight.cast(pl.Float64)
    counts = _is_number(value) & share.is_finite() & (share > 0)
    total = pl.when(counts).then(share).sum()
    return _numbers(pl.when(total > 0).then(pl.when(counts).then(value.cast(pl.Float64) * share).sum() / total))


def _is_number(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.Float64).is_finite().fill_null(value=False)


def _numbers(value: pl.Expr) -> pl.Expr:
    number = value.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number)
