"""Bad input: every kind of it goes to quarantine with its place, reason and remedy, and the good rows land."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ingestion.quarantine import REASONS
from tests.unit.ingestion.landing.conftest import Park

FILE = "2026-03-01.parquet"
CSV = "2026-03-01.csv.gz"
TIME = pl.col("measured_at")


def set_cell(rows: pl.DataFrame, row: int, column: str, value: object) -> pl.DataFrame:
    """Return the rows with one cell (row from 1) changed."""
    cell = pl.lit(value).cast(rows.schema[column])
    here = pl.int_range(1, pl.len() + 1) == row
    return rows.with_columns(pl.when(here).then(cell).otherwise(pl.col(column)).alias(column))


def local(hour: int, day: int = 1) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC) - timedelta(hours=8)


# --- whole files -----------------------------------------------------------------------------------------------------


SPOILED = [
    (FILE, lambda park: park.encoded(park.readings(), FILE)[:-20], "unreadable"),
    (FILE, lambda park: park.encoded(park.readings(), FILE)[:40], "unreadable"),
    (FILE, lambda _: b"", "unreadable"),
    (FILE, lambda _: b"<html>503 Service Unavailable</html>", "unreadable"),
    (FILE, lambda park: park.encoded(park.texts(), CSV), "unreadable"),
    (CSV, lambda park: park.encoded(park.texts(), CSV)[:-12], "unreadable"),
    (CSV, lambda _: b"", "unreadable"),
    (CSV, lambda _: gzip.compress(b""), "unreadable"),
    (CSV, lambda park: park.texts().write_csv().encode(), "unreadable"),
    (CSV, lambda park: gzip.compress(park.texts().write_csv().encode() + b"1,2,3,4,5,6,7,8,9\n"), "unreadable"),
    (FILE, lambda park: park.readings().clear(), "empty_delivery"),
    (CSV, lambda park: park.texts().clear(), "empty_delivery"),
    (FILE, lambda park: park.readings().rename({"value": "val"}), "missing_column"),
    (CSV, lambda park: park.texts().drop("unit"), "missing_column"),
    (FILE, lambda park: park.readings().rename({"measured_at": "time"}), "missing_column"),
    (FILE, lambda park: park.readings().with_columns(TIME.dt.replace_time_zone(None)), "time_without_zone"),
    (CSV, lambda park: park.texts().with_columns(TIME.str.head(19)), "time_without_zone"),
    (CSV, lambda park: park.texts().with_columns(TIME.str.replace("+08", "+00", literal=True)), "wrong_time_zone"),
    (CSV, lambda park: park.texts().with_columns(TIME.str.replace("+08:00", "Z", literal=True)), "wrong_time_zone"),
    (FILE, lambda park: park.readings().with_columns(TIME.dt.replace_time_zone("UTC")), "wrong_time_zone"),
    (FILE, lambda park: park.readings().with_columns(TIME.dt.offset_by("-8h")), "wrong_time_zone"),
    ("2026-02-30.parquet", lambda park: park.readings(), "wrong_file_name"),
    ("2026_03_01.parquet", lambda park: park.readings(), "wrong_file_name"),
    ("2026-03-01.txt", lambda park: park.texts().write_csv().encode(), "wrong_file_name"),
]


@pytest.mark.parametrize(("name", "spoil", "reason"), SPOILED)
def test_a_file_that_cannot_be_used_is_refused_whole(park: Park, name: str, spoil: Callable[..., object], reason: str):
    park.put(name, spoil(park))
    park.put("2026-03-02.parquet", park.readings("2026-03-02"))
    result = park.land()
    assert result.deliveries_refused == 1
    assert result.refusals == {reason: 1}
    assert park.bronze().height == 24, "the good file of the next day lands"
    (row,) = park.refused().rows(named=True)
    assert (row["source"], row["stream"]) == ("iot_archive", "air_readings")
    assert row["_source_uri"] == f"air_readings/{name}"
    assert row["reason_code"] == reason
    assert row["reason"].startswith(REASONS[reason].text)
    assert row["remedy"] == REASONS[reason].remedy
    assert row["_row_number"] is None


def test_a_renamed_column_is_named_with_its_new_name(park: Park):
    park.put(FILE, park.readings().rename({"value": "val"}))
    park.land()
    assert "缺 value；多出 val" in park.refused()["reason"].item()


def test_a_refused_file_is_reported_once(park: Park):
    park.put(FILE, b"")
    park.land()
    again = park.land()
    assert (again.deliveries_known, again.deliveries_refused) == (1, 0)
    assert park.refused().height == 1


@pytest.mark.parametrize("at_once", [True, False])
def test_two_empty_files_are_two_faults(park: Park, at_once: bool):
    park.put(FILE, b"")
    if not at_once:
        park.land()
    park.put("2026-03-02.parquet", b"")
    park.land()
    assert park.refused()["_source_uri"].to_list() == [f"air_readings/2026-03-0{day}.parquet" for day in (1, 2)]


@pytest.mark.parametrize("wrong_name", ["2026-03-05.parquet", "2026-03-02.parquet", "day one.parquet"])
def test_a_file_of_the_wrong_name_lands_once_it_has_the_right_one(park: Park, wrong_name: str):
    path = park.put(wrong_name, park.readings("2026-03-01"))
    park.land()
    assert park.bronze().is_empty()
    assert not park.refused().is_empty()
    path.rename(path.with_name(FILE))
    assert park.land().rows_landed == 24


def test_a_truncated_file_lands_once_it_is_delivered_whole(park: Park):
    whole = park.encoded(park.readings(), FILE)
    park.put(FILE, whole[:-30])
    park.land()
    park.put(FILE, whole)
    assert park.land().rows_landed == 24
    assert park.bronze().height == 24


# --- single rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("value", float("nan"), "not_finite"),
        ("value", float("inf"), "not_finite"),
        ("value", float("-inf"), "not_finite"),
        ("value", 1e308, "not_finite"),
        ("value", None, "missing_value"),
        ("station_id_iot", None, "missing_value"),
        ("factor_code", None, "missing_value"),
        ("measured_at", None, "missing_value"),
        ("unit", None, "missing_value"),
        ("data_origin", None, "missing_value"),
        ("measured_at", local(0, day=2), "outside_archive_day"),
        ("measured_at", local(23, day=1) - timedelta(days=40), "outside_archive_day"),
        ("measured_at", datetime(2026, 3, 11, tzinfo=UTC), "future_time"),
        ("measured_at", datetime(2200, 1, 1, tzinfo=UTC), "future_time"),
    ],
)
def test_one_bad_row_is_set_aside_and_the_others_land(park: Park, column: str, value: object, reason: str):
    park.put(FILE, set_cell(park.readings(), 7, column, value))
    result = park.land()
    assert (result.rows_landed, result.rows_refused, result.refusals) == (23, 1, {reason: 1})
    assert 7 not in park.bronze()["_row_number"].to_list()
    (row,) = park.refused().rows(named=True)
    assert (row["_source_uri"], row["_row_number"], row["reason_code"]) == (f"air_readings/{FILE}", 7, reason)
    assert row["remedy"] == REASONS[reason].remedy
    assert set(json.loads(row["record"])) >= {"station_id_iot", "value"}


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("value", "12,5", "wrong_type"),
        ("value", "低于检出限", "wrong_type"),
        ("value", "<0.1", "wrong_type"),
        ("value", "NaN", "not_finite"),
        ("value", "inf", "not_finite"),
        ("value", "1e308", "not_finite"),
        ("value", "1e999", "not_finite"),
        ("value", "", "missing_value"),
        ("value", "  ", "missing_value"),
        ("measured_at", "yesterday", "wrong_type"),
        ("measured_at", "2026-03-01T25:00:00+08:00", "wrong_type"),
        ("measured_at", "2026-03-01T06:00:00", "time_without_zone"),
        ("measured_at", "2026-03-01 06:00:00", "time_without_zone"),
        ("measured_at", "2026-03-01T06:00:00+00:00", "wrong_time_zone"),
        ("measured_at", "2026-03-01T06:00:00Z", "wrong_time_zone"),
        ("measured_at", "2026-03-02T06:00:00+08:00", "outside_archive_day"),
        ("measured_at", "2026-03-11T06:00:00+08:00", "future_time"),
        ("source_measured_at", "2014-03-01T06:00:00", "wrong_type"),
    ],
)
def test_one_bad_text_is_set_aside_with_the_text_that_was_received(park: Park, column: str, text: str, reason: str):
    park.put(CSV, set_cell(park.texts(), 7, column, text))
    result = park.land()
    assert (result.rows_landed, result.refusals) == (23, {reason: 1})
    (row,) = park.refused().rows(named=True)
    assert row["_row_number"] == 7
    if text.strip():
        assert json.loads(row["record"])[column] == text


@pytest.mark.parametrize(
    ("value", "shown"), [(float("nan"), "NaN"), (float("inf"), "inf"), (float("-inf"), "-inf"), (1e308, 1e308)]
)
def test_a_number_that_is_no_number_is_shown_to_the_steward(park: Park, value: float, shown: object):
    park.put(FILE, set_cell(park.readings(), 7, "value", value))
    park.land()
    assert json.loads(park.refused()["record"].item())["value"] == shown


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("measured_at", pl.Series([1772294400 + 3600 * hour for hour in range(24)])),
        ("value", pl.Series([[1.0]] * 24)),
        ("value", pl.Series([True] * 24)),
        ("value", pl.Series([b"\xff\x00"] * 24)),
        ("value", pl.Series([timedelta(1)] * 24)),
        ("value", pl.Series([{"v": 1.0}] * 24)),
        ("station_id_iot", pl.Series([b"\xff\x00"] * 24)),
        ("source_measured_at", pl.Series([datetime(2014, 3, 1)] * 24)),  # noqa: DTZ001 - that is the fault
        ("source_measured_at", pl.Series([1393603200] * 24)),
    ],
)
def test_a_column_of_another_type_is_never_guessed_at(park: Park, column: str, values: pl.Series):
    park.put(FILE, park.readings().with_columns(values.alias(column)))
    result = park.land()
    assert (result.rows_landed, result.refusals) == (0, {"wrong_type": 24})
    assert all(json.loads(record)[column] is not None for record in park.refused()["record"])


def test_a_column_without_any_value_is_missing_values(park: Park):
    park.put(FILE, park.readings().with_columns(value=pl.lit(None)))
    assert park.land().refusals == {"missing_value": 24}


def test_a_late_row_does_not_condemn_a_small_file(park: Park):
    rows = park.readings(hours=[0, 1, 2])
    park.put(FILE, set_cell(rows, 3, "measured_at", local(0, day=2)))
    result = park.land()
    assert (result.rows_landed, result.refusals) == (2, {"outside_archive_day": 1})


def test_a_file_of_another_day_is_refused_row_by_row(park: Park):
    park.put("2026-03-05.parquet", park.readings("2026-03-01"))
    assert park.land().refusals == {"outside_archive_day": 24}
    assert park.bronze().is_empty()


def test_a_row_of_a_minute_ahead_is_within_the_clocks_tolerance(park: Park):
    moment = datetime(2026, 3, 10, 4, 1, tzinfo=UTC)
    rows = park.readings("2026-03-10", hours=[1, 2, 3])
    park.put("2026-03-10.parquet", set_cell(rows, 3, "measured_at", moment))
    assert park.land().rows_landed == 3


def test_rows_are_counted_by_reason(park: Park):
    rows = set_cell(set_cell(set_cell(park.readings(), 1, "value", float("nan")), 2, "value", None), 3, "unit", None)
    park.put(FILE, rows)
    result = park.land()
    assert result.refusals == {"not_finite": 1, "missing_value": 2}
    assert park.reasons() == [(1, "not_finite"), (2, "missing_value"), (3, "missing_value")]
