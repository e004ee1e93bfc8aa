"""What the warehouse gets of telemetry: tables, columns and types; minutes and single exceptions stay in the lake."""

from __future__ import annotations

import polars as pl

from orchestration.telemetry.days import FUSED_HOURS, POINT_DAYS, POINT_HOURS
from orchestration.telemetry.pieces import TREATMENTS

TEXT, NUMBER, TRUTH = pl.String(), pl.Float64(), pl.Boolean()
DATE, MOMENT = pl.Date(), pl.Datetime("us", "UTC")
FLAG, COUNT, TALLY = pl.Int16(), pl.Int32(), pl.Int64()

LOADED: dict[str, dict[str, pl.DataType]] = {
    POINT_HOURS: {
        "point_id": TEXT,
        "measured_at": MOMENT,
        "business_date": DATE,
        "zone_id": TEXT,
        "value_mean": NUMBER,
        "value_min": NUMBER,
        "value_max": NUMBER,
        "value_last": NUMBER,
        "value_std": NUMBER,
        "unit": TEXT,
        "valid_minutes": COUNT,
        "expected_minutes": COUNT,
        "suspect_minutes": COUNT,
        "failed_minutes": COUNT,
        "missing_minutes": COUNT,
        "valid_share": NUMBER,
        "is_valid": TRUTH,
        "flag_causal": FLAG,
        "flag_final": FLAG,
        "tests": TEXT,
        "data_origin": TEXT,
    },
    FUSED_HOURS: {
        "redundancy_group": TEXT,
        "measured_at": MOMENT,
        "business_date": DATE,
        "zone_id": TEXT,
        "vital_code": TEXT,
        "object_id": TEXT,
        "unit": TEXT,
        "value": NUMBER,
        "standard_uncertainty": NUMBER,
        "flag_final": FLAG,
        "sources_used": COUNT,
        "sources_dropped": COUNT,
        "is_in_conflict": TRUTH,
        "has_hazardous_outlier": TRUTH,
        "dropped_sources": TEXT,
        "data_origin": TEXT,
    },
    POINT_DAYS: {
        "point_id": TEXT,
        "business_date": DATE,
        "zone_id": TEXT,
        "value_mean": NUMBER,
        "value_min": NUMBER,
        "value_max": NUMBER,
        "value_last": NUMBER,
        "unit": TEXT,
        "valid_hours": COUNT,
        "readings_expected": TALLY,
        "readings_received": TALLY,
        "readings_passed": TALLY,
        "readings_suspect": TALLY,
        "readings_failed": TALLY,
        "readings_missing": TALLY,
        "readings_late": TALLY,
        "readings_superseded": TALLY,
        "minutes_online": TALLY,
        "offline_episodes": TALLY,
        "last_measured_at": MOMENT,
        "last_received_at": MOMENT,
        "data_origin": TEXT,
    },
    TREATMENTS: {
        "point_id": TEXT,
        "business_date": DATE,
        "zone_id": TEXT,
        "treatment_code": TEXT,
        "effect": TEXT,
        "readings": TALLY,
        "first_at": MOMENT,
        "last_at": MOMENT,
    },
}
