"""The dated settings of fusion, and the frames it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date

import polars as pl

from lakehouse.settings import PARK_TIME_ZONE

UTC = pl.Datetime("us", "UTC")
_SEED = "rule_fusion_settings"
_USABLE_FLAG = "usable_flag"
_MOST_AGE_CONSTANTS = 100  # beyond, weights underflow


class FusionError(ValueError):
    """A frame or a rule row does not say what fusion needs; the message names place and remedy."""


@dataclass(frozen=True)
class FusionSettings:
    """The settings in force on one day; the seed gives unit, clause and reason of each."""

    usable_flags: tuple[int, ...]
    outlier_least_sources: float
    outlier_factor: float
    mad_to_sigma: float
    outlier_floor_sigmas: float
    pair_factor: float
    age_constant_s: float
    age_limit_s: float
    kalman_process_ratio: float
    kalman_restart_after_s: float
    prior_probability: float


def settings_on(rules: pl.DataFrame, day: date) -> FusionSettings:
    """Return the settings in force on a business date.

    Args:
        rules: seed rule_fusion_settings, all editions: setting_code, setting_value, valid_from, valid_to.
        day: business date (Asia/Shanghai).

    Raises:
        FusionError: a setting has no row or several, or a value that has no meaning.
    """
    held = in_force(rules, day, _SEED, ("setting_code", "setting_value"))
    pairs = held.select("setting_code", pl.col("setting_value").cast(pl.Float64)).rows()
    flags = tuple(sorted(int(value) for code, value in pairs if code == _USABLE_FLAG))
    names = [field.name for field in fields(FusionSettings) if field.name != "usable_flags"]
    values = {name: [value for code, value in pairs if code == name] for name in names}
    wrong = [name for name, found in values.items() if len(found) != 1 or found[0] is None or found[0] < 0]
    if wrong or not flags:
        raise FusionError(
            f"seed {_SEED}: on {day} {', '.join(wrong) or _USABLE_FLAG} needs one row with a number from 0; correct "
            "its rows, valid_from and valid_to"
        )
    settings = FusionSettings(usable_flags=flags, **{name: found[0] for name, found in values.items()})
    if not 0 < settings.prior_probability < 1 or settings.age_constant_s * _MOST_AGE_CONSTANTS < settings.age_limit_s:
        raise FusionError(
            f"seed {_SEED}: on {day} prior_probability must lie between 0 and 1, and age_limit_s may be at most "
            f"{_MOST_AGE_CONSTANTS} times age_constant_s; correct the values"
        )
    return settings


def by_settings(frame: pl.DataFrame, moment: str, rules: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, FusionSettings]]:
    """Cut a frame where the settings change; each part comes with those in force on its Asia/Shanghai days.

    An empty frame is handed over once with the newest settings, so that callers give it its columns all the same.
    """
    if frame.is_empty():
        newest = rules.select(pl.col("valid_from").cast(pl.Date).max()).item()
        yield frame, settings_on(rules, newest or date.min)
        return
    day = frame.select(pl.col(moment).dt.convert_time_zone(PARK_TIME_ZONE.key).dt.date().alias("day"))["day"]
    held: dict[FusionSettings, list[date]] = {}
    for single in day.unique().sort():
        held.setdefault(settings_on(rules, single), []).append(single)
    for settings, days in held.items():
        yield frame.filter(day.is_in(days)), settings


def in_force(rows: pl.DataFrame, day: date, seed: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows of a seed in force on a business date.

    Raises:
        FusionError: a column is missing.
    """
    absent = [name for name in (*columns, "valid_from", "valid_to") if name not in rows.columns]
    if absent:
        raise FusionError(f"seed {seed}: column {', '.join(absent)} is missing; add it to the header")
    start, end = pl.col("valid_from").cast(pl.Date), pl.col("valid_to").cast(pl.Date)
    return rows.filter((start.is_null() | (start <= day)) & (end.is_null() | (end > day)))


def promised(frame: pl.DataFrame, columns: Mapping[str, pl.DataType], what: str, key: tuple[str, ...]) -> pl.DataFrame:
    """Return the columns a function reads with their types, sorted by its key; the key may stand once.

    The order of rows decides in which order they are added, and so the last binary digit: sorted, it is always one.

    Raises:
        FusionError: a column is missing, a type does not fit, a part of the key is null, or a key stands twice.
    """
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        raise FusionError(f"{what}: column {', '.join(absent)} is missing; give it, null where it is not known")
    local = [name for name, data_type in columns.items() if data_type == UTC and not _is_utc(frame.schema[name])]
    if local:
        raise FusionError(f"{what}: {', '.join(local)} must be datetimes in UTC; convert them before")
    try:
        typed = frame.select(pl.col(name).cast(data_type) for name, data_type in columns.items())
    except pl.exceptions.InvalidOperationError as error:
        raise FusionError(f"{what}: {error}; cast the column before") from error
    if typed.select(pl.any_horizontal(pl.col(key).is_null()).any()).item():
        raise FusionError(f"{what}: a row without {' or '.join(key)} cannot be placed; leave it out before")
    if typed.select(key).is_duplicated().any():
        row = typed.filter(pl.struct(key).is_duplicated()).select(key).row(0)
        raise FusionError(f"{what}: {', '.join(str(part) for part in row)} stands more than once; keep one row before")
    return typed.sort(key)


def _is_utc(data_type: pl.DataType) -> bool:
    return data_type == pl.Null or (isinstance(data_type, pl.Datetime) and data_type.time_zone == "UTC")
