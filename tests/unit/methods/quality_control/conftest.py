"""Points, readings and judgements of hand-made telemetry: the second of June 2026 in Shanghai, one reading a minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from lakehouse.reference import seed_rows
from methods.preprocessing import PieceTables, PieceTime, process_piece
from methods.quality_control.arrangement import MICROS_PER_MINUTE, arrange, code_readings
from methods.quality_control.history import MEASURES
from methods.quality_control.judgement import JudgedPiece, Memory, QualityRules, judge
from methods.quality_control.scheme import FLAG_OF_RANK, tests_of
from methods.quality_control.settings import RULE_COLUMNS, conversions_on, rows_in_force

DAY = date(2026, 6, 2)
MIDNIGHT = datetime(2026, 6, 1, 16, tzinfo=UTC)  # 00:00 of 2 June in Shanghai
PRESENT = datetime(2026, 6, 3, 0, tzinfo=UTC)  # 08:00 of 3 June: the day is over
OFFLINE_AFTER = 5 * MICROS_PER_MINUTE

SETTING_TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("point_id", "vital_code", "registered_unit", "canonical_unit", "resample_method"), pl.String()),
    **dict.fromkeys(("period_s", "minimum_valid_share", "accuracy"), pl.Float64()),
    **dict.fromkeys(("range_low", "range_high", "operating_low", "operating_high"), pl.Float64()),
    **dict.fromkeys(("redundancy_group", "object_id"), pl.String()),
    **dict.fromkeys(("longitude", "latitude"), pl.Float64()),
    **RULE_COLUMNS,
}
READING_TYPES: dict[str, pl.DataType] = {
    "point_id_iot": pl.String(),
    "measured_at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
    "unit": pl.String(),
    "source_flag": pl.String(),
    "received_at": pl.Datetime("us", "UTC"),
    "data_origin": pl.String(),
    "_loaded_at": pl.Datetime("us", "UTC"),
    "_source_uri": pl.String(),
    "_row_number": pl.Int64(),
}
GENERAL: dict[str, Any] = {
    "registered_unit": "kPa",
    "canonical_unit": "kPa",
    "resample_method": "mean",
    "period_s": 60.0,
    "minimum_valid_share": 0.75,
    "range_low": 0.0,
    "range_high": 1000.0,
    "vital_prefix": "",
    "is_fail_safe": False,
    "late_after_s": 600.0,
    "clock_ahead_s": 120.0,
    "oldest_days": 30.0,
    "gap_periods": 3.0,
    "baseline_days": 7,
    "baseline_least_days": 3,
}
"""A point of which only the sensor's range is known: no test but T01, T02 and T04 applies."""


def settings_of(*points: Mapping[str, Any]) -> pl.DataFrame:
    """Return the settings of some points; what a point does not name is as in `GENERAL`, else null."""
    rows = [dict.fromkeys(SETTING_TYPES) | GENERAL | dict(point) for point in points]
    return pl.DataFrame(rows, schema=SETTING_TYPES).sort("point_id")


def point(**changes: object) -> pl.DataFrame:
    """Return the settings of the point P1."""
    return settings_of({"point_id": "P1"} | changes)


def at(minute: float, day: int = 0) -> datetime:
    """Return a moment by minutes since midnight of 2 June, Shanghai."""
    return MIDNIGHT + timedelta(days=day, minutes=minute)


def reading(
    minute: float, value: float, delay_s: float = 5.0, *, measured_at: datetime | None = None, **changes: object
) -> dict[str, Any]:
    """Return one received row of P1 that took `delay_s` seconds to arrive."""
    measured = measured_at or at(minute)
    return {
        "point_id_iot": "P1",
        "measured_at": measured,
        "value": value,
        "unit": "kPa",
        "source_flag": None,
        "received_at": measured + timedelta(seconds=delay_s),
        "data_origin": "simulated",
        "_loaded_at": PRESENT,
        "_source_uri": "2026-06-02.Z1.parquet",
        "_row_number": None,
    } | changes


def received(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Return received rows as a table; rows without a number are numbered as they stand."""
    numbered = [
        dict(row) | ({"_row_number": number} if row["_row_number"] is None else {}) for number, row in enumerate(rows)
    ]
    return pl.DataFrame(numbered, schema=READING_TYPES)


def minutes(values: Sequence[float | None], first: int = 0, *, delay_s: float = 5.0, **changes: object) -> pl.DataFrame:
    """Return one reading of P1 a minute; None is a minute without one."""
    return received(
        *(
            reading(first + offset, value, delay_s, **changes)
            for offset, value in enumerate(values)
            if value is not None
        )
    )


def usual(point_id: str = "P1", **measures: float) -> pl.DataFrame:
    """Return a baseline: median, spread, step_spread, usual_low, usual_high; what is not named is null."""
    return pl.DataFrame(
        {"point_id": [point_id], **{name: pl.Series([measures.get(name)], dtype=pl.Float64) for name in MEASURES}}
    )


def source_flags() -> dict[str, int]:
    """Return what the letters of HJ 212 mean, by the committed seed."""
    held = rows_in_force(seed_rows("std_source_flags"), DAY)
    return dict(held.select("source_flag", "quality_flag").iter_rows())


def rules_of(settings: pl.DataFrame) -> QualityRules:
    """Return the rules of some settings with the committed conversions and letters."""
    return QualityRules(settings, conversions_on(seed_rows("ref_unit_conversions"), DAY), source_flags())


def judged(
    readings: pl.DataFrame,
    settings: pl.DataFrame,
    *,
    tails: pl.DataFrame | None = None,
    baseline: pl.DataFrame | None = None,
    present: datetime = PRESENT,
) -> JudgedPiece:
    """Judge readings in one block."""
    rules = rules_of(settings)
    coded = code_readings(readings, settings["point_id"])
    arrangement = arrange(coded.rows, settings, rules.conversions)
    return judge(arrangement, rules, Memory.of(settings, tails, baseline), present)


def piece_of(
    readings: pl.DataFrame,
    settings: pl.DataFrame,
    *,
    tails: pl.DataFrame | None = None,
    baseline: pl.DataFrame | None = None,
    present: datetime = PRESENT,
    expected: Sequence[bool] | None = None,
    day: date = DAY,
) -> PieceTables:
    """Make the tables of a piece; all points are expected, and offline after five minutes of silence."""
    owes = np.ones(settings.height, dtype=np.bool_) if expected is None else np.array(expected)
    silence = np.full(settings.height, OFFLINE_AFTER, dtype=np.int64)
    memory = Memory.of(settings, tails, baseline)
    return process_piece(readings, rules_of(settings), memory, PieceTime(day, present), expected=owes, silence=silence)


@dataclass(frozen=True)
class Looks:
    """Flags and tests of the readings of a piece, in the order of point and time.

    Attributes:
        causal, final: published flags.
        causal_tests, final_tests: numbers of the tests that spoke: "06" or "06 07".
    """

    causal: list[int]
    final: list[int]
    causal_tests: list[str]
    final_tests: list[str]

    @classmethod
    def of(cls, piece: JudgedPiece) -> Looks:
        """Read a piece."""
        return cls(
            FLAG_OF_RANK[piece.causal.ranks].tolist(),
            FLAG_OF_RANK[piece.final.ranks].tolist(),
            [_numbers(marks) for marks in piece.causal.marks.tolist()],
            [_numbers(marks) for marks in piece.final.marks.tolist()],
        )


def _numbers(marks: int) -> str:
    return " ".join(code[1:3] for code in tests_of(marks))


@pytest.fixture(scope="session")
def quality_rules() -> pl.DataFrame:
    return seed_rows("rule_quality_tests")
