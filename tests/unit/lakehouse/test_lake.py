"""The lake: what is appended and replaced is what both readers see."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake.exceptions import DeltaError

from lakehouse.lake import Lake, TableNotFoundError

TABLE = "silver/readings"
MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def rows(day: str, *values: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "point": [f"P{index}" for index in range(len(values))],
            "measured_at": pl.Series([MOMENT] * len(values), dtype=pl.Datetime("us", "UTC")),
            "value": pl.Series(values, dtype=pl.Float64),
            "day": [day] * len(values),
        }
    )


def by_polars(lake: Lake, table: str = TABLE) -> pl.DataFrame:
    frame = lake.scan(table).collect()
    return frame.sort(frame.columns)


def by_duckdb(lake: Lake, table: str = TABLE) -> pl.DataFrame:
    frame = lake.query("select * from it", {"it": table})
    return frame.sort(frame.columns)


def test_appended_rows_are_the_same_through_polars_and_duckdb(lake: Lake):
    lake.append(TABLE, rows("2026-03-01", 1, 2), ["day"], {"deliveries": "1"})
    lake.append(TABLE, rows("2026-03-02", 3), ["day"], {"deliveries": "1"})
    assert by_polars(lake)["value"].sort().to_list() == [1, 2, 3]
    assert by_polars(lake).equals(by_duckdb(lake))
    assert by_polars(lake).schema == by_duckdb(lake).schema


@pytest.mark.parametrize("label", ["2026-03-01", "2026", "2026-03", "007", "一区", "a=b", "50%", "Z 1/a", "o'clock"])
def test_a_partition_label_stays_the_text_it_was(lake: Lake, label: str):
    lake.append(TABLE, rows(label, 1), ["day"], {})
    lake.append(TABLE, rows("another", 2), ["day"], {})
    lake.replace_partitions(TABLE, rows(label, 10), "day", [label])
    expected = {label: 10.0, "another": 2.0}
    assert lake.labels(TABLE, "day") == {*expected}
    for frame in (by_polars(lake), by_duckdb(lake)):
        assert frame.schema["day"] == pl.String
        assert dict(frame.select("day", "value").iter_rows()) == expected
    assert lake.scan(TABLE, {"day": [label]}).collect()["value"].to_list() == [10]


def test_a_replaced_partition_is_replaced_whole_and_its_neighbour_is_left_alone(lake: Lake):
    lake.replace_partitions(TABLE, pl.concat([rows("d1", 1, 2, 3), rows("d2", 4)]), "day", ["d1", "d2"])
    lake.replace_partitions(TABLE, rows("d1", 9), "day", ["d1"])
    assert by_polars(lake).select("day", "value").sort("day").rows() == [("d1", 9.0), ("d2", 4.0)]


def test_replacing_twice_by_the_same_rows_changes_nothing(lake: Lake):
    for _ in range(2):
        lake.replace_partitions(TABLE, rows("d1", 1, 2), "day", ["d1"])
    assert by_polars(lake)["value"].to_list() == [1, 2]


def test_a_row_outside_the_named_partitions_is_refused_and_nothing_changes(lake: Lake):
    lake.replace_partitions(TABLE, rows("d1", 1), "day", ["d1"])
    with pytest.raises(DeltaError):
        lake.replace_partitions(TABLE, rows("d2", 2), "day", ["d1"])
    assert by_polars(lake)["value"].to_list() == [1]


def test_replacing_no_partition_writes_no_version(lake: Lake):
    lake.replace_partitions(TABLE, rows("d1", 1), "day", ["d1"])
    before = lake.version(TABLE)
    lake.replace_partitions(TABLE, rows("d1", 1).clear(), "day", [])
    assert lake.version(TABLE) == before


def test_an_emptied_table_keeps_its_columns_for_both_readers(lake: Lake):
    lake.replace_partitions(TABLE, rows("d1", 1), "day", ["d1"])
    lake.replace_partitions(TABLE, rows("d1", 1).clear(), "day", ["d1"])
    assert lake.exists(TABLE)
    for frame in (by_polars(lake), by_duckdb(lake)):
        assert frame.is_empty()
        assert frame.schema == rows("d1", 1).schema
    assert lake.query("select count(*) as n from it", {"it": TABLE}).item() == 0


def test_a_filter_that_finds_no_partition_gives_no_rows(lake: Lake):
    lake.append(TABLE, rows("d1", 1), ["day"], {})
    assert lake.scan(TABLE, {"day": ["d9"]}).collect().schema == rows("d1", 1).schema


def test_a_new_column_is_null_in_older_rows(lake: Lake):
    lake.append(TABLE, rows("d1", 1), ["day"], {})
    lake.append(TABLE, rows("d2", 2).with_columns(flag=pl.lit("N")), ["day"], {})
    lake.replace_partitions(TABLE, rows("d3", 3).with_columns(flag=pl.lit("D"), age=pl.lit(1.5)), "day", ["d3"])
    expected = [("d1", None, None), ("d2", "N", None), ("d3", "D", 1.5)]
    for frame in (by_polars(lake), by_duckdb(lake)):
        assert frame.sort("day").select("day", "flag", "age").rows() == expected


def test_a_changed_type_is_refused_and_the_old_rows_stand(lake: Lake):
    lake.append(TABLE, rows("d1", 1), ["day"], {})
    with pytest.raises(DeltaError):
        lake.append(TABLE, rows("d2", 2).with_columns(value=pl.lit("much")), ["day"], {})
    assert by_polars(lake)["value"].to_list() == [1]


def test_a_table_that_was_never_written_is_told_apart_from_an_empty_one(lake: Lake):
    assert not lake.exists(TABLE)
    assert lake.version(TABLE) is None
    with pytest.raises(TableNotFoundError):
        lake.scan(TABLE)


def test_moments_keep_their_instant_through_duckdb(lake: Lake):
    lake.append(TABLE, rows("d1", 1), ["day"], {})
    answer = lake.query("select hour(measured_at) as utc_hour, measured_at from it", {"it": TABLE})
    assert answer["utc_hour"].item() == 8
    assert answer["measured_at"].item() == MOMENT


def test_query_parameters_are_values_not_text_of_the_statement(lake: Lake):
    lake.append(TABLE, rows("o'clock", 1), ["day"], {})
    found = lake.query("select value from it where day = ?", {"it": TABLE}, ["o'clock"])
    assert found["value"].to_list() == [1]


def test_compaction_changes_no_row(lake: Lake):
    for value in range(5):
        lake.append(TABLE, rows("d1", value), ["day"], {})
    before = by_polars(lake)
    lake.optimise(TABLE)
    assert by_polars(lake).equals(before)
    assert by_duckdb(lake).equals(before)
