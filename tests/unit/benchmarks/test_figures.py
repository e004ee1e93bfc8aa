"""Figures: medians, percentiles, ratios, and the page made of them."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import Figure, as_people_read, median_figure, percentile, table_rows
from tests.benchmarks.machine import CpuSeconds
from tests.benchmarks.page import benchmarks_page


def test_percentiles_are_values_that_occurred():
    durations = [0.01 * number for number in range(100, 0, -1)]
    assert percentile(durations, 0.5) == pytest.approx(0.50)
    assert percentile(durations, 0.99) == pytest.approx(0.99)
    assert percentile([3.0], 0.95) == 3.0


@pytest.mark.parametrize(("durations", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_refused(durations: list[float], share: float):
    with pytest.raises(ValueError, match="give at least one duration"):
        percentile(durations, share)


def test_a_figure_stands_beside_the_baseline():
    figure = median_figure("archive_to_mart", "archive to mart", [9.0, 1.0, 4.0], readings=1000)
    content = figure.as_json(baseline_s=0.5)
    assert (content["seconds"], content["runs"]) == (4.0, 3)
    assert content["readings_per_s"] == 250
    assert content["times_bare_duckdb"] == 8.0


def test_what_was_not_measured_is_missing_not_zero():
    content = median_figure("warm_start", "warm start", []).as_json(baseline_s=0.5)
    assert content["seconds"] is None
    assert content["times_bare_duckdb"] is None
    assert table_rows([content])[0][1] == "—"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.00034, "0.34 ms"),
        (0.0259, "25.9 ms"),
        (0.49, "490 ms"),
        (1.1, "1.1 s"),
        (71.7, "71.7 s"),
        (119.9, "120 s"),
        (179.7, "3 min 0 s"),
        (390.2, "6 min 30 s"),
    ],
)
def test_durations_read_easily(seconds: float, shown: str):
    assert as_people_read(seconds) == shown


def test_the_page_says_machine_size_and_what_is_missing():
    document = {
        "size": "small",
        "measured_on": "2026-11-22",
        "commit": "",
        "cores_of_others": 0.4,
        "machine": {"processor": "P", "cores": 2, "memory_gb": 25.3, "system": "Linux 6", "python": "3.11.2"},
        "archive": {"files": 3, "first_day": "2026-11-19", "last_day": "2026-11-21", "readings": 4200, "bytes": 52_000},
        "figures": [Figure("a", "one | two", 0.25, 5, 4200).as_json(0.25)],
        "not_measured": {"warm start": "Superset could not be installed\nadmin, s3cret"},
    }
    page = benchmarks_page([document])
    assert "2 cores (P), 25.3 GB" in page
    assert "4,200 readings, 0.1 MB" in page
    assert "| one \\| two | 250 ms | 16,800 | 1 × | 5 |  |" in page
    assert "- warm start: Superset could not be installed" in page
    assert "s3cret" not in page
    assert "Other processes kept 0.4 of the cores busy meanwhile. Commit unknown" in page


def test_what_others_took_of_the_machine_is_what_is_left_of_all():
    before, after = CpuSeconds(100.0, everybody=1000.0, ours=50.0), CpuSeconds(110.0, everybody=1015.0, ours=60.0)
    assert after.cores_of_others_since(before) == 0.5
