"""The byte logs of invented outlets and vehicles: the same bytes again, and read as the ground truth says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shapely.geometry import Point

from ingestion.readers import REFUSED, DayRange
from ingestion.readers.device_keys import decrypt_blocks
from ingestion.readers.hj212_log import Hj212Log
from ingestion.readers.jt808_log import Jt808Log
from ingestion.simulated_park.hazmat_vehicles import write_vehicle_logs
from ingestion.simulated_park.outlet_logs import write_outlet_logs
from ingestion.simulated_park.park_geometry import PARK_BOUNDARY
from ingestion.source_file import load_sources

LAST_FULL_DAY = date(2026, 11, 21)
SEED = 20260301
DAYS = DayRange(date(2026, 1, 1), date(2026, 12, 31))
FAR_AHEAD = datetime(2039, 1, 1, tzinfo=UTC)
Truth = dict[str, Any]


@pytest.fixture(scope="module")
def outlets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("outlet_monitoring")
    write_outlet_logs(root, last_full_day=LAST_FULL_DAY, seed=SEED)
    return root


@pytest.fixture(scope="module")
def outlet_rows(outlets: Path) -> pl.DataFrame:
    source = load_sources()["outlet_monitoring"]
    keys = decrypt_blocks(outlets / "device_keys" / "sm4_keys.json")
    reader = Hj212Log(outlets, "outlet_monitoring_url", "simulated", keys)
    found = reader.deliveries(source, source.streams["outlet_readings"], DAYS)
    return pl.concat(delivery.read().with_columns(file=pl.lit(Path(delivery.uri).name)) for delivery in found)


@pytest.fixture(scope="module")
def outlet_truth(outlets: Path) -> Truth:
    return json.loads((outlets / "ground_truth" / "outlet_readings.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def vehicles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vehicle_tracking")
    write_vehicle_logs(root, last_full_day=LAST_FULL_DAY, seed=SEED)
    return root


@pytest.fixture(scope="module")
def vehicle_rows(vehicles: Path) -> pl.DataFrame:
    source = load_sources()["vehicle_tracking"]
    reader = Jt808Log(vehicles, "vehicle_tracking_url", "simulated")
    return pl.concat(
        delivery.read() for delivery in reader.deliveries(source, source.streams["vehicle_positions"], DAYS)
    )


@pytest.fixture(scope="module")
def vehicle_truth(vehicles: Path) -> Truth:
    return json.loads((vehicles / "ground_truth" / "vehicle_positions.json").read_text("utf-8"))


def planted(truth: Truth, kind: str) -> list[dict[str, Any]]:
    return [defect for defect in truth["planted"] if defect["kind"] == kind]


def test_as_many_values_are_usable_as_the_ground_truth_says(outlet_rows: pl.DataFrame, outlet_truth: Truth):
    usable = outlet_rows.filter(pl.col(REFUSED).is_null() & (pl.col("measured_at") < FAR_AHEAD))

    assert dict(usable.group_by("device_id_mn").len().iter_rows()) == outlet_truth["usable_values_by_device"]


def test_what_is_refused_is_what_was_planted(outlet_rows: pl.DataFrame, outlet_truth: Truth):
    refused = outlet_rows.filter(pl.col(REFUSED).is_not_null())
    encrypted = [device["device_number"] for device in outlet_truth["devices"] if device["is_encrypted"]]
    broken = planted(outlet_truth, "broken_checksum")
    secret = [defect for defect in broken if defect["key"]["device_number"] in encrypted]

    found = Counter(refused[REFUSED])

    assert found["frame_crc_wrong"] == len(broken) - len(secret)
    assert found["frame_decryption_failed"] == len(secret)
    assert found["packet_missing"] == len(planted(outlet_truth, "missing_packet"))
    assert found["value_not_number"] == len(planted(outlet_truth, "unusable_value"))
    # A head without a frame behind it looks like a frame that breaks off.
    heads = [
        defect
        for defect in planted(outlet_truth, "rubbish_between_frames")
        if defect["truth"]["bytes_hex"] == b"##12".hex()
    ]
    assert found["frame_truncated"] == len(planted(outlet_truth, "truncated_frame")) + len(heads)
    assert set(found) == {
        *("frame_crc_wrong", "frame_decryption_failed", "frame_truncated", "frame_rubbish"),
        *("packet_missing", "value_not_number"),
    }


def test_repetitions_and_data_sent_again_are_marked(outlet_rows: pl.DataFrame, outlet_truth: Truth):
    repeated = sum(defect["truth"]["values_repeated"] for defect in planted(outlet_truth, "repeated_message"))
    resent = sum(defect["truth"]["values_resent"] for defect in planted(outlet_truth, "resent_data"))

    assert outlet_rows.filter("is_repeated").height == repeated
    assert outlet_rows.filter(pl.col("is_resent") & pl.col(REFUSED).is_null()).height == resent


def test_some_data_lie_in_the_log_of_the_day_after_theirs(outlet_rows: pl.DataFrame):
    own_day = pl.col("measured_at").dt.convert_time_zone("Asia/Shanghai").dt.date()
    filed_under = pl.col("file").str.head(10).str.to_date()

    days_late = outlet_rows.filter(pl.col("measured_at") < FAR_AHEAD).select((filed_under - own_day).dt.total_days())

    assert set(days_late.to_series()) == {0, 1}


def test_flags_of_the_planted_periods_arrive(outlet_rows: pl.DataFrame, outlet_truth: Truth):
    for defect in planted(outlet_truth, "source_flag"):
        begins, ends = (datetime.fromisoformat(defect["key"][name]) for name in ("begins_at", "ends_at"))
        flags = outlet_rows.filter(
            pl.col("measured_at").is_between(begins, ends, closed="left"),
            pl.col("command_code") == "2011",
            device_id_mn=defect["key"]["device_number"],
            factor_code=defect["truth"]["factor_code"],
        )["source_flag"]
        assert set(flags) == {defect["truth"]["flag"]}


def test_a_gap_is_a_gap(outlet_rows: pl.DataFrame, outlet_truth: Truth):
    (gap,) = planted(outlet_truth, "gap_of_device")
    begins, ends = (datetime.fromisoformat(gap["key"][name]) for name in ("begins_at", "ends_at"))

    inside = outlet_rows.filter(
        pl.col("measured_at").is_between(begins, ends - timedelta(minutes=5), closed="left"),
        device_id_mn=gap["key"]["device_number"],
    )

    assert inside.filter(command_code="2011").is_empty()


def test_as_many_positions_are_usable_as_the_ground_truth_says(vehicle_rows: pl.DataFrame, vehicle_truth: Truth):
    usable = vehicle_rows.filter(pl.col(REFUSED).is_null())

    assert dict(usable.group_by("terminal_id_jt808").len().iter_rows()) == vehicle_truth["usable_positions_by_terminal"]
    resent = sum(defect["truth"]["positions_resent"] for defect in planted(vehicle_truth, "resent_data"))
    assert usable.filter("is_resent").height == resent


def test_refused_positions_are_those_that_were_planted(vehicle_rows: pl.DataFrame, vehicle_truth: Truth):
    found = Counter(vehicle_rows.filter(pl.col(REFUSED).is_not_null())[REFUSED])

    assert found == {
        "frame_checksum_wrong": len(planted(vehicle_truth, "broken_checksum"))
        + len(planted(vehicle_truth, "truncated_frame")),
        "frame_rubbish": len(planted(vehicle_truth, "rubbish_between_frames")),
        "time_unreadable": len(planted(vehicle_truth, "no_fix")),
    }


def test_lorries_stay_in_the_park_and_one_drives_too_fast(vehicle_rows: pl.DataFrame):
    usable = vehicle_rows.filter(pl.col(REFUSED).is_null())
    places = usable.select("longitude", "latitude").unique().iter_rows()

    assert all(PARK_BOUNDARY.contains(Point(place)) for place in places)
    fast = usable.filter(pl.col("speed_km_per_h") > 40)
    assert fast["terminal_id_jt808"].n_unique() == 1
    assert set(fast["alarm_names"]) == {"超速报警"}


def test_no_terminal_number_belongs_to_an_operator(vehicle_rows: pl.DataFrame):
    numbers = vehicle_rows["terminal_id_jt808"].drop_nulls().unique()

    assert all(number.lstrip("0").startswith("12") for number in numbers)


def test_the_same_inputs_give_the_same_bytes_and_another_seed_gives_others(
    tmp_path: Path, outlets: Path, vehicles: Path
):
    for write, first in ((write_outlet_logs, outlets), (write_vehicle_logs, vehicles)):
        again = tmp_path / first.name
        write(again, last_full_day=LAST_FULL_DAY, seed=SEED)

        assert contents(again) == contents(first)
        assert write(again, last_full_day=LAST_FULL_DAY, seed=SEED).written_count == 0
        assert contents(first) != contents_of_seed(tmp_path / f"other_{first.name}", write)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.glob("*/**/*") if path.is_file()}


def contents_of_seed(root: Path, write: Any) -> dict[str, bytes]:  # noqa: ANN401 - either writer
    write(root, last_full_day=LAST_FULL_DAY, seed=SEED + 1)
    return contents(root)
