"""What the register of devices and the dated rules say of the points on one business date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import polars as pl

from lakehouse.lake import Lake
from lakehouse.reference import seed_rows, seeds_digest
from lakehouse.settings import PARK_TIME_ZONE
from methods.quality_control.judgement import QualityRules
from methods.quality_control.settings import conversions_on, point_settings, rows_in_force

REGISTER = "bronze/data_middle_platform__monitoring_devices"
SEEDS = (
    "ref_vitals",
    "ref_unit_conversions",
    "rule_quality_tests",
    "rule_device_states",
    "rule_vital_consistencies",
    "rule_hazard_directions",
    "rule_fusion_settings",
    "std_source_flags",
)
IN_USE = "在用"
_COLUMNS = (
    *("record_id", "vital_code", "unit", "period_s", "accuracy", "range_low", "range_high", "operating_low"),
    *("operating_high", "redundancy_group", "object_id", "zone_id", "longitude", "latitude", "installed_on"),
    *("device_status", "data_origin", "update_time", "_loaded_at", "_row_number"),
)


class RegisterMissingError(RuntimeError):
    """The register of devices has not been read yet; the message says what to run."""


@dataclass(frozen=True)
class PointRegister:
    """The register of devices in all its versions.

    Args:
        entries: every version of every record, as bronze has them.
    """

    entries: pl.DataFrame

    @classmethod
    def read(cls, lake: Lake) -> PointRegister:
        """Read the register.

        Raises:
            RegisterMissingError: nothing of it has landed yet.
        """
        if not lake.exists(REGISTER):
            message = (
                "The register of monitoring devices has not landed yet, so no reading can be judged; "
                "run the job ingest_data_middle_platform first."
            )
            raise RegisterMissingError(message)
        return cls(lake.scan(REGISTER).select(_COLUMNS).collect())

    @cached_property
    def _ordered(self) -> pl.DataFrame:
        return self.entries.sort("record_id", "update_time", "_loaded_at", "_row_number")

    def points_on(self, day: date) -> pl.DataFrame:
        """Return the points as they were registered at the end of a business date, sorted by point_id.

        A point that was registered later only (`is_later`) is taken as its first entry says: where it speaks, its
        readings are real all the same; where it does not, nobody missed it.
        """
        end = datetime.combine(day + timedelta(days=1), time(), PARK_TIME_ZONE).astimezone(UTC)
        known = self._ordered.filter(pl.col("update_time") < end).unique("record_id", keep="last")
        later = self._ordered.unique("record_id", keep="first").join(known, on="record_id", how="anti")
        marked = [known.with_columns(is_later=pl.lit(value=False)), later.with_columns(is_later=pl.lit(value=True))]
        return pl.concat(marked).rename({"record_id": "point_id"}).sort("point_id")

    def rules_on(self, day: date) -> QualityRules:
        """Return what holds on a business date: settings with zone, place and state of each point, and conversions."""
        points = self.points_on(day)
        conversions = seed_rows("ref_unit_conversions")
        vitals = rows_in_force(seed_rows("ref_vitals"), day)
        settings = point_settings(points, seed_rows("ref_vitals"), seed_rows("rule_quality_tests"), conversions, day)
        places = points.select(
            *("point_id", "zone_id", "longitude", "latitude", "installed_on", "device_status", "is_later"),
            register_origin="data_origin",
        )
        flags = rows_in_force(seed_rows("std_source_flags"), day).select("source_flag", "quality_flag")
        return QualityRules(
            settings.join(places, on="point_id", how="left", maintain_order="left").join(
                vitals.select("vital_code", "source_stream"), on="vital_code", how="left", maintain_order="left"
            ),
            conversions_on(conversions, day),
            dict(flags.iter_rows()),
        )


def owes_readings(settings: pl.DataFrame, day: date, streams: Sequence[str]) -> pl.Series:
    """Tell of each point whether it owes readings on a business date: it is in use and its vital comes by a stream.

    A replayed plant owes nothing: it stands still between its runs.

    Args:
        settings: of `rules_on`.
        day: business date.
        streams: slugs of the streams.
    """
    installed = pl.col("installed_on").is_null() | (pl.col("installed_on") <= day)
    in_use = pl.col("device_status").fill_null(IN_USE) == IN_USE
    comes_so = pl.col("source_stream").is_in(list(streams))
    lives = (pl.col("register_origin") != "replayed") & ~pl.col("is_later")
    return settings.select((installed & in_use & comes_so & lives).fill_null(value=False).alias("owes"))["owes"]


def silence_limits(settings: pl.DataFrame, day: date) -> pl.Series:
    """Return after how many microseconds without a message each point is offline (rule_device_states)."""
    rows = rows_in_force(seed_rows("rule_device_states"), day).filter(rule_code="online")
    values = dict(rows.select("quantity_code", pl.col("value").cast(pl.Float64)).iter_rows())
    seconds = pl.max_horizontal(pl.col("period_s") * values["periods"], pl.lit(values["least_minutes"] * 60))
    return settings.select((seconds * 1e6).cast(pl.Int64).alias("silence"))["silence"]


def rules_digest() -> str:
    """Return a digest of every dated row that judges telemetry."""
    return seeds_digest(*SEEDS)
