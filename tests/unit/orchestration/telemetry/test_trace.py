"""From a vital back to its minutes, the readings that did not pass, the register and the rule."""

from __future__ import annotations

import pytest

from orchestration.trace.steps import Step, Target
from orchestration.trace.telemetry import telemetry_steps
from tests.unit.orchestration.telemetry.conftest import FIRST, Telemetry, waves

SPIKE = 70  # 05:50 of the day, in a series of five minutes


@pytest.fixture
def traced(telemetry: Telemetry) -> Telemetry:
    values = waves(100)
    values[SPIKE] = 900.0  # the sensor ends at 400
    telemetry.deliver(FIRST, {"D1": values}, "Z1", "a")
    telemetry.refresh()
    return telemetry


def steps(telemetry: Telemetry, measured_at: str) -> dict[str, Step]:
    target = Target("fct_vital_hourly", "value_mean", {"point_id": "D1", "measured_at": measured_at})
    return {step.layer: step for step in telemetry_steps(telemetry.lake, target, {"point_id": "D1"})}


def test_an_hour_in_park_time_leads_to_its_minutes_and_to_the_reading_that_failed(traced: Telemetry):
    found = steps(traced, f"{FIRST} 05:00")
    assert list(found) == ["台账", "规则", "分钟值", "被处理的读数"]
    minutes = [row["北京时间"] for row in found["分钟值"].rows]
    assert (len(minutes), minutes[0], minutes[-1]) == (12, f"{FIRST} 05:00", f"{FIRST} 05:55")
    (failed,) = [row for row in found["被处理的读数"].rows if row["最终标记"] == "不合格"]
    assert (failed["北京时间"], failed["上报值"]) == (f"{FIRST} 05:50:00", "900 degC")
    assert "超出量程" in failed["未通过的检验"]
    assert failed["文件与行号"] == f"{FIRST}.Z1.a.parquet:{SPIKE}"


def test_the_first_hour_of_the_day_belongs_to_the_day(traced: Telemetry):
    found = steps(traced, f"{FIRST} 00:00")
    assert [row["北京时间"] for row in found["分钟值"].rows][:2] == [f"{FIRST} 00:00", f"{FIRST} 00:05"]
    assert "被处理的读数" not in found
