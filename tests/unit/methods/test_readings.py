"""Readings as received become readings in canonical units; what no reference row covers is named, not dropped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.readings import CleanReadings, clean_readings, hours_by_station, worst_origin

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
FACTORS = pl.DataFrame(
    {
        "factor_code": ["a34004", "a34004", "a21005", "a21005", "a01001"],
        "pollutant_code": ["pm25", "pm25", "co", "co", "air_temperature"],
        "source_unit": ["ug/m3", "mg/m3", "ug/m3", "mg/m3", "degC"],
        "canonical_unit": ["ug/m3", "ug/m3", "mg/m3", "mg/m3", "degC"],
        "conversion_factor": [1.0, 1000.0, 0.001, 1.0, 1.0],
        "valid_from": [date(2010, 1, 1)] * 5,
        "valid_to": pl.Series([None] * 5, dtype=pl.Date),
    }
)


def received(*rows: dict[str, object]) -> pl.DataFrame:
    """Return bronze rows: PM2.5 of A01 at noon, with what each row says instead."""
    usual = {
        "station_id_iot": "A01",
        "factor_code": "a34004",
        "measured_at": NOON,
        "value": 35.0,
        "unit": "ug/m3",
        "source_flag": "N",
        "source_measured_at": None,
        "data_origin": "measured",
        "_source_uri": "air_readings/2026-03-01.parquet",
        "_loaded_at": datetime(2026, 3, 2, tzinfo=UTC),
        "_digest": "d",
    }
    complete = [{**usual, "_row_number": number, **row} for number, row in enumerate(rows, 1)]
    times = dict.fromkeys(("measured_at", "source_measured_at", "_loaded_at"), pl.Datetime("us", "UTC"))
    return pl.DataFrame(complete, schema_overrides=times, infer_schema_length=None)


def clean(*rows: dict[str, object], factors: pl.DataFrame = FACTORS) -> CleanReadings:
    return clean_readings(received(*rows), factors, ["A01", "A02"])


@pytest.mark.parametrize(
    ("factor", "value", "unit", "expected"),
    [
        ("a34004", 35.0, "ug/m3", (35.0, "ug/m3")),
        ("a34004", 0.035, "mg/m3", (35.0, "ug/m3")),
        ("a21005", 900.0, "ug/m3", (0.9, "mg/m3")),
        ("a01001", -7.5, "degC", (-7.5, "degC")),
    ],
)
def test_values_are_converted_and_the_reported_ones_kept_beside(
    factor: str, value: float, unit: str, expected: tuple[float, str]
):
    row = clean({"factor_code": factor, "value": value, "unit": unit}).readings.row(0, named=True)
    assert row["value"] == pytest.approx(expected[0])
    assert row["unit"] == expected[1]
    assert (row["reported_value"], row["reported_unit"]) == (value, unit)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"station_id_iot": "A99"}, "unknown_station"),
        ({"factor_code": "a99999"}, "unknown_factor"),
        ({"unit": "ppb"}, "unknown_unit"),
        ({"unit": "UG/M3"}, "unknown_unit"),
        ({"station_id_iot": "A99", "factor_code": "a99999", "unit": "ppb"}, "unknown_station"),
        ({"factor_code": "a99999", "unit": "ppb"}, "unknown_factor"),
        ({"measured_at": datetime(2009, 12, 31, 15, 59, tzinfo=UTC)}, "unknown_unit"),
    ],
)
def test_what_no_reference_row_covers_is_named(row: dict[str, object], reason: str):
    cleaned = clean(row, {"station_id_iot": "A02"})
    assert cleaned.readings.height == 1
    assert cleaned.unknown["reason_code"].to_list() == [reason]
    assert cleaned.unknown["_row_number"].to_list() == [1]


def test_the_newest_delivery_of_a_key_wins_whatever_the_order():
    older = {"value": 1.0, "_loaded_at": datetime(2026, 3, 2, tzinfo=UTC)}
    newer = {"value": 2.0, "_loaded_at": datetime(2026, 3, 3, tzinfo=UTC)}
    for rows in ((older, newer), (newer, older)):
        cleaned = clean(*rows)
        assert cleaned.readings["value"].to_list() == [2.0]
        assert cleaned.superseded == 1


def test_of_two_rows_of_one_file_the_later_one_wins():
    assert clean({"value": 1.0}, {"value": 2.0}).readings["value"].to_list() == [2.0]


def test_keys_are_told_apart():
    rows = (
        {},
        {"station_id_iot": "A02"},
        {"factor_code": "a01001", "unit": "degC"},
        {"measured_at": NOON + timedelta(hours=1)},
    )
    assert clean(*rows).readings.height == 4


def test_the_unit_row_of_the_business_date_judges_half_open_at_midnight_in_shanghai():
    factors = FACTORS.head(1).with_columns(valid_to=pl.date(2026, 3, 1))
    new = FACTORS.head(1).with_columns(valid_from=pl.date(2026, 3, 1), conversion_factor=pl.lit(2.0))
    midnight = datetime(2026, 2, 28, 16, tzinfo=UTC)
    cleaned = clean(
        {"measured_at": midnight - timedelta(seconds=1)}, {"measured_at": midnight}, factors=pl.concat([factors, new])
    )
    assert cleaned.readings.sort("measured_at")["value"].to_list() == [35.0, 70.0]


def test_a_closed_row_without_a_follower_no_longer_converts():
    factors = FACTORS.head(1).with_columns(valid_to=pl.date(2026, 3, 1))
    assert clean({}, factors=factors).unknown["reason_code"].to_list() == ["unknown_unit"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A01", "A02", "A99"]),
            st.sampled_from(["a34004", "a21005", "zz"]),
            st.sampled_from(["ug/m3", "mg/m3", "ppb"]),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_received_row_is_clean_unknown_or_superseded(cells: list[tuple[str, str, str, int]]):
    cleaned = clean(
        *(
            {
                "station_id_iot": station,
                "factor_code": factor,
                "unit": unit,
                "measured_at": NOON + timedelta(hours=hour),
            }
            for station, factor, unit, hour in cells
        )
    )
    assert cleaned.readings.height + cleaned.unknown.height + cleaned.superseded == len(cells)
    assert not cleaned.readings.select("station_id", "pollutant_code", "measured_at").is_duplicated().any()


def test_hours_stand_side_by_side_and_a_missing_one_is_null():
    readings = clean({}, {"factor_code": "a21005", "value": 900.0, "measured_at": NOON + timedelta(hours=1)}).readings
    hours = hours_by_station(readings, {"pm25": "pm25_ug_per_m3", "co": "co_mg_per_m3"})
    assert hours.select("measured_at", "pm25_ug_per_m3", "co_mg_per_m3").rows() == [
        (NOON, 35.0, None),
        (NOON + timedelta(hours=1), None, pytest.approx(0.9)),
    ]


@pytest.mark.parametrize(
    ("origins", "worst"),
    [
        (["measured"], "measured"),
        (["measured", "replayed"], "replayed"),
        (["replayed", "simulated", "measured"], "simulated"),
    ],
)
def test_the_worst_origin_present_is_shown(origins: list[str], worst: str):
    assert pl.DataFrame({"data_origin": origins}).select(worst_origin("data_origin")).item() == worst
