"""Quarantine: every reason has words for people; a row is held once; what is settled no longer waits."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion import quarantine
from ingestion.quarantine import REASONS, quarantined
from lakehouse.lake import Lake

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def refused(
    *numbers: int | None, uri: str = "a.parquet", reason: str = "not_finite", stream: str = "s"
) -> pl.DataFrame:
    rows = pl.DataFrame(
        {"_row_number": list(numbers), "reason_code": reason, "record": "{}", "_source_uri": uri, "_digest": "d"},
        schema_overrides={"_row_number": pl.Int64},
    )
    return quarantined(rows, source="iot_archive", stream=stream, loaded_at=NOW, nothing_landed=False)


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
def test_every_reason_tells_a_steward_what_happened_and_what_to_do(reason: quarantine.Reason):
    assert re.fullmatch(r"[a-z_]+", reason.code)
    for text in (reason.text, reason.remedy):
        assert re.search(r"[\u4e00-\u9fff]", text)
        assert not text.endswith("。"), "a detail may follow"


def test_a_row_is_held_once(lake: Lake):
    assert quarantine.add(lake, refused(1, 2)) == 2
    assert quarantine.add(lake, refused(2, 3)) == 1
    assert quarantine.add(lake, refused(None)) == 1
    assert quarantine.add(lake, refused(None)) == 0
    assert quarantine.count(lake) == 4


def test_the_same_fault_of_another_place_stream_or_kind_is_another(lake: Lake):
    for rows in (refused(1), refused(1, uri="b.parquet"), refused(1, reason="wrong_type"), refused(1, stream="t")):
        assert quarantine.add(lake, rows) == 1


def test_a_detail_follows_the_reason():
    rows = quarantined(
        refused(None, reason="missing_column"),
        source="s",
        stream="t",
        loaded_at=NOW,
        nothing_landed=True,
        detail="缺 value",
    )
    assert rows["reason"].item() == "缺少约定的列：缺 value"


def test_what_is_settled_no_longer_waits_and_is_kept(lake: Lake):
    quarantine.add(lake, refused(1, 2))
    quarantine.resolve(lake, refused(1), "landed", NOW)
    assert quarantine.open_rows(lake)["_row_number"].to_list() == [2]
    assert quarantine.count(lake) == 1
    assert lake.scan(quarantine.TABLE).collect().height == 2


def test_open_rows_are_found_by_source_and_stream(lake: Lake):
    quarantine.add(lake, pl.concat([refused(1), refused(2, stream="t")]))
    assert quarantine.open_rows(lake, "iot_archive", "t")["_row_number"].to_list() == [2]
    assert quarantine.open_rows(lake, "another").is_empty()


def test_a_lake_without_faults_counts_none(lake: Lake):
    assert quarantine.count(lake) == 0
    assert quarantine.open_rows(lake).is_empty()
    assert quarantine.add(lake, refused(1).clear()) == 0
