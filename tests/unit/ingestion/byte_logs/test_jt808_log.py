"""Logs of vehicles become rows; what is no row keeps its bytes and a reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion import quarantine
from ingestion.landing import Landing
from ingestion.readers import REFUSED, DayRange, SourceUnavailableError
from ingestion.readers.jt808_log import Jt808Log, log_rows
from ingestion.source_file import load_sources
from lakehouse.lake import Lake
from methods.jt808 import Reason
from methods.jt808.positions import Refusal
from tests.unit.methods.jt808.conftest import PHONE_2013, position, written

GOOD = written(0x0200, position(alarm=0b10))


def rows(content: bytes) -> pl.DataFrame:
    return log_rows(content, gateway="gw", data_origin="measured")


def test_a_position_is_a_row():
    (row,) = rows(written(0x0002) + GOOD).rows(named=True)

    assert row["terminal_id_jt808"] == PHONE_2013
    assert (row["longitude"], row["latitude"], row["speed_km_per_h"]) == (121.45, 30.8, 36.5)
    assert row["measured_at"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert (row["alarm_word"], row["alarm_names"], row["status_names"]) == (2, "超速报警", "点火、已定位")
    assert (row["frame_offset"], row["raw_frame"], row[REFUSED]) == (len(written(0x0002)), None, None)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"junk", "frame_rubbish"),
        (GOOD[:20] + bytes([GOOD[20] ^ 0x80]) + GOOD[21:], "frame_checksum_wrong"),
        (written(0x0200, b"\x00"), "frame_body_malformed"),
        (written(0x0200, position(time="000000000000")), "time_unreadable"),
        (written(0x0200, position(status=1 << 5)), "position_encrypted"),
        (written(0x0200, position(latitude=91)), "position_impossible"),
        (written(0x0801, b"\x00" * 20, package=(1, 2)), "packet_missing"),
    ],
)
def test_what_is_no_position_is_refused_with_its_bytes(bad: bytes, code: str):
    found = rows(bad + GOOD)

    assert found.height == 2
    assert found.filter(pl.col(REFUSED).is_null()).height == 1
    (refused,) = found.filter(pl.col(REFUSED).is_not_null()).rows(named=True)
    assert refused[REFUSED] == code
    assert bytes.fromhex(refused["raw_frame"]) in (bad, bad.removesuffix(b"\x7e"))


def test_a_log_lands_and_its_bad_pieces_wait_in_quarantine(tmp_path: Path):
    source = load_sources()["vehicle_tracking"]
    stream = source.streams["vehicle_positions"]
    reader = Jt808Log(tmp_path, "vehicle_tracking_url", "measured")
    days = DayRange(date(2026, 11, 1), date(2026, 11, 30))
    with pytest.raises(SourceUnavailableError, match="PARK_VEHICLE_TRACKING_URL"):
        list(reader.deliveries(source, stream, days))
    folder = tmp_path / stream.path
    folder.mkdir()
    (folder / "2026-11-01.gw.jt808").write_bytes(b"junk" + GOOD + GOOD)
    lake = Lake(tmp_path / "lake")
    landing = Landing(lake, source, "vehicle_positions", datetime(2026, 11, 2, tzinfo=UTC))

    result = landing.land(reader.deliveries(source, stream, days))

    assert (result.rows_landed, result.refusals) == (2, {"frame_rubbish": 1})
    assert lake.scan(landing.table).collect()["business_date"].to_list() == ["2026-11-01"] * 2
    assert quarantine.open_rows(lake)["reason_code"].to_list() == ["frame_rubbish"]


def test_every_reason_can_be_explained():
    codes = [f"frame_{reason.value}" for reason in Reason] + [refusal.value for refusal in Refusal]

    assert [code for code in codes if code not in quarantine.REASONS] == []
