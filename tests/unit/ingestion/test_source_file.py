"""Source files: one YAML adds one source; a mistake in it is named with file, place and remedy."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingestion.source_file import Grain, SourceFileError, load_source, load_sources

GOOD = """
source: weighbridge
title: {zh: 地磅, en: Weighbridge}
owner: team:logistics
reader: daily_archive
location: weighbridge_url
streams:
  passages:
    title: {zh: 过磅, en: Passages}
    path: passages
    primary_key: [ticket_no]
    partition: {by: day, run_by: month, column: weighed_at, first: 2024-01-01}
    look_back: 3d
    fresh_within: 26h
    sensitivity: internal
    columns:
      ticket_no: {type: text, required: true}
      weighed_at: timestamp
      gross_t: number
"""


def source_of(folder: Path, text: str, name: str = "weighbridge.yaml"):
    path = folder / name
    path.write_text(text, "utf-8")
    return load_source(path)


def test_a_source_is_read_with_its_promises(tmp_path: Path):
    source = source_of(tmp_path, GOOD)
    stream = source.streams["passages"]
    assert source.slug("passages") == "weighbridge__passages"
    assert stream.look_back == timedelta(days=3)
    assert stream.columns["weighed_at"].data_type == pl.Datetime("us", "UTC")
    assert not stream.columns["gross_t"].required


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("look_back: 3d", "look_back: three days", "look_back"),
        ("look_back: 3d", "look_back: 3", "26h"),
        ("primary_key: [ticket_no]", "primary_key: [number]", "'number'"),
        ("primary_key: [ticket_no]", "primary_key: []", "primary_key"),
        ("column: weighed_at", "column: time", "'time'"),
        ("gross_t: number", "gross_t: float", "gross_t"),
        ("gross_t: number", "gross_t: {type: number, requird: true}", "requird"),
        ("sensitivity: internal", "sensitivity: secret", "sensitivity"),
        ("owner: team:logistics", "owner: Zhang San", "owner"),
        ("source: weighbridge", "source: Weigh Bridge", "source"),
        ("by: day", "by: week", "partition"),
        ("reader: daily_archive\n", "", "reader"),
    ],
)
def test_a_mistake_names_file_and_place(tmp_path: Path, old: str, new: str, says: str):
    assert old in GOOD
    with pytest.raises(SourceFileError) as refusal:
        source_of(tmp_path, GOOD.replace(old, new, 1))
    assert "weighbridge.yaml" in str(refusal.value)
    assert says in str(refusal.value)


def test_broken_yaml_is_named(tmp_path: Path):
    with pytest.raises(SourceFileError, match=r"weighbridge\.yaml: is not valid YAML"):
        source_of(tmp_path, "source: [")


def test_a_file_must_be_called_like_its_source(tmp_path: Path):
    with pytest.raises(SourceFileError, match=r"must be called weighbridge\.yaml"):
        source_of(tmp_path, GOOD, "scales.yaml")


def test_the_houses_sources_are_all_readable():
    sources = load_sources()
    assert "iot_archive" in sources
    assert list(sources) == sorted(sources)


@pytest.mark.parametrize(("grain", "label"), [(Grain.DAY, "2026-03-01"), (Grain.MONTH, "2026-03")])
def test_a_grain_labels_a_business_date(grain: Grain, label: str):
    assert grain.label(date(2026, 3, 1)) == label
