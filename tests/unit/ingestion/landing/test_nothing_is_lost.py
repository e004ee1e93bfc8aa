"""Whatever is delivered, every row is either in bronze or in quarantine, and a second landing changes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.lake import Lake
from lakehouse.settings import PARK_TIME_ZONE
from tests.unit.ingestion.landing.conftest import Park

COLUMNS = {
    "station_id_iot": st.sampled_from([None, "", " ", "A01", "未登记", "A" * 500, "a\nb", 'a"b', "a,b", "\x00"]),
    "factor_code": st.sampled_from([None, "a34004", "zzz", "’"]),
    "measured_at": st.one_of(
        st.none(),
        st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),  # noqa: DTZ001
        st.integers(-30, 60).map(lambda hour: datetime(2026, 2, 28, 16, tzinfo=UTC) + timedelta(hours=hour)),
    ),
    "value": st.one_of(st.none(), st.floats(), st.sampled_from([1e308, -1e308, 5e-324, 0.0, -0.0])),
    "unit": st.sampled_from([None, "ug/m3", "μg/m³", "ppb", ""]),
    "source_flag": st.one_of(st.none(), st.text(max_size=5)),
    "data_origin": st.sampled_from([None, "measured", "invented"]),
}
TEXTS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(["NaN", "-inf", "1e309", "12,5", "2026-03-01", "2026-03-01T01:00:00", "2026-03-01T01:00:00Z"]),
    st.sampled_from(["2026-03-01T01:00:00+08:00", "2026-03-01T24:00:00+08:00", "0000-00-00T00:00:00+08:00"]),
)
CHANGES = st.lists(
    st.sampled_from(sorted(COLUMNS)).flatmap(lambda name: st.tuples(st.just(name), st.integers(1, 24), COLUMNS[name])),
    max_size=12,
)
TEXT_CHANGES = st.lists(st.tuples(st.sampled_from(sorted(COLUMNS)), st.integers(1, 24), TEXTS), max_size=12)


@contextmanager
def fresh_park() -> Iterator[Park]:
    with tempfile.TemporaryDirectory() as folder:
        yield Park(Path(folder) / "archive", Lake(Path(folder) / "lake"))


def changed(rows: pl.DataFrame, changes: list[tuple[str, int, Any]]) -> pl.DataFrame:
    cells = {name: rows[name].to_list() for name in rows.columns}
    for name, row, value in changes:
        cells[name][row - 1] = value.astimezone(PARK_TIME_ZONE) if isinstance(value, datetime) else value
    return pl.DataFrame(cells, schema=rows.schema, strict=False)


def require_that_nothing_is_lost(park: Park, delivered: int) -> None:
    """Every delivered row has exactly one place; landing again adds nothing."""
    bronze, refused = park.bronze(), park.refused()
    numbers = refused["_row_number"].to_list()
    if None in numbers:
        assert numbers == [None]
        assert bronze.is_empty()
    else:
        assert sorted(bronze["_row_number"].to_list() + numbers) == list(range(1, delivered + 1))
    assert (
        refused.select("source", "stream", "_source_uri", "reason", "remedy").null_count().sum_horizontal().item() == 0
    )
    park.land()
    assert park.bronze().equals(bronze)
    assert park.refused().equals(refused)


@settings(max_examples=60, deadline=None)
@given(changes=CHANGES)
def test_for_any_cells_of_a_parquet_file(changes: list[tuple[str, int, Any]]):
    with fresh_park() as park:
        rows = changed(park.readings(), changes)
        park.put("2026-03-01.parquet", rows)
        park.land()
        require_that_nothing_is_lost(park, rows.height)
        touched = {row for _, row, _ in changes}
        if park.bronze().height:
            untouched = set(range(1, 25)) - touched
            assert untouched <= set(park.bronze()["_row_number"]), "a row nobody touched must land"


@settings(max_examples=60, deadline=None)
@given(changes=TEXT_CHANGES)
def test_for_any_texts_of_a_csv_file(changes: list[tuple[str, int, str | None]]):
    with fresh_park() as park:
        rows = changed(park.texts(), changes)
        park.put("2026-03-01.csv.gz", rows)
        park.land()
        require_that_nothing_is_lost(park, rows.height)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), name=st.sampled_from(["2026-03-01.parquet", "2026-03-01.csv.gz"]))
def test_for_any_damaged_bytes(data: st.DataObject, name: str):
    with fresh_park() as park:
        rows = park.texts() if name.endswith("gz") else park.readings()
        content = bytearray(park.encoded(rows, name))
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
            content[place] = data.draw(st.integers(0, 255))
        del content[data.draw(st.integers(0, len(content))) :]
        park.put(name, bytes(content))
        result = park.land()
        assert result.deliveries_refused or result.rows_landed + result.rows_refused == rows.height
        require_that_nothing_is_lost(park, rows.height)


def test_a_landing_ended_between_its_two_commits_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    undisturbed = Park(tmp_path / "archive", Lake(tmp_path / "lake_a"))
    disturbed = Park(tmp_path / "archive", Lake(tmp_path / "lake_b"))
    rows = changed(undisturbed.readings(), [("value", 3, float("nan")), ("unit", 5, None)])
    undisturbed.put("2026-03-01.parquet", rows)
    undisturbed.put("2026-03-02.parquet", b"")
    undisturbed.land()

    append = Lake.append

    def end_before_bronze(lake: Lake, table: str, *rest: object) -> None:
        if table.startswith("bronze/"):
            raise KeyboardInterrupt
        append(lake, table, *rest)

    monkeypatch.setattr(Lake, "append", end_before_bronze)
    with pytest.raises(KeyboardInterrupt):
        disturbed.land()
    assert disturbed.refused().height == 3
    monkeypatch.setattr(Lake, "append", append)
    disturbed.land()
    for table in (Park.bronze, Park.refused):
        assert table(disturbed).drop("_loaded_at").equals(table(undisturbed).drop("_loaded_at"))


def test_many_small_commits_land_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lakes = []
    for name, rows_per_commit in (("one", 400_000), ("many", 10)):
        monkeypatch.setattr("ingestion.landing.ROWS_PER_COMMIT", rows_per_commit)
        park = Park(tmp_path / "archive", Lake(tmp_path / name))
        for day in range(1, 6):
            rows = changed(park.readings(f"2026-03-0{day}"), [("value", day, None)])
            park.put(f"2026-03-0{day}.parquet", rows)
        park.land()
        lakes.append((park.bronze().drop("_loaded_at"), park.refused().drop("_loaded_at")))
    assert lakes[0][0].equals(lakes[1][0])
    assert lakes[0][1].equals(lakes[1][1])
    assert lakes[0][0].height == 115
