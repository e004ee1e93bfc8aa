"""What the rows of the air standards promise to everyone who reads them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from methods.air_quality import StandardRowsError
from methods.air_quality.standards import SEED_SCHEMAS, typed_rows

KEYS = {
    "std_aqi_editions": ["report_code"],
    "std_aqi_items": ["report_code", "pollutant_code"],
    "std_aqi_breakpoints": ["pollutant_code", "averaging_period", "aqi_low"],
    "std_aqi_levels": ["aqi_level"],
    "std_ambient_limits": ["zone_class", "pollutant_code", "averaging_period"],
    "std_air_validity": ["statistic_code"],
}


@pytest.mark.parametrize("seed", sorted(KEYS))
def test_rows_of_one_thing_follow_each_other_without_gap_or_overlap(seeds: dict[str, pl.DataFrame], seed: str):
    rows = typed_rows(seed, seeds[seed])
    for key, editions in rows.sort("valid_from").group_by(KEYS[seed]):
        starts, ends = editions["valid_from"].to_list(), editions["valid_to"].to_list()
        assert starts[0] == date(1900, 1, 1), key
        assert starts[1:] == ends[:-1], key
        assert ends[-1] is None, key


@pytest.mark.parametrize("seed", sorted(KEYS))
def test_every_row_names_its_standard_clause_and_source(seeds: dict[str, pl.DataFrame], seed: str):
    assert seeds[seed].select("standard_code", "clause", "source_mark").null_count().row(0) == (0, 0, 0)


def test_limits_never_grow_looser(seeds: dict[str, pl.DataFrame]):
    limits = seeds["std_ambient_limits"].sort("valid_from")
    steps = limits.with_columns(step=pl.col("limit_value").diff().over(KEYS["std_ambient_limits"]))
    assert steps["step"].drop_nulls().max() == 0
    wide = limits.pivot("zone_class", index=["pollutant_code", "averaging_period", "valid_from"], values="limit_value")
    assert wide.filter(pl.col("1") > pl.col("2")).is_empty()


def test_index_one_hundred_of_a_day_is_the_class_2_limit_in_force_when_the_edition_began(
    seeds: dict[str, pl.DataFrame],
):
    hundred = seeds["std_aqi_breakpoints"].filter(pl.col("aqi_high") == 100)
    limits = seeds["std_ambient_limits"].filter(zone_class=2)
    both = hundred.join(limits, on=["pollutant_code", "averaging_period", "valid_from", "unit"])
    assert both.height == 20
    assert both.filter(pl.col("concentration_high") != pl.col("limit_value")).is_empty()


def test_every_seed_read_here_is_covered():
    assert set(KEYS) == set(SEED_SCHEMAS)


def test_a_seed_without_a_column_is_refused_by_name(seeds: dict[str, pl.DataFrame]):
    with pytest.raises(StandardRowsError, match=r"std_aqi_levels: column aqi_low is missing"):
        typed_rows("std_aqi_levels", seeds["std_aqi_levels"].drop("aqi_low"))


@pytest.mark.parametrize(("column", "value"), [("valid_from", "1 March"), ("aqi_low", "ten")])
def test_a_value_of_another_type_is_refused_by_seed(seeds: dict[str, pl.DataFrame], column: str, value: str):
    with pytest.raises(StandardRowsError, match="std_aqi_levels"):
        typed_rows("std_aqi_levels", seeds["std_aqi_levels"].with_columns(pl.lit(value).alias(column)))
