"""The index of single concentrations, of incomplete hours, and of hours around a change of edition."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.air_quality import IndexStandards, ReadingsError, StandardRowsError, daily_index, hourly_index
from methods.air_quality.index import DAILY_COLUMNS, HOURLY_COLUMNS

BEFORE = datetime(2026, 2, 28, 15, tzinfo=UTC)  # 23:00 of the last day of the edition of 2012, in Shanghai
AFTER = datetime(2026, 2, 28, 16, tzinfo=UTC)  # midnight: the first hour of the edition of 2026
FIRST_DAY = date(2026, 3, 1)
CLEAN = dict.fromkeys(HOURLY_COLUMNS, 0.0)
ADDED = {*(f"{code}_iaqi" for code in HOURLY_COLUMNS), "aqi", "aqi_at_least", "aqi_level", "aqi_level_name"} | {
    "primary_pollutants",
    "standard_code",
}


def hours(*rows: dict[str, Any], at: datetime = AFTER) -> pl.DataFrame:
    """Hours of one station; items not named are missing."""
    return pl.DataFrame(
        [
            {"measured_at": row.get("at", at), **{name: row.get(code) for code, name in HOURLY_COLUMNS.items()}}
            for row in rows
        ],
        schema={"measured_at": pl.Datetime("us", "UTC")} | dict.fromkeys(HOURLY_COLUMNS.values(), pl.Float64),
    )


def days(*rows: dict[str, Any], on: date = FIRST_DAY) -> pl.DataFrame:
    """Days of one station; items not named are missing."""
    return pl.DataFrame(
        [
            {"business_date": row.get("on", on), **{name: row.get(code) for code, name in DAILY_COLUMNS.items()}}
            for row in rows
        ],
        schema={"business_date": pl.Date} | dict.fromkeys(DAILY_COLUMNS.values(), pl.Float64),
    )


@pytest.mark.parametrize(
    ("report", "item", "concentration", "expected"),
    [
        ("daily", "pm25", 45, 70),
        ("daily", "pm25", 61, 101),
        ("daily", "pm25", 75, 114),
        ("daily", "pm25", 600, 500),
        ("daily", "pm10", 85, 75),
        ("daily", "pm10", 121, 101),
        ("daily", "o3", 161, 101),
        ("daily", "o3", 900, 300),
        ("daily", "co", 2.3, 58),
        ("daily", "so2", 151, 101),
        ("hourly", "so2", 801, 200),
        ("hourly", "no2", 150, 75),
        ("hourly", "pm25", 61, 101),
    ],
)
def test_one_concentration_under_the_edition_of_2026(
    standards: IndexStandards, report: str, item: str, concentration: float, expected: int
):
    row = CLEAN | {item: float(concentration)}
    result = hourly_index(hours(row), standards) if report == "hourly" else daily_index(days(row), standards)
    assert result[f"{item}_iaqi"].to_list() == [expected]
    assert result["aqi"].to_list() == [expected]


def test_a_breakpoint_has_its_own_index_in_every_column_of_every_edition(
    standards: IndexStandards, seeds: dict[str, pl.DataFrame]
):
    checked = 0
    for item in seeds["std_aqi_items"].iter_rows(named=True):
        code, is_hourly = item["pollutant_code"], item["report_code"] == "hourly"
        at = BEFORE if item["standard_code"] == "HJ 633-2012" else AFTER
        column = seeds["std_aqi_breakpoints"].filter(
            standard_code=item["standard_code"], pollutant_code=code, averaging_period=item["averaging_period"]
        )
        rows = [CLEAN | {code: float(high), "at": at, "on": at.date()} for high in column["concentration_high"]]
        if is_hourly:
            result = hourly_index(hours(*rows), standards)
        else:
            on = date(2026, 2, 28) if at == BEFORE else date(2026, 3, 1)
            result = daily_index(days(*({**row, "on": on} for row in rows)), standards)
        assert result["standard_code"].unique().to_list() == [item["standard_code"]]
        assert result[f"{code}_iaqi"].to_list() == column["aqi_high"].to_list()
        checked += column.height
    assert checked > 100


@pytest.mark.parametrize("noise", [0.0, 1e-12, 7.1e-15])
def test_binary_noise_on_a_breakpoint_does_not_lift_the_index(standards: IndexStandards, noise: float):
    # 0.1 + 0.2 is the classic: a mean of such numbers must not turn 50 into 51.
    result = hourly_index(hours({"pm25": 35 + noise}, {"co": 4.9 + 0.1 + noise, "pm25": 1.0}, at=BEFORE), standards)
    assert result["pm25_iaqi"].to_list() == [50, 2]
    assert result["co_iaqi"].to_list() == [None, 50]


def test_a_little_more_than_a_breakpoint_is_rounded_up_before_2026_and_rounded_away_after(standards: IndexStandards):
    row = CLEAN | {"pm25": 35.2}
    result = hourly_index(hours(row | {"at": BEFORE}, row | {"at": AFTER}), standards)
    assert result["pm25_iaqi"].to_list() == [51, 50]


@pytest.mark.parametrize(
    ("item", "concentration", "rounded"),
    [
        ("pm25", 60.5, 60),
        ("pm25", 61.5, 62),
        ("pm25", 60.4999, 60),
        ("co", 2.45, 2.4),
        ("co", 2.35, 2.4),
        ("co", 2.25, 2.2),
    ],
)
def test_a_half_is_rounded_to_the_even_neighbour(
    standards: IndexStandards, item: str, concentration: float, rounded: float
):
    result = hourly_index(hours(CLEAN | {item: concentration}, CLEAN | {item: float(rounded)}), standards)
    assert result["aqi"][0] == result["aqi"][1]


def test_the_same_air_is_judged_by_another_edition_after_midnight_in_shanghai(standards: IndexStandards):
    row = CLEAN | {"pm25": 75.0}
    result = hourly_index(hours(row | {"at": AFTER}, row | {"at": BEFORE}), standards)
    assert result["aqi"].to_list() == [114, 100]
    assert result["standard_code"].to_list() == ["HJ 633-2026", "HJ 633-2012"]
    assert result["aqi_level_name"].to_list() == ["轻度污染", "良"]


def test_records_before_2016_are_judged_by_the_edition_of_2012(standards: IndexStandards):
    result = hourly_index(hours(CLEAN, at=datetime(2013, 3, 1, tzinfo=UTC)), standards)
    assert result["standard_code"].to_list() == ["HJ 633-2012"]


def test_levels_begin_where_the_table_says(standards: IndexStandards):
    # Breakpoints of PM2.5 and a touch more, under 2026.
    row = [35, 36, 60, 61, 115, 116, 150, 151, 250, 251, 900]
    result = hourly_index(hours(*(CLEAN | {"pm25": float(value)} for value in row)), standards)
    assert result["aqi_level"].to_list() == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    assert result["aqi_level_name"].unique(maintain_order=True).to_list() == [
        "优",
        "良",
        "轻度污染",
        "中度污染",
        "重度污染",
        "严重污染",
    ]


def test_primary_pollutants_are_all_the_highest_and_only_above_fifty(standards: IndexStandards):
    result = hourly_index(
        hours(
            CLEAN | {"pm25": 35.0, "pm10": 50.0},
            CLEAN | {"pm25": 60.0, "pm10": 120.0, "o3": 180.0},
            CLEAN | {"so2": 151.0},
        ),
        standards,
    )
    assert result["aqi"].to_list() == [50, 100, 51]
    assert result["primary_pollutants"].to_list() == [None, "pm10,pm25", "so2"]


def test_the_cleanest_air_has_index_zero_before_2026_and_one_after(standards: IndexStandards):
    result = hourly_index(hours(CLEAN | {"at": BEFORE}, CLEAN | {"at": AFTER}), standards)
    assert result["aqi"].to_list() == [0, 1]
    assert result["aqi_level"].to_list() == [1, 1]


@pytest.mark.parametrize("item", ["so2", "no2", "co", "o3", "pm10"])
def test_before_2026_an_hour_is_published_without_an_item_other_than_pm25(standards: IndexStandards, item: str):
    row = CLEAN | {"pm25": 80.0, item: None}
    assert hourly_index(hours(row, at=BEFORE), standards)["aqi"].to_list() == [107]


def test_before_2026_pm25_may_be_missing_only_where_it_is_not_measured(standards: IndexStandards):
    frame = hours(*[CLEAN | {"pm10": 250.0, "pm25": None}] * 3, at=BEFORE)
    as_text = frame.with_columns(measured_items=pl.Series(["so2,no2,co,o3,pm10", "pm10,pm25", None]))
    as_list = frame.with_columns(measured_items=pl.Series([["so2", "pm10"], ["pm10", "pm25"], None]))
    for measured in (as_text, as_list):
        result = hourly_index(measured, standards)
        assert result["aqi"].to_list() == [150, None, None]
        assert result["aqi_at_least"].to_list() == [150, 150, 150]
        assert result["aqi_level"].to_list() == [3, None, None]
    assert hourly_index(frame, standards)["aqi"].to_list() == [None] * 3


@pytest.mark.parametrize("item", list(HOURLY_COLUMNS))
def test_from_2026_an_incomplete_hour_stays_empty_and_shows_what_it_is_at_least(standards: IndexStandards, item: str):
    row = {code: 300.0 if code.startswith("pm") else 1.0 for code in HOURLY_COLUMNS} | {item: None}
    frame = hours(row).with_columns(measured_items=pl.lit("so2,no2,co,o3,pm10,pm25".replace(item, "")))
    result = hourly_index(frame, standards)
    assert result["aqi"].to_list() == [None]
    assert result["primary_pollutants"].to_list() == [None]
    assert result["aqi_at_least"].item() > 100


def test_from_2026_an_incomplete_day_is_published_above_one_hundred_only(standards: IndexStandards):
    result = daily_index(days({"pm25": 60.0}, {"pm25": 61.0}), standards)
    assert result["aqi"].to_list() == [None, 101]
    assert result["aqi_at_least"].to_list() == [100, 101]
    assert result["primary_pollutants"].to_list() == [None, "pm25"]


def test_the_rule_for_incomplete_hours_is_a_value_in_the_edition_row(seeds: dict[str, pl.DataFrame]):
    adopted = seeds["std_aqi_editions"].with_columns(publish_incomplete_above=pl.lit(100))
    standards = IndexStandards.from_seeds(seeds | {"std_aqi_editions": adopted})
    assert hourly_index(hours({"pm25": 60.0}, {"pm25": 61.0}), standards)["aqi"].to_list() == [None, 101]


def test_before_2026_sulphur_dioxide_above_the_table_is_reported_by_its_day(standards: IndexStandards):
    frame = hours(*[CLEAN | {"so2": 900.0}] * 3, CLEAN | {"so2": 800.0}, at=BEFORE)
    frame = frame.with_columns(so2_24h_ug_per_m3=pl.Series([475.0, 2620.0, None, 475.0]))
    assert hourly_index(frame, standards)["so2_iaqi"].to_list() == [150, 500, 200, 200]
    later = frame.with_columns(measured_at=pl.lit(AFTER, pl.Datetime("us", "UTC")))
    assert hourly_index(later, standards)["so2_iaqi"].to_list() == [200, 200, 200, 200]


def test_before_2026_ozone_above_the_table_is_reported_by_its_highest_hour(standards: IndexStandards):
    frame = days(CLEAN | {"o3": 801.0}, on=date(2020, 7, 1)).with_columns(o3_1h_max_ug_per_m3=pl.lit(1000.0))
    assert daily_index(frame, standards)["o3_iaqi"].to_list() == [400]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1.0])
def test_what_is_no_concentration_has_no_index(standards: IndexStandards, value: float | None):
    for at in (BEFORE, AFTER):
        result = hourly_index(hours(dict.fromkeys(HOURLY_COLUMNS, value), at=at), standards)
        assert (
            result.select([*(f"{code}_iaqi" for code in HOURLY_COLUMNS), "aqi", "aqi_at_least"]).row(0) == (None,) * 8
        )
        assert result.select("aqi_level", "aqi_level_name", "primary_pollutants").row(0) == (None,) * 3


def test_an_absurd_number_is_at_the_end_of_the_scale_and_not_an_overflow(standards: IndexStandards):
    result = hourly_index(hours({"pm25": 1e308}, at=BEFORE), standards)
    assert result["aqi"].to_list() == [500]


def test_an_empty_frame_keeps_its_columns(standards: IndexStandards):
    filled = hourly_index(hours(CLEAN), standards)
    empty = hourly_index(hours(), standards)
    assert empty.is_empty()
    assert empty.schema == filled.schema
    assert set(filled.columns) - set(hours().columns) == ADDED


def test_a_time_without_a_zone_is_refused(standards: IndexStandards):
    naive = hours(CLEAN).with_columns(pl.col("measured_at").dt.replace_time_zone(None))
    with pytest.raises(ReadingsError, match=r"measured_at.*UTC"):
        hourly_index(naive, standards)


def test_a_missing_column_is_named(standards: IndexStandards):
    with pytest.raises(ReadingsError, match="o3_ug_per_m3 is missing"):
        hourly_index(hours(CLEAN).drop("o3_ug_per_m3"), standards)


def test_a_day_without_an_edition_is_refused(seeds: dict[str, pl.DataFrame]):
    only_new = seeds["std_aqi_editions"].filter(pl.col("standard_code") == "HJ 633-2026")
    standards = IndexStandards.from_seeds(seeds | {"std_aqi_editions": only_new})
    with pytest.raises(StandardRowsError, match=r"std_aqi_editions: 0 rows.*valid_from"):
        hourly_index(hours(CLEAN, at=BEFORE), standards)


def test_a_gap_in_the_breakpoints_is_refused(seeds: dict[str, pl.DataFrame]):
    gap = seeds["std_aqi_breakpoints"].filter(~((pl.col("pollutant_code") == "pm25") & (pl.col("aqi_low") == 100)))
    standards = IndexStandards.from_seeds(seeds | {"std_aqi_breakpoints": gap})
    with pytest.raises(StandardRowsError, match="pm25 24h"):
        hourly_index(hours(CLEAN), standards)


def test_a_breakpoint_amended_within_an_edition_holds_from_its_own_day(seeds: dict[str, pl.DataFrame]):
    old = seeds["std_aqi_breakpoints"]
    is_amended = (
        (pl.col("standard_code") == "HJ 633-2026") & (pl.col("pollutant_code") == "pm25") & (pl.col("aqi_low") < 100)
    )
    new = old.filter(is_amended & (pl.col("aqi_low") >= 0)).with_columns(
        valid_from=pl.lit("2031-01-01"),
        concentration_high=pl.col("concentration_high").replace({35: 25}),
        concentration_low=pl.col("concentration_low").replace({35: 25}),
    )
    closed = old.with_columns(valid_to=pl.when(is_amended).then(pl.lit("2031-01-01")).otherwise("valid_to"))
    amended = IndexStandards.from_seeds(seeds | {"std_aqi_breakpoints": pl.concat([closed, new])})
    frame = days(CLEAN | {"pm25": 25.0, "on": date(2030, 12, 31)}, CLEAN | {"pm25": 25.0, "on": date(2031, 1, 1)})
    assert daily_index(frame, amended)["aqi"].to_list() == [36, 50]


def test_seeds_read_as_plain_text_give_the_same_index(seeds: dict[str, pl.DataFrame], standards: IndexStandards):
    as_text = {name: rows.with_columns(pl.all().cast(pl.String)) for name, rows in seeds.items()}
    frame = hours(CLEAN | {"pm25": 75.0}, CLEAN | {"pm25": 75.0, "at": BEFORE})
    assert hourly_index(frame, IndexStandards.from_seeds(as_text)).equals(hourly_index(frame, standards))


any_time = st.sampled_from([BEFORE, AFTER])
item_codes = st.sampled_from(list(HOURLY_COLUMNS))
concentrations = st.floats(min_value=0, max_value=3000)


@settings(max_examples=30, deadline=None)
@given(at=any_time, item=item_codes, values=st.lists(concentrations, min_size=2, max_size=40))
def test_more_of_an_item_never_lowers_the_index(
    standards: IndexStandards, at: datetime, item: str, values: list[float]
):
    rows = [CLEAN | {item: value} for value in sorted(values)]
    result = hourly_index(hours(*rows, at=at), standards)
    assert result["aqi"].is_sorted()
    assert result["aqi"].null_count() == 0


@settings(max_examples=30, deadline=None)
@given(at=any_time, item=item_codes, tenths=st.lists(st.integers(0, 6000), min_size=1, max_size=40))
def test_the_index_agrees_with_exact_decimal_arithmetic(
    standards: IndexStandards, seeds: dict[str, pl.DataFrame], at: datetime, item: str, tenths: list[int]
):
    scale = 10 if item == "co" else 1  # values the edition of 2026 does not round
    rule = {"standard_code": "HJ 633-2012" if at == BEFORE else "HJ 633-2026", "pollutant_code": item}
    period = seeds["std_aqi_items"].filter(**rule, report_code="hourly")["averaging_period"].item()
    table = seeds["std_aqi_breakpoints"].filter(**rule, averaging_period=period).rows(named=True)

    def exact(value: Decimal) -> int:
        for row in table:
            low, high = Decimal(str(row["concentration_low"])), Decimal(str(row["concentration_high"]))
            if low <= value <= high:
                span = row["aqi_high"] - row["aqi_low"]
                return row["aqi_low"] + math.ceil(span * (value - low) / (high - low))
        return max(row["aqi_high"] for row in table)

    rows = [CLEAN | {item: tenth / scale} for tenth in tenths]
    expected = [exact(Decimal(tenth) / scale) for tenth in tenths]
    assert hourly_index(hours(*rows, at=at), standards)[f"{item}_iaqi"].to_list() == expected


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"at": any_time} | dict.fromkeys(HOURLY_COLUMNS, st.none() | concentrations)),
        min_size=1,
        max_size=12,
    ),
    random=st.randoms(use_true_random=False),
)
def test_neither_order_nor_neighbours_change_a_row_and_missing_is_never_zero(
    standards: IndexStandards, rows: list[dict[str, Any]], random: Random
):
    result = hourly_index(hours(*rows), standards)
    order = list(range(len(rows)))
    random.shuffle(order)
    assert hourly_index(hours(*(rows[place] for place in order)), standards).equals(result[order])
    for code, column in HOURLY_COLUMNS.items():
        assert result[f"{code}_iaqi"].is_null().to_list() == result[column].is_null().to_list()
    is_empty = result.select(pl.all_horizontal(pl.col(*HOURLY_COLUMNS.values()).is_null())).to_series()
    assert result.filter(is_empty)["aqi_at_least"].null_count() == is_empty.sum()
