"""Pieces are computed again only when what they were made from has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from lakehouse.lake import Lake
from lakehouse.pieces import PIECES_PER_COMMIT, Refresh, batch_digests, piece_digests, refresh_pieces

BRONZE, TARGET, COLUMN = "bronze/iot_archive__air_readings", "silver/doubled", "business_month"


class Workshop:
    """A bronze table, a derived table, and a count of what was computed."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder)
        self.computed: list[str] = []

    def deliver(self, month: str, batch: str, value: int) -> None:
        """Append one row of one batch to bronze."""
        row = pl.DataFrame({"value": [value], "_batch_id": [batch], COLUMN: [month]})
        self.lake.append(BRONZE, row, [COLUMN], {})

    def refresh(self, edition: str = "1", months: Sequence[str] | None = None) -> Refresh:
        """Bring the derived table up to date, all of it or some months."""
        self.computed = []
        wanted = batch_digests(self.lake, BRONZE, COLUMN, edition)
        if months is not None:
            wanted = {label: digest for label, digest in wanted.items() if label in months}
        return refresh_pieces(self.lake, TARGET, COLUMN, wanted, self._build)

    def values(self) -> list[tuple[str, int]]:
        """Return what stands in the derived table."""
        return self.lake.scan(TARGET).select(COLUMN, "value").collect().sort(COLUMN, "value").rows()

    def _build(self, labels: Sequence[str]) -> pl.DataFrame:
        self.computed += labels
        return self.lake.scan(BRONZE, {COLUMN: labels}).select(pl.col("value") * 2, COLUMN).collect()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path)
    workshop.deliver("2026-02", "b1", 1)
    workshop.deliver("2026-03", "b2", 2)
    return workshop


def test_everything_is_computed_the_first_time(workshop: Workshop):
    assert workshop.refresh() == Refresh(["2026-02", "2026-03"], 2, 0)
    assert workshop.values() == [("2026-02", 2), ("2026-03", 4)]


def test_unchanged_inputs_compute_and_write_nothing(workshop: Workshop):
    workshop.refresh()
    version = workshop.lake.version(TARGET)
    assert workshop.refresh() == Refresh([], 0, 2)
    assert workshop.computed == []
    assert workshop.lake.version(TARGET) == version


def test_a_new_batch_costs_its_own_piece_alone(workshop: Workshop):
    workshop.refresh()
    workshop.deliver("2026-02", "b3", 5)
    assert workshop.refresh().pieces == ["2026-02"]
    assert workshop.values() == [("2026-02", 2), ("2026-02", 10), ("2026-03", 4)]


def test_a_changed_standard_costs_every_piece(workshop: Workshop):
    workshop.refresh(edition="HJ 633-2012")
    assert workshop.refresh(edition="HJ 633-2026").pieces == ["2026-02", "2026-03"]
    assert workshop.refresh(edition="HJ 633-2026").pieces == []


def test_a_piece_outside_the_run_is_left_as_it_is(workshop: Workshop):
    workshop.refresh()
    workshop.deliver("2026-02", "b3", 5)
    workshop.deliver("2026-03", "b4", 6)
    assert workshop.refresh(months=["2026-03"]).pieces == ["2026-03"]
    assert workshop.values() == [("2026-02", 2), ("2026-03", 4), ("2026-03", 12)]


def test_the_order_in_which_batches_came_does_not_matter(tmp_path: Path):
    digests = []
    for name, batches in (("a", ["b1", "b2"]), ("b", ["b2", "b1", "b1"])):
        workshop = Workshop(tmp_path / name)
        for batch in batches:
            workshop.deliver("2026-03", batch, 1)
        digests.append(batch_digests(workshop.lake, BRONZE, COLUMN))
    assert digests[0] == digests[1]


def test_context_and_batches_are_not_run_together(workshop: Workshop):
    assert batch_digests(workshop.lake, BRONZE, COLUMN, "1", "2") != batch_digests(workshop.lake, BRONZE, COLUMN, "12")


def test_the_digest_of_a_piece_follows_it_downstream(workshop: Workshop):
    workshop.refresh()
    before = piece_digests(workshop.lake, TARGET, COLUMN)
    workshop.deliver("2026-03", "b9", 7)
    workshop.refresh()
    after = piece_digests(workshop.lake, TARGET, COLUMN)
    assert after["2026-02"] == before["2026-02"]
    assert after["2026-03"] != before["2026-03"]


def test_a_run_broken_off_between_commits_goes_on_where_it_stopped(tmp_path: Path):
    workshop = Workshop(tmp_path)
    months = [f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13)]
    for month in months:
        workshop.deliver(month, f"b{month}", 1)
    wanted = batch_digests(workshop.lake, BRONZE, COLUMN, "1")

    def break_off(labels: Sequence[str]) -> pl.DataFrame:
        if labels[0] != months[0]:
            raise KeyboardInterrupt
        return workshop._build(labels)

    with pytest.raises(KeyboardInterrupt):
        refresh_pieces(workshop.lake, TARGET, COLUMN, wanted, break_off)
    assert workshop.refresh().pieces == months[PIECES_PER_COMMIT:]
    assert workshop.values() == [(month, 2) for month in months]


def test_nothing_delivered_means_nothing_to_do(tmp_path: Path):
    lake = Lake(tmp_path)
    assert batch_digests(lake, BRONZE, COLUMN) == {}
    assert piece_digests(lake, TARGET, COLUMN) == {}
