"""Behind a vital: its minutes with their flags, the readings that did not pass, and the rule and register they met."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import polars as pl

from lakehouse.lake import Lake
from lakehouse.reference import seed_rows
from lakehouse.settings import PARK_TIME_ZONE
from methods.preprocessing import tests_text
from methods.quality_control.scheme import Flag
from methods.quality_control.settings import rows_in_force
from orchestration.telemetry.pieces import EXCEPTIONS, MINUTES
from orchestration.telemetry.register import PointRegister
from orchestration.trace.steps import Step, Target

SAMPLE_ROWS = 60
FLAG_NAMES = {
    Flag.PASS: "合格",
    Flag.NOT_EVALUATED: "未评价",
    Flag.SUSPECT: "存疑",
    Flag.FAIL: "不合格",
    Flag.MISSING: "缺失",
}


def telemetry_steps(lake: Lake, target: Target, row: Mapping[str, Any]) -> list[Step]:
    """Return the steps of a vital of a point: rule, register, judged minutes, exceptions; none for other figures."""
    point, window, day = str(row.get("point_id") or ""), target.window(), target.day()
    if not point or window is None or day is None or not lake.exists(f"silver/{MINUTES}"):
        return []
    steps = [*_rule_steps(lake, point, target), _minute_step(lake, point, target)]
    return [step for step in steps if step is not None] + _exception_steps(lake, point, target)


def _rule_steps(lake: Lake, point: str, target: Target) -> list[Step]:
    """Return the register's entry and the dated rows that judged the readings of that day."""
    day = target.day()
    if day is None:
        return []
    settings = PointRegister.read(lake).rules_on(day).settings.filter(point_id=point)
    if settings.is_empty():
        return []
    held = settings.row(0, named=True)
    limits = {name: held[name] for name in ("range_low", "range_high", "operating_low", "operating_high", "accuracy")}
    lines = [
        f"体征 {held['vital_code'] or '未登记'}，标准单位 {held['canonical_unit']}，周期 {held['period_s']:g} 秒",
        "，".join(f"{name}={value:g}" for name, value in limits.items() if value is not None)
        or "台账未登记量程与运行区间",
    ]
    register = Step("台账", "bronze/data_middle_platform__monitoring_devices（当日有效）", lines)
    rules = rows_in_force(seed_rows("rule_quality_tests"), day)
    own = rules.filter(pl.col("vital_prefix").fill_null("") == held["vital_prefix"])
    sentences = [_sentence(record) for record in own.iter_rows(named=True)]
    return [register, Step("规则", f"reference.rule_quality_tests（{day} 有效的行）", sentences)]


def _sentence(record: Mapping[str, Any]) -> str:
    told_apart = {"vital_prefix", "clause", "valid_from", "valid_to", "source_mark"}
    said = {name: value for name, value in record.items() if value is not None and name not in told_apart}
    values = "，".join(f"{name}={value}" for name, value in said.items())
    whom = f"{record['vital_prefix'] or '全部体征'}（{record['clause']}）"
    return f"{whom}：{values}；{record['valid_from']} 至 {record['valid_to'] or '今'}；出处 {record['source_mark']}"


def _minute_step(lake: Lake, point: str, target: Target) -> Step | None:
    rows = _within(lake, f"silver/{MINUTES}", point, target)
    if rows.is_empty():
        return Step("分钟值", f"lake silver/{MINUTES}", ["该时段没有任何分钟值：缺失按缺失列示，不以零代替"])
    counts = rows["flag_final"].value_counts(sort=True)
    said = "、".join(f"{FLAG_NAMES[Flag(flag)]} {count}" for flag, count in counts.iter_rows())
    shown = rows.with_columns(tests=tests_text(pl.col("tests"))).head(SAMPLE_ROWS)
    return Step(
        "分钟值",
        f"lake silver/{MINUTES}",
        [
            f"共 {rows.height} 个分钟值，最终标记：{said}"
            + (f"，以下列出前 {SAMPLE_ROWS} 个" if rows.height > SAMPLE_ROWS else "")
        ],
        [
            {
                "北京时间": f"{record['measured_at'].astimezone(PARK_TIME_ZONE):%Y-%m-%d %H:%M}",
                "值": None if record["value"] is None else f"{record['value']:g}",
                "读数": record["readings"],
                "实时标记": FLAG_NAMES[Flag(record["flag_causal"])],
                "最终标记": FLAG_NAMES[Flag(record["flag_final"])],
                "未通过的检验": record["tests"],
            }
            for record in shown.iter_rows(named=True)
        ],
    )


def _exception_steps(lake: Lake, point: str, target: Target) -> list[Step]:
    rows = _within(lake, f"silver/{EXCEPTIONS}", point, target)
    if rows.is_empty():
        return []
    names = dict(seed_rows("ref_treatments").select("treatment_code", "treatment_name").iter_rows())

    def words(codes: str | None) -> str | None:
        return None if codes is None else "、".join(names.get(code, code) for code in codes.split(","))

    shown = [
        {
            "北京时间": f"{record['measured_at'].astimezone(PARK_TIME_ZONE):%Y-%m-%d %H:%M:%S}",
            "上报值": f"{record['reported_value']:g} {record['reported_unit']}",
            "来源标记": record["source_flag"],
            "最终标记": FLAG_NAMES[Flag(record["flag_final"])],
            "未通过的检验": words(record["tests"]),
            "处理": words(record["treatment"]),
            "文件与行号": f"{record['_source_uri']}:{record['_row_number']}",
        }
        for record in rows.head(SAMPLE_ROWS).iter_rows(named=True)
    ]
    return [Step("被处理的读数", f"lake silver/{EXCEPTIONS}", [f"共 {rows.height} 条读数被剔除、存疑或迟到"], shown)]


def _within(lake: Lake, table: str, point: str, target: Target) -> pl.DataFrame:
    day, window = target.day(), target.window()
    if day is None or window is None or not lake.exists(table):
        return pl.DataFrame()
    moment = pl.col("measured_at")
    start, end = (bound.astimezone(UTC) for bound in window)  # files are skipped by their extremes, which are in UTC
    rows = lake.scan(table, {"business_date": [day.isoformat()]}).filter(
        (pl.col("point_id") == point) & (moment >= start) & (moment < end)
    )
    return rows.sort("measured_at").collect()
