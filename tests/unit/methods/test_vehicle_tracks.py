"""Tracks of vehicles against numbers computed by hand: a hundredth of a degree to the north is 1111.95 metres."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lakehouse.reference import seed_rows
from methods.vehicle_tracks import (
    TrackRules,
    VehicleRuleError,
    distance_m,
    judged_positions,
    stretches,
    vehicle_hours,
    zones_of,
)

RULES = TrackRules(
    jump_km_per_h=120, west=73, east=136, south=3, north=54, standing_km_per_h=2, stopped_minutes=10,
    silent_minutes=5, limit_km_per_h=40,
)  # fmt: skip
NINE = datetime(2026, 11, 20, 1, tzinfo=UTC)  # nine o'clock in Shanghai
LONGITUDE, LATITUDE = 121.45, 30.80


def box(west: float, south: float, east: float, north: float) -> str:
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [corners]})


OUTLINES = {"Z1": box(121.40, 30.78, 121.45, 30.82), "Z2": box(121.45, 30.78, 121.50, 30.82)}


def row(minute: float, north: float = 0.0, speed: float = 30.0, **other: object) -> dict[str, Any]:
    """Return a position some minutes after nine, some degrees north of the first one."""
    return {
        "terminal_id_jt808": "012000000001",
        "measured_at": NINE + timedelta(minutes=minute),
        "longitude": LONGITUDE,
        "latitude": LATITUDE + north,
        "speed_km_per_h": speed,
        "is_located": True,
        "alarm_word": 0,
        "alarm_names": None,
        "data_origin": "simulated",
        "_loaded_at": datetime(2026, 11, 21, tzinfo=UTC),
        "_source_uri": "log",
        "_row_number": round(minute * 100),
        **other,
    }


def judged(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    received = pl.DataFrame(list(rows), schema_overrides={"alarm_names": pl.String(), "alarm_word": pl.Int64()})
    return judged_positions(received, RULES, OUTLINES)


def test_distance_on_the_sphere():
    assert distance_m(121.45, 30.80, 121.45, 30.81) == pytest.approx(1111.951, abs=1e-3)
    assert distance_m(0, 0, 90, 0) == pytest.approx(10_007_557.2, abs=0.1)  # a quarter of the equator
    # Along the parallel of 60 degrees a degree is half as long, but for the bow of the great circle.
    assert distance_m(10, 60, 11, 60) == pytest.approx(111_195.08 / 2, rel=1e-4)


def test_a_jump_is_marked_and_the_way_goes_on_from_the_last_good_position():
    # Half a minute for 0.0025 degrees: 278.0 m, 33.4 km/h; the jump to 0.1 degrees would take 1301 km/h.
    found = judged([row(0), row(0.5, 0.0025), row(1, 0.1), row(1.5, 0.0075)])
    assert found["fault_code"].to_list() == [None, None, "jump", None]
    assert found["is_usable"].to_list() == [True, True, False, True]
    assert found["distance_m"].to_list() == [None, 278.0, 10_841.5, 556.0]
    assert found["seconds_since_previous"].to_list() == [None, 30.0, 30.0, 60.0]
    assert found["speed_between_km_per_h"].to_list() == [None, 33.36, 1300.98, 33.36]


def test_a_first_position_that_is_wrong_does_not_mark_the_rest_for_ever():
    # 0.1 degrees are 11.12 km, 120 km/h makes them in 5 min 34 s.
    found = judged([row(0, 0.1), row(5, 0.0), row(6, 0.0)])
    assert found["fault_code"].to_list() == [None, "jump", None]


def test_positions_without_a_fix_and_outside_the_country_are_marked_not_dropped():
    found = judged([row(0), row(1, is_located=False), row(2, longitude=0.0, latitude=0.0), row(3, 0.01)])
    assert found["fault_code"].to_list() == [None, "not_located", "out_of_bounds", None]
    assert found["zone_id"].to_list() == ["Z1", None, None, "Z1"]
    assert found["distance_m"].to_list()[3] == 1112.0


def test_the_newest_delivery_counts_and_in_one_delivery_what_came_first():
    corrected = row(0, 0.01, _loaded_at=datetime(2026, 11, 22, tzinfo=UTC))
    found = judged([corrected, row(0), row(1, 0.02, _row_number=8), row(1, 0.03, _row_number=7)])
    assert found["latitude"].to_list() == [LATITUDE + 0.01, LATITUDE + 0.03]


def test_each_vehicle_has_its_own_track_in_the_order_of_time():
    other = {"terminal_id_jt808": "012000000003"}
    found = judged([row(1, 0.01), row(0), row(0.5, 0.5, **other), row(1.5, 0.51, **other)])
    assert found["terminal_id_jt808"].to_list() == ["012000000001"] * 2 + ["012000000003"] * 2
    assert found["distance_m"].to_list() == [None, 1112.0, None, 1112.0]


def test_standing_begins_with_the_first_slow_position_and_a_silence_ends_it():
    found = judged([row(0, speed=0), row(2, speed=1.9), row(4, speed=2.0), row(5, speed=0), row(11, speed=0)])
    since = [NINE, NINE, None, NINE + timedelta(minutes=5), NINE + timedelta(minutes=11)]
    assert found["standing_since_at"].to_list() == since


def test_a_common_edge_has_one_zone_and_outside_there_is_none():
    places = pl.DataFrame({"longitude": [121.42, 121.45, 121.48, 121.60], "latitude": [30.80] * 4})
    assert zones_of(places, OUTLINES).to_list() == ["Z1", "Z1", "Z2", None]
    assert zones_of(places.clear(), OUTLINES).to_list() == []


def drive_stop_halt() -> list[dict[str, Any]]:
    """Drive 2 min, stand 12 min, drive 2 min, halt 8 min, drive 2 min, silent 30 min, drive 1 min."""
    stop = [row(minute, 0.01, 0) for minute in range(2, 15, 2)]
    halt = [row(minute, 0.02, 0) for minute in (17, 21, 25)]
    after = [row(16, 0.02), row(27, 0.03), row(57, 0.03), row(58, 0.035)]
    return [row(0), *stop, *halt, *after]


def test_only_standing_longer_than_ten_minutes_is_a_stop():
    found = stretches(judged(drive_stop_halt()), RULES)
    minutes = [(begin, end) for begin, end in found.select("began_at", "ended_at").iter_rows()]
    at = {minute: NINE + timedelta(minutes=minute) for minute in (0, 2, 14, 27, 57, 58)}
    assert found["state_code"].to_list() == ["moving", "stopped", "moving", "silent", "moving"]
    assert minutes == [(at[0], at[2]), (at[2], at[14]), (at[14], at[27]), (at[27], at[57]), (at[57], at[58])]
    assert found["minutes"].to_list() == [2, 12, 13, 30, 1]
    # Between 14 and 27 minutes it drives 0.02 degrees; of a silence nobody knows the way.
    assert found["distance_km"].to_list() == [1.112, 0.0, pytest.approx(2.224), None, pytest.approx(0.556)]


def test_an_hour_of_a_vehicle():
    (found,) = vehicle_hours(judged(drive_stop_halt()), RULES).to_dicts()
    assert found["measured_at"] == NINE
    assert (found["minutes_moving"], found["minutes_stopped"]) == (2 + 13 + 1, 12)
    assert found["distance_km"] == pytest.approx(1.112 + 2.224 + 0.556)
    # Of 15 positions three lie too far north for the park: 30.83 and 30.835.
    assert (found["positions_received"], found["positions_usable"], found["positions_in_park"]) == (15, 15, 12)
    assert found["is_in_park"]
    assert (found["highest_speed_km_per_h"], found["positions_above_limit"]) == (30, 0)
    assert found["alarm_names"] is None


def test_what_lies_on_both_sides_of_a_full_hour_is_divided_by_time():
    # Four minutes for 0.01 degrees, one of them before ten: 0.278 km and 0.834 km.
    first, second = vehicle_hours(judged([row(59), row(63, 0.01)]), RULES).to_dicts()
    assert (first["minutes_moving"], second["minutes_moving"]) == (1, 3)
    assert (first["distance_km"], second["distance_km"]) == (pytest.approx(0.278), pytest.approx(0.834))


def test_a_stop_over_midnight_is_one_stop_in_both_hours():
    # 6 minutes before midnight in Shanghai and 6 after it: only together they are longer than ten.
    stand = [row(15 * 60 + minute, speed=0) for minute in (-6, -3, 0, 3, 6)]
    found = vehicle_hours(judged(stand), RULES)
    assert found["minutes_stopped"].to_list() == [6, 6]
    assert vehicle_hours(judged(stand[:3]), RULES)["minutes_moving"].to_list() == [6, 0]


def test_alarms_and_speeding_are_counted_where_they_are():
    rows = [
        row(0, speed=52, alarm_word=2, alarm_names="超速报警"),
        row(1, speed=41),
        row(2, speed=40, alarm_word=6, alarm_names="超速报警、疲劳驾驶报警"),
        row(5, 0.03, speed=80),  # outside the park
        row(5.5, 5.0, speed=99),  # a jump
    ]
    (found,) = vehicle_hours(judged(rows), RULES).to_dicts()
    assert (found["positions_above_limit"], found["positions_with_alarm"]) == (2, 2)
    assert found["alarm_names"] == "超速报警、疲劳驾驶报警"
    assert found["highest_speed_km_per_h"] == 80


def test_a_single_position_is_an_hour_without_way():
    (found,) = vehicle_hours(judged([row(0)]), RULES).to_dicts()
    assert (found["distance_km"], found["minutes_moving"], found["minutes_stopped"]) == (0, 0, 0)
    assert stretches(judged([row(0)]), RULES).is_empty()


def test_rules_come_from_their_seed_and_must_be_whole():
    rows = seed_rows("rule_vehicle_tracks")
    day = date(2026, 11, 20)
    assert TrackRules.on(rows, day) == RULES
    with pytest.raises(VehicleRuleError, match=r"position.jump_km_per_h has 0 rows"):
        TrackRules.on(rows.filter(pl.col("quantity_code") != "jump_km_per_h"), day)
    with pytest.raises(VehicleRuleError, match=r"has 2 rows"):
        TrackRules.on(pl.concat([rows, rows]), day)
