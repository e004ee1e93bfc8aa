"""The hour as the national network publishes it: which of its columns the real-time index uses, and its words."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from methods.air_quality.index import HOURLY_COLUMNS, OTHER_PERIOD_COLUMNS, measured_items

HOUR_COLUMNS = {"so2": "so2", "no2": "no2", "co": "co", "o3": "o3", "pm10": "pm10", "pm25": "pm2_5"}
"""Published column of the last hour by item; µg/m³, CO mg/m³. The index of the hour is made from these."""

LONG_COLUMNS = {
    "so2": "so2_24h",
    "no2": "no2_24h",
    "co": "co_24h",
    "o3": "o3_8h",
    "pm10": "pm10_24h",
    "pm25": "pm2_5_24h",
}
"""Published running mean by item. A value in it shows that the station measures the item, hour missing or not."""


def published_hours(publication: pl.DataFrame) -> pl.DataFrame:
    """Give published hours the columns of `hourly_index`.

    Args:
        publication: One row per station and hour: any of the columns of `HOUR_COLUMNS` and `LONG_COLUMNS`, as
            numbers; a column that is not there counts as missing everywhere.

    Returns:
        The same rows and columns, and those of `HOURLY_COLUMNS`, `so2_24h_ug_per_m3` and `measured_items`. Where a
        publication has no running mean of an item, nothing shows that a station lacks the instrument: it is taken to
        measure it.
    """
    complete = publication.with_columns(
        pl.lit(None, pl.Float64).alias(name)
        for name in (*HOUR_COLUMNS.values(), LONG_COLUMNS["so2"])
        if name not in publication.columns
    )
    return complete.with_columns(
        _measured(publication.columns),
        *(pl.col(HOUR_COLUMNS[code]).cast(pl.Float64).alias(name) for code, name in HOURLY_COLUMNS.items()),
        pl.col(LONG_COLUMNS["so2"]).cast(pl.Float64).alias(OTHER_PERIOD_COLUMNS["so2", "24h"]),
    )


def named_items(codes: pl.Expr, names: Mapping[str, str]) -> pl.Expr:
    """Put names in the place of item codes joined by commas, in the same order; null stays null."""
    return codes.str.split(",").list.eval(pl.element().replace_strict(dict(names))).list.join(",")


def _measured(columns: list[str]) -> pl.Expr:
    known = {code: [HOUR_COLUMNS[code], name] for code, name in LONG_COLUMNS.items() if name in columns}
    taken = [pl.lit(code) for code in LONG_COLUMNS if code not in known]
    shown = [measured_items(known)] if known else []
    return pl.concat_str([*shown, *taken], separator=",").alias("measured_items")
