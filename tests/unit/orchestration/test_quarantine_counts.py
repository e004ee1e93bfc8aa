"""What waits in quarantine is counted by source, stream and reason, in the job that builds, before dbt."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ingestion import quarantine
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from orchestration.assets import quality
from orchestration.assets.quality import COLUMNS, reason_counts

MONDAY, TUESDAY = datetime(2026, 11, 16, 1, tzinfo=UTC), datetime(2026, 11, 17, 1, tzinfo=UTC)
ARCHIVE = {"source": "telemetry_archive", "stream": "point_readings"}


def put_aside(
    lake: Lake, code: str, rows: list[int | None], *, at: datetime, uri: str, detail: str | None = None
) -> None:
    frame = pl.DataFrame(
        {
            "reason_code": [code] * len(rows),
            "record": ["{}"] * len(rows),
            "_source_uri": [uri] * len(rows),
            "_digest": ["d"] * len(rows),
            "_row_number": rows,
        },
        schema_overrides={"_row_number": pl.Int64},
    )
    refused = quarantine.quarantined(frame, **ARCHIVE, loaded_at=at, nothing_landed=False, detail=detail)
    assert quarantine.add(lake, refused) == len(rows)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def counts(lake: Lake) -> pl.DataFrame:
    return reason_counts(quarantine.open_rows(lake), load_sources())


def test_rows_and_whole_deliveries_are_counted_apart(lake: Lake) -> None:
    put_aside(lake, "not_finite", [7, 9], at=MONDAY, uri="2026-11-15.Z1.parquet")
    put_aside(lake, "not_finite", [4], at=TUESDAY, uri="2026-11-16.Z1.parquet")
    put_aside(lake, "missing_column", [None], at=MONDAY, uri="2026-11-15.Z4.parquet", detail="缺 value；多出 reading")
    rows, delivery = counts(lake).to_dicts()
    assert (rows["reason_code"], rows["rows_waiting"], rows["deliveries_waiting"]) == ("not_finite", 3, 0)
    assert (rows["first_loaded_at"], rows["last_loaded_at"]) == (MONDAY, TUESDAY)
    assert (rows["example_uri"], rows["example_row_number"]) == ("2026-11-16.Z1.parquet", 4)
    assert (delivery["reason_code"], delivery["rows_waiting"], delivery["deliveries_waiting"]) == (
        "missing_column", 0, 1,
    )  # fmt: skip
    assert delivery["example_row_number"] is None


def test_the_reason_is_the_sentence_of_the_list_and_the_finding_that_of_the_example(lake: Lake) -> None:
    put_aside(lake, "missing_column", [None], at=MONDAY, uri="2026-11-15.Z4.parquet", detail="缺 value；多出 reading")
    (row,) = counts(lake).to_dicts()
    listed = quarantine.REASONS["missing_column"]
    assert (row["reason"], row["remedy"]) == (listed.text, listed.remedy)
    assert row["example_finding"] == f"{listed.text}：缺 value；多出 reading"
    assert (row["source_title"], row["stream_title"]) == ("安全监测网关归档", "监测点分钟读数")


def test_a_reason_and_a_source_that_are_gone_keep_what_was_written_then(lake: Lake) -> None:
    put_aside(lake, "not_finite", [1], at=MONDAY, uri="a.parquet")
    old = quarantine.open_rows(lake).with_columns(
        source=pl.lit("old_gateway"), reason_code=pl.lit("retired"), reason=pl.lit("旧原因"), remedy=pl.lit("旧办法")
    )
    (row,) = reason_counts(old, load_sources()).to_dicts()
    assert (row["source_title"], row["stream_title"]) == ("old_gateway", "point_readings")
    assert (row["reason"], row["remedy"]) == ("旧原因", "旧办法")


def test_what_found_its_way_is_gone_from_the_counts(lake: Lake) -> None:
    put_aside(lake, "not_finite", [7, 9], at=MONDAY, uri="a.parquet")
    quarantine.resolve(lake, quarantine.open_rows(lake).head(1), "landed", TUESDAY)
    assert counts(lake)["rows_waiting"].to_list() == [1]


def test_without_anything_waiting_the_table_has_its_types(lake: Lake) -> None:
    assert counts(lake).schema == pl.Schema(COLUMNS)
    assert counts(lake).is_empty()


def test_it_is_counted_where_everything_is_built_and_nowhere_else() -> None:
    from orchestration.jobs import build_job, ingest_jobs

    definitions = dg.Definitions(
        assets=[quality.quarantine_reason_counts], jobs=[build_job()], resources={"platform": object()}
    )
    steps = [node.name for node in definitions.resolve_job_def("build_and_publish").all_node_defs]
    assert steps == [quality.quarantine_reason_counts.op.name]
    key = dg.AssetKey(quality.KEY)
    graph = definitions.resolve_asset_graph()
    assert not [job.name for job in ingest_jobs() if key in job.selection.resolve(graph, allow_missing=True)]
