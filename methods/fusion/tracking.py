"""One point over time: a scalar Kalman filter for all points at once, with a state that is carried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from methods.fusion.rules import UTC, FusionError, FusionSettings, by_settings, promised

READINGS: dict[str, pl.DataType] = {
    "point_id": pl.String(),
    "measured_at": UTC,
    "value": pl.Float64(),
    "accuracy": pl.Float64(),
    "residual": pl.Float64(),
    "flag": pl.Int64(),
}
STATE: dict[str, pl.DataType] = {
    "point_id": pl.String(),
    "estimate": pl.Float64(),
    "variance": pl.Float64(),
    "observed_at": UTC,
    "tracked_at": UTC,
}
Floats = npt.NDArray[np.float64]
_MICROS_PER_SECOND = 1_000_000


@dataclass(frozen=True)
class Tracked:
    """What the filter made of a frame.

    Attributes:
        estimates: one row per reading, by point and time: point_id, measured_at, estimate, standard_uncertainty
            (null before the first usable reading), innovation (reading less what was expected; null where nothing
            was expected or the reading was not used), gain (1 where the filter starts; null where the reading was not
            used), is_observed.
        state: one row per point, the old ones too: the columns of `STATE`. Handing it to the next call continues as
            if there had been one call.
    """

    estimates: pl.DataFrame
    state: pl.DataFrame


def tracked_points(readings: pl.DataFrame, rules: pl.DataFrame, state: pl.DataFrame | None = None) -> Tracked:
    """Follow the state of every point through its readings.

    Source: safety reference 4.6 (scalar Kalman filter of a random walk): P⁻ = P + q; K = P⁻/(P⁻ + r);
    x = x + K(z − x); P = (1 − K)P⁻, with r = accuracy² + residual² and q = (kalman_process_ratio · accuracy)² for
    each reading. A reading that may not be used (no number, flag, no uncertainty) is a step without observation:
    only P grows. The first usable reading, and one after kalman_restart_after_s without any, starts anew: x = z, P = r.

    Args:
        readings: one row per point and time: the columns of `READINGS`; `accuracy` and `residual` as in
            `fused_points`, one unit per point.
        rules: seed rule_fusion_settings, all editions; those in force at `measured_at` decide.
        state: what the call before returned; None at the beginning.

    Raises:
        FusionError: the frame does not have the promised shape, or holds a reading that is not newer than the state:
            late readings are replayed from the state before them.
    """
    ordered = promised(readings, READINGS, "tracking", ("point_id", "measured_at"))
    known = promised(pl.DataFrame(schema=STATE) if state is None else state, STATE, "tracking, state", ("point_id",))
    _refuse_late(ordered, known)
    points = pl.concat([known["point_id"], ordered["point_id"]]).unique().sort().to_frame()
    steps = (
        pl.concat(_with_noise(part, settings) for part, settings in by_settings(ordered, "measured_at", rules))
        .join(points.with_row_index("point"), on="point_id", how="left")
        .sort("point_id", "measured_at")
        .with_columns(pl.int_range(pl.len()).over("point_id").alias("step"))
    )
    run = _Run(points.join(known, on="point_id", how="left", maintain_order="left"))
    estimates = steps.select("point_id", "measured_at").hstack(run.through(steps)).hstack([steps["is_observed"]])
    return Tracked(estimates, run.state())


def _with_noise(readings: pl.DataFrame, settings: FusionSettings) -> pl.DataFrame:
    """Add what a step needs of the rules: noise of process and of measurement, and when to start anew."""
    noise = pl.col("accuracy").pow(2) + pl.col("residual").fill_null(0.0).pow(2)
    is_usable = pl.col("value").is_finite() & pl.col("flag").is_in(settings.usable_flags)
    return readings.with_columns(
        noise.alias("noise"),
        (settings.kalman_process_ratio * pl.col("accuracy")).pow(2).fill_null(0.0).alias("process"),
        pl.lit(settings.kalman_restart_after_s).alias("restart_after_s"),
        (is_usable & noise.is_finite() & (noise > 0)).fill_null(value=False).alias("is_observed"),
    )


def _refuse_late(readings: pl.DataFrame, state: pl.DataFrame) -> None:
    late = readings.join(state, on="point_id").filter(pl.col("measured_at") <= pl.col("tracked_at"))
    if not late.is_empty():
        point, moment, reached = late.select("point_id", "measured_at", "tracked_at").row(0)
        raise FusionError(
            f"tracking: point {point} has a reading of {moment}, and its state is already at {reached}; replay from a "
            "state before the reading"
        )


class _Run:
    """The states of all points while the filter runs; the k-th readings of all points are one step."""

    def __init__(self, begun: pl.DataFrame) -> None:
        self.points = begun["point_id"]
        self.estimate = _floats(begun["estimate"])
        self.variance = _floats(begun["variance"])
        self.observed_at = _micros(begun["observed_at"])
        self.tracked_at = _micros(begun["tracked_at"])

    def through(self, steps: pl.DataFrame) -> list[pl.Series]:
        """Take all steps; return estimate, standard_uncertainty, innovation and gain, in the order of the rows."""
        point, times = steps["point"].to_numpy(), _micros(steps["measured_at"])
        value, noise, process = (_floats(steps[name]) for name in ("value", "noise", "process"))
        is_observed, wait = steps["is_observed"].to_numpy(), steps["restart_after_s"].to_numpy() * _MICROS_PER_SECOND
        order = np.argsort(steps["step"].to_numpy(), kind="stable")
        ends = np.cumsum(np.bincount(steps["step"].to_numpy()))
        columns = {name: np.full(steps.height, np.nan) for name in ("estimate", "variance", "innovation", "gain")}
        for rows in np.split(order, ends[:-1]):
            at, now = point[rows], times[rows]
            expected, predicted = self.estimate[at], self.variance[at] + process[rows]
            starts = is_observed[rows] & (np.isnan(expected) | (now - self.observed_at[at] > wait[rows]))
            follows = is_observed[rows] & ~starts
            gain = predicted / (predicted + noise[rows])
            innovation = value[rows] - expected
            self.estimate[at] = np.where(starts, value[rows], np.where(follows, expected + gain * innovation, expected))
            self.variance[at] = np.where(starts, noise[rows], np.where(follows, (1 - gain) * predicted, predicted))
            self.observed_at[at] = np.where(is_observed[rows], now, self.observed_at[at])
            self.tracked_at[at] = now
            columns["estimate"][rows], columns["variance"][rows] = self.estimate[at], self.variance[at]
            columns["innovation"][rows] = np.where(follows, innovation, np.nan)
            columns["gain"][rows] = np.where(starts, 1.0, np.where(follows, gain, np.nan))
        columns["standard_uncertainty"] = np.sqrt(columns.pop("variance"))
        names = ("estimate", "standard_uncertainty", "innovation", "gain")
        return [pl.Series(name, columns[name], nan_to_null=True) for name in names]

    def state(self) -> pl.DataFrame:
        """Return the states as they are now, in the columns of `STATE`."""
        is_known = pl.col("estimate").is_not_null()
        times = {"observed_at": self.observed_at, "tracked_at": self.tracked_at}
        return pl.DataFrame(
            [
                self.points,
                pl.Series("estimate", self.estimate, nan_to_null=True),
                pl.Series("variance", self.variance, nan_to_null=True),
                *(
                    pl.Series(name, values).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
                    for name, values in times.items()
                ),
            ]
        ).with_columns(pl.when(is_known).then("observed_at").alias("observed_at"))


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()


def _micros(column: pl.Series) -> npt.NDArray[np.int64]:
    return column.dt.timestamp("us").fill_null(0).to_numpy().copy()
