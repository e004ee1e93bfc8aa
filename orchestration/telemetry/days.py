"""The step after the pieces: hours of all zones of a day are judged together, and days made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from ingestion.readers import DayRange
from lakehouse.lake import Lake
from lakehouse.pieces import INPUT_DIGEST
from lakehouse.reference import seed_rows
from lakehouse.staged_files import commit, stage
from methods.fusion.hours import fused_hours
from methods.point_days import added_up, day_values, days_of_points, heard_most
from methods.preprocessing import tests_text
from methods.quality_control.history import MEASURES, baseline
from methods.quality_control.hours import CONTEXT_DAYS, judge_hours
from methods.quality_control.settings import rows_in_force
from orchestration.telemetry.pieces import ZONE_DAYS, ZONE_HOURS
from orchestration.telemetry.register import PointRegister, rules_digest

EDITION = "1"
POINT_HOURS = "telemetry__point_hours"
POINT_DAYS = "telemetry__point_days"
FUSED_HOURS = "telemetry__fused_hours"
HOUR_COLUMNS = (
    *("point_id", "measured_at", "business_date", "zone_id", "value_mean", "value_min", "value_max", "value_last"),
    *("value_std", "unit", "valid_minutes", "expected_minutes", "suspect_minutes", "failed_minutes"),
    *("missing_minutes", "valid_share", "is_valid", "flag_causal", "flag_final", "tests", "data_origin"),
)


@dataclass
class DaysRefresh:
    """What one refresh did: days made again, rows written, days left alone."""

    days: list[str] = field(default_factory=list)
    hours: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class TelemetryDays:
    """The hours and days of all points.

    Args:
        lake: where they lie.
        register: the register of devices.
    """

    lake: Lake
    register: PointRegister

    def wanted(self) -> dict[str, str]:
        """Return the input digest of every day as it should be now: of its pieces and of those it looks back on."""
        table = f"silver/{ZONE_HOURS}"
        if not self.lake.exists(table):
            return {}
        rows = self.lake.query(
            f"select business_date, string_agg(distinct zone_id || {INPUT_DIGEST}, ',' "  # noqa: S608
            f"order by zone_id || {INPUT_DIGEST}) from made group by 1",
            {"made": table},
        )
        made = dict(rows.iter_rows())
        rules = rules_digest()
        return {label: _digest(EDITION, rules, *(made.get(day, "") for day in _looked_at(label))) for label in made}

    def standing(self) -> dict[str, str]:
        """Return the input digest of every day that stands."""
        table = f"silver/{POINT_DAYS}"
        if not self.lake.exists(table):
            return {}
        query = f"select business_date, any_value({INPUT_DIGEST}) from made group by 1"  # noqa: S608
        return dict(self.lake.query(query, {"made": table}).iter_rows())

    def refresh(self, days: DayRange, report: Callable[[str], None] = lambda _: None) -> DaysRefresh:
        """Make the stale days in the range again."""
        done = DaysRefresh()
        wanted, standing = self.wanted(), self.standing()
        for label in sorted(wanted):
            if date.fromisoformat(label) not in days:
                continue
            if standing.get(label) == wanted[label]:
                done.unchanged += 1
                continue
            done.hours += self._make(label, wanted[label])
            done.days.append(label)
            report(f"遥测时值与日值 {label}")
        return done

    def _make(self, label: str, digest: str) -> int:
        day = date.fromisoformat(label)
        settings = self.register.rules_on(day).settings
        hours = heard_most(self._read(ZONE_HOURS, _looked_at(label)))
        counts = added_up(self._read(ZONE_DAYS, [label]))
        judged = judge_hours(
            hours,
            settings,
            self._usual_spread(settings, day),
            rows_in_force(seed_rows("rule_vital_consistencies"), day),
            day,
        )
        origins = counts.select("point_id", "data_origin").unique("point_id")
        judged = judged.join(origins, on="point_id", how="left").with_columns(tests=tests_text(pl.col("tests")))
        table = judged.select(HOUR_COLUMNS)
        zones = table.group_by("point_id").agg(pl.col("zone_id").sort_by("valid_minutes", "zone_id").last())
        made = days_of_points(day_values(table, settings), counts).join(zones, on="point_id", how="left")
        fused = fused_hours(
            table,
            settings,
            rows_in_force(seed_rows("rule_hazard_directions"), day),
            seed_rows("rule_fusion_settings"),
        )
        # The table of days comes last: its digest says that all of them stand.
        for name, frame in ((POINT_HOURS, table), (FUSED_HOURS, fused), (POINT_DAYS, made)):
            rows = frame.drop("business_date").with_columns(pl.lit(digest).cast(pl.Categorical).alias(INPUT_DIGEST))
            commit(self.lake, [stage(self.lake, f"silver/{name}", rows, {"business_date": label})])
        return table.height

    def _read(self, table: str, labels: Sequence[str]) -> pl.DataFrame:
        rows = self.lake.scan(f"silver/{table}", {"business_date": list(labels)}).collect()
        return rows.with_columns(pl.col("business_date").str.to_date())

    def _usual_spread(self, settings: pl.DataFrame, day: date) -> pl.Series:
        reach = int(settings["baseline_days"].max() or 0)  # type: ignore[arg-type]
        labels = [(day - timedelta(days=back)).isoformat() for back in range(1, reach + 1)]
        days = self._read(ZONE_DAYS, labels).select("point_id", "business_date", *MEASURES)
        usual = baseline(days, settings).select("point_id", "spread")
        return settings.select("point_id").join(usual, on="point_id", how="left", maintain_order="left")["spread"]


def _looked_at(label: str) -> list[str]:
    day = date.fromisoformat(label)
    return [(day - timedelta(days=back)).isoformat() for back in range(CONTEXT_DAYS, -1, -1)]


def stale_days(wanted: Mapping[str, str], standing: Mapping[str, str]) -> list[str]:
    """Return the labels whose digest is not the wanted one, oldest first."""
    return sorted(label for label, digest in wanted.items() if standing.get(label) != digest)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
