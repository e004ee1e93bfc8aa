"""Files are written first and become part of a table later, all in one commit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from lakehouse.lake import Lake
from lakehouse.staged_files import StagedFile, commit, forget_unnamed, stage

TABLE = "silver/telemetry__zone_hours"
DAY = 24 * 3600.0


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def piece(lake: Lake, day: str, zone: str, *values: float, point: str = "P1") -> StagedFile:
    """Stage the rows of one piece."""
    rows = pl.DataFrame(
        {"point_id": [point] * len(values), "value": list(values)}, schema_overrides={"value": pl.Float64}
    )
    rows = rows.with_columns(pl.col("point_id").cast(pl.Categorical))
    return stage(lake, TABLE, rows, {"business_date": day, "zone_id": zone})


def rows_of(lake: Lake) -> list[tuple[str, str, float]]:
    return lake.scan(TABLE).select("business_date", "zone_id", "value").collect().sort(pl.all()).rows()


def files_of(lake: Lake) -> list[Path]:
    return sorted(Path(lake.uri(TABLE)).rglob("*.zstd.parquet"))


def make_old(*paths: Path, seconds: float = 10 * DAY) -> None:
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)


def test_the_first_commit_makes_the_table_and_its_types(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0, 2.0), piece(lake, "2026-06-01", "Z2", 3.0)])
    assert rows_of(lake) == [("2026-06-01", "Z1", 1.0), ("2026-06-01", "Z1", 2.0), ("2026-06-01", "Z2", 3.0)]
    assert lake.scan(TABLE).collect_schema() == {
        "point_id": pl.String(),
        "value": pl.Float64(),
        "business_date": pl.String(),
        "zone_id": pl.String(),
    }
    assert lake.query("select count(*), max(point_id) from made", {"made": TABLE}).row(0) == (3, "P1")


def test_what_is_staged_is_seen_by_nobody_and_a_kill_before_the_commit_changes_nothing(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    version = lake.version(TABLE)
    staged = piece(lake, "2026-06-01", "Z1", 9.0)
    assert staged.path is not None
    assert (Path(lake.uri(TABLE)) / staged.path).is_file()
    assert rows_of(lake) == [("2026-06-01", "Z1", 1.0)]
    assert lake.version(TABLE) == version
    assert lake.query("select sum(value) from made", {"made": TABLE}).item() == 1.0


def test_staging_for_a_table_that_is_not_there_yet_makes_none(lake: Lake):
    piece(lake, "2026-06-01", "Z1", 9.0)
    assert not lake.exists(TABLE)


def test_a_commit_takes_the_place_of_its_pieces_and_leaves_the_others(lake: Lake):
    commit(
        lake,
        [piece(lake, day, zone, 1.0) for day in ("2026-06-01", "2026-06-02") for zone in ("Z1", "Z2", "Z3")],
    )
    version = lake.version(TABLE)
    assert version is not None
    commit(lake, [piece(lake, "2026-06-01", "Z2", 5.0, 6.0), piece(lake, "2026-06-02", "Z3", 7.0)])
    assert lake.version(TABLE) == version + 1
    assert rows_of(lake) == [
        ("2026-06-01", "Z1", 1.0),
        ("2026-06-01", "Z2", 5.0),
        ("2026-06-01", "Z2", 6.0),
        ("2026-06-01", "Z3", 1.0),
        ("2026-06-02", "Z1", 1.0),
        ("2026-06-02", "Z2", 1.0),
        ("2026-06-02", "Z3", 7.0),
    ]


def test_a_piece_without_rows_takes_its_old_ones_out(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", zone, 1.0) for zone in ("Z1", "Z2")])
    empty = piece(lake, "2026-06-01", "Z1")
    assert (empty.path, empty.rows) == (None, 0)
    commit(lake, [empty])
    assert rows_of(lake) == [("2026-06-01", "Z2", 1.0)]


def test_a_table_may_begin_without_a_row(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1")])
    assert rows_of(lake) == []
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    assert rows_of(lake) == [("2026-06-01", "Z1", 1.0)]


def test_pieces_of_other_days_follow_one_after_the_other(lake: Lake):
    first, second = piece(lake, "2026-06-01", "Z1", 1.0), piece(lake, "2026-06-02", "Z1", 2.0)
    commit(lake, [second])
    commit(lake, [first])
    assert rows_of(lake) == [("2026-06-01", "Z1", 1.0), ("2026-06-02", "Z1", 2.0)]


def test_nothing_staged_is_no_commit(lake: Lake):
    commit(lake, [])
    assert not lake.exists(TABLE)


def test_files_of_two_tables_are_not_one_commit(lake: Lake):
    other = stage(lake, "silver/other", pl.DataFrame({"value": [1.0]}), {"business_date": "2026-06-01"})
    with pytest.raises(ValueError, match="too many values"):
        commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0), other])


def test_somebody_else_s_commit_in_between_is_no_loss(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    ours, theirs = piece(lake, "2026-06-01", "Z1", 2.0), piece(lake, "2026-06-02", "Z1", 3.0)
    write, refused = DeltaTable.create_write_transaction, []

    def collide_once(table: DeltaTable, *arguments: object) -> None:
        if not refused:
            refused.append(True)
            commit(lake, [theirs])
            raise CommitFailedError("a file was removed meanwhile")
        write(table, *arguments)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", collide_once)
    commit(lake, [ours])
    assert rows_of(lake) == [("2026-06-01", "Z1", 2.0), ("2026-06-02", "Z1", 3.0)]


def test_what_is_refused_for_good_is_raised(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])

    def refuse(*_: object) -> None:
        raise CommitFailedError("disk full")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", refuse)
    with pytest.raises(CommitFailedError, match="disk full"):
        commit(lake, [piece(lake, "2026-06-01", "Z1", 2.0)])
    assert rows_of(lake) == [("2026-06-01", "Z1", 1.0)]


def test_a_column_that_is_new_is_empty_in_the_pieces_before(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    rows = pl.DataFrame({"point_id": ["P1"], "value": [2.0], "value_std": [0.5]})
    commit(lake, [stage(lake, TABLE, rows, {"business_date": "2026-06-02", "zone_id": "Z1"})])
    found = lake.scan(TABLE).select("business_date", "value_std").collect().sort("business_date")
    assert found.rows() == [("2026-06-01", None), ("2026-06-02", 0.5)]


def test_left_files_are_forgotten_once_they_are_old(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    (standing,) = files_of(lake)
    piece(lake, "2026-06-01", "Z1", 9.0)
    (left,) = set(files_of(lake)) - {standing}
    make_old(standing)
    assert forget_unnamed(lake, TABLE, DAY) == 0  # somebody may still be writing it
    make_old(left)
    assert forget_unnamed(lake, TABLE, DAY) == 1
    assert files_of(lake) == [standing]
    assert rows_of(lake) == [("2026-06-01", "Z1", 1.0)]


def test_files_of_a_version_that_was_replaced_just_now_are_kept(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    (replaced,) = files_of(lake)
    make_old(replaced)
    before = lake.version(TABLE)
    commit(lake, [piece(lake, "2026-06-01", "Z1", 2.0)])
    assert forget_unnamed(lake, TABLE, DAY) == 0
    assert DeltaTable(lake.uri(TABLE), version=before).to_pyarrow_table()["value"].to_pylist() == [1.0]


def test_files_of_a_version_that_was_replaced_long_ago_are_forgotten(lake: Lake):
    commit(lake, [piece(lake, "2026-06-01", "Z1", 1.0)])
    commit(lake, [piece(lake, "2026-06-01", "Z1", 2.0)])
    make_old(*files_of(lake))
    assert forget_unnamed(lake, TABLE, 0.0) == 1
    assert rows_of(lake) == [("2026-06-01", "Z1", 2.0)]


def test_without_a_table_there_is_nothing_to_forget(lake: Lake):
    piece(lake, "2026-06-01", "Z1", 1.0)
    assert forget_unnamed(lake, TABLE, 0.0) == 0


@pytest.mark.parametrize("zone", ["东区", "Z 1", "a/b", "a%20b", "x=y", "a+b:c", "../../../outside"])
def test_whatever_a_partition_is_called_its_piece_is_replaced_and_stays_in_the_table(
    lake: Lake, tmp_path: Path, zone: str
):
    commit(lake, [piece(lake, "2026-06-01", zone, 1.0), piece(lake, "2026-06-01", "Z9", 9.0)])
    commit(lake, [piece(lake, "2026-06-01", zone, 2.0)])
    assert sorted(rows_of(lake)) == sorted([("2026-06-01", zone, 2.0), ("2026-06-01", "Z9", 9.0)])
    assert lake.scan(TABLE, {"zone_id": [zone]}).collect()["value"].to_list() == [2.0]
    by_zone = lake.query("select value from made where zone_id = ?", {"made": TABLE}, [zone])
    assert by_zone["value"].to_list() == [2.0]
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
