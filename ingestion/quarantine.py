"""Quarantine: what could not be used, with source, position, reason and the way back.

One Delta table `quarantine/rows` for all streams, so that the scorecard counts it in one place. A row number of null
means the whole delivery was refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from lakehouse.lake import Lake

TABLE = "quarantine/rows"
RESOLUTIONS = "quarantine/resolutions"
KEY = ["source", "stream", "_source_uri", "_digest", "_row_number", "reason_code"]
PARTITION_BY = ("source", "stream")
SCHEMA: dict[str, pl.DataType] = {
    "source": pl.String(),
    "stream": pl.String(),
    "reason_code": pl.String(),
    "reason": pl.String(),
    "remedy": pl.String(),
    "record": pl.String(),
    "_source_uri": pl.String(),
    "_digest": pl.String(),
    "_row_number": pl.Int64(),
    "_loaded_at": pl.Datetime("us", "UTC"),
    "_nothing_landed": pl.Boolean(),
}


@dataclass(frozen=True)
class Reason:
    """Why something was refused, and what the steward can do; both are read by people, so in Chinese."""

    code: str
    text: str
    remedy: str


REASONS = {
    reason.code: reason
    for reason in (
        Reason("unreadable", "文件无法读取", "请来源单位重新导出并补传该文件，再执行 park quarantine retry"),
        Reason(
            "wrong_file_name",
            "文件名不符合约定，无法判断所属日期",
            "改名为 YYYY-MM-DD.parquet、.csv.gz 或 .csv（日期须真实存在）；无关文件请移出归档目录",
        ),
        Reason("empty_delivery", "文件中没有任何数据行", "核对来源系统当日是否停采；如有数据请补传"),
        Reason("missing_column", "缺少约定的列", "恢复列名，或在来源文件（ingestion/sources）中登记新的列名"),
        Reason("duplicate_key", "同一次交付中主键重复", "请来源系统核实并只保留一条；本次采用第一条"),
        Reason(
            "month_vanished",
            "来源中该月数据已全部消失，暂沿用上一次交付",
            "请来源系统核实是否误删；确属作废的，逐户报送零值或更正后重新取数",
        ),
        Reason("time_without_zone", "时间列未注明时区", "请来源系统写明时区（+08:00）后重传"),
        Reason("wrong_time_zone", "时间与归档日期不符，疑似时区错误", "核对网关时区设置（应为 Asia/Shanghai）后重传"),
        Reason("outside_archive_day", "记录时间不在该归档文件所属日期内", "核对设备时钟；确认无误后放入正确日期的文件"),
        Reason("future_time", "记录时间晚于当前时间", "核对设备时钟并校时"),
        Reason("missing_value", "必填列为空", "核对来源记录并补报"),
        Reason("wrong_type", "数值无法按约定类型解析", "核对该列内容与来源文件中的类型约定"),
        Reason("not_finite", "数值不是有限数（NaN、无穷大或超出 1e300）", "核对传感器与网关的数值转换"),
        Reason(
            "wrong_log_name",
            "日志文件名不符合约定，无法判断所属日期与网关",
            "改名为 YYYY-MM-DD.网关.hj212 或 YYYY-MM-DD.网关.jt808（可另加 .gz）；无关文件请移出日志目录",
        ),
        Reason("frame_rubbish", "帧外的杂散字节", "核对网关与设备之间的线路及串口参数；偶发的可不处理"),
        Reason("frame_truncated", "报文不完整，后半部分缺失", "核对通信是否中断；请设备补传该时段数据"),
        Reason("frame_length_not_digits", "包头之后不是四位十进制长度", "请设备厂家按 HJ 212 改正包长；补传该时段数据"),
        Reason("frame_length_wrong", "报文实际字节数与所报长度不符", "请设备厂家按字节数计算长度；补传该时段数据"),
        Reason(
            "frame_crc_not_hex", "校验码不是四位十六进制数", "请设备厂家按 HJ 212 附录 A 改正校验码；补传该时段数据"
        ),
        Reason(
            "frame_crc_wrong", "校验码不符，报文内容在传输中有改动", "核对线路干扰；反复出现的请设备厂家检查校验算法"
        ),
        *(
            Reason(
                f"frame_crc_{dialect}",
                f"校验码{found}，不符合 HJ 212 附录 A",
                f"请设备厂家改正；一时不能改正的，在来源文件的 crc_dialects 中登记该设备为 {dialect}",
            )
            for dialect, found in (
                ("swapped", "高低字节颠倒"),
                ("modbus", "按 MODBUS 算法计算"),
                ("modbus_swapped", "按 MODBUS 算法计算且高低字节颠倒"),
            )
        ),
        Reason(
            "frame_key_missing",
            "数据区已加密，但该设备没有登记密钥",
            "把设备密钥写入 PARK_OUTLET_MONITORING_KEYS_FILE 所指的文件，下次运行时自动重读",
        ),
        Reason(
            "frame_decryption_failed",
            "解密后的长度或校验码不符：内容在传输中有改动，或密钥已更换",
            "若该设备换过密钥，把新密钥加在其列表最前面（旧密钥保留），下次运行时自动重读；否则请设备补传",
        ),
        Reason("frame_escape_wrong", "转义字符之后不是 01 或 02", "请终端厂家按 JT/T 808 改正转义处理"),
        Reason("frame_too_short", "报文短于消息头", "核对通信是否中断；反复出现的请终端厂家检查"),
        Reason(
            "frame_checksum_wrong", "异或校验码不符，报文内容在传输中有改动", "核对信号质量；反复出现的请终端厂家检查"
        ),
        Reason("frame_body_malformed", "消息体与消息类型的格式不符", "请终端厂家核对所用的 JT/T 808 版本"),
        Reason("packet_missing", "分包未到齐，本条只记所缺，已到的分包照常入库", "请设备补传该时段数据"),
        Reason(
            "time_unreadable",
            "报文中没有可用的数据时间",
            "核对设备时钟与 DataTime 的格式；卫星定位终端在首次定位前属正常",
        ),
        Reason("value_not_number", "监测值不是数字", "核对仪器与数采仪之间的通信；无数据时应由数据标记说明"),
        Reason("position_encrypted", "经纬度已加密，无法使用", "请运营单位关闭坐标加密或提供解密方法"),
        Reason("position_impossible", "经纬度或方向超出可能的范围", "核对终端的卫星定位模块"),
        Reason("unknown_factor", "监测因子编码未登记", "在 ref_vital_factors 中登记该因子及其单位"),
        Reason(
            "unknown_unit",
            "单位无法换算为标准单位",
            "在 ref_unit_conversions（空气站因子为 ref_vital_factors）中登记该单位的换算系数",
        ),
        Reason("unknown_station", "站点编号未登记", "在 ref_monitoring_stations 中登记该站点"),
        Reason("unknown_point", "监测点未在监测设备台账中登记", "请设备所属单位在数据中台登记该监测点后重新计算当日"),
    )
}


def quarantined(
    rows: pl.DataFrame,
    *,
    source: str,
    stream: str,
    loaded_at: datetime,
    nothing_landed: bool,
    detail: str | None = None,
) -> pl.DataFrame:
    """Shape refused rows for the quarantine table.

    Args:
        rows: columns `reason_code, record, _source_uri, _digest, _row_number`; null row number for a whole delivery.
        source: name of the source.
        stream: name of the stream.
        loaded_at: when the delivery was read.
        nothing_landed: whether no row of the delivery went to bronze; then it is known by its quarantine rows alone.
        detail: what was found, added to the reason's sentence.
    """
    texts = {code: reason.text + (f"：{detail}" if detail else "") for code, reason in REASONS.items()}
    remedies = {code: reason.remedy for code, reason in REASONS.items()}
    return rows.select(
        source=pl.lit(source),
        stream=pl.lit(stream),
        reason_code=pl.col("reason_code"),
        reason=pl.col("reason_code").replace_strict(texts, return_dtype=pl.String),
        remedy=pl.col("reason_code").replace_strict(remedies, return_dtype=pl.String),
        record=pl.col("record").cast(pl.String),
        _source_uri=pl.col("_source_uri"),
        _digest=pl.col("_digest"),
        _row_number=pl.col("_row_number").cast(pl.Int64),
        _loaded_at=pl.lit(loaded_at).cast(pl.Datetime("us", "UTC")),
        _nothing_landed=pl.lit(nothing_landed),
    )


def add(lake: Lake, rows: pl.DataFrame) -> int:
    """Append refused rows that are not there yet and return how many those were.

    A row is known by stream, delivery, position and reason, so reading a delivery again adds nothing.
    """
    if rows.is_empty():
        return 0
    if lake.exists(TABLE):
        partitions = {name: rows[name].unique().to_list() for name in PARTITION_BY}
        standing = lake.scan(TABLE, partitions).select(KEY).collect()
        rows = rows.join(standing, on=KEY, how="anti", nulls_equal=True)
    if not rows.is_empty():
        lake.append(TABLE, rows, PARTITION_BY, {"rows": str(rows.height)})
    return rows.height


def count(lake: Lake) -> int:
    """Return how many rows and whole deliveries still wait in quarantine."""
    return open_rows(lake).height


def open_rows(lake: Lake, source: str | None = None, stream: str | None = None) -> pl.DataFrame:
    """Return what still waits in quarantine, oldest first; resolved rows stay in the table and are left out here."""
    if not lake.exists(TABLE):
        return pl.DataFrame(schema=SCHEMA)
    rows = lake.scan(TABLE)
    if source is not None:
        rows = rows.filter(pl.col("source") == source)
    if stream is not None:
        rows = rows.filter(pl.col("stream") == stream)
    if lake.exists(RESOLUTIONS):
        rows = rows.join(lake.scan(RESOLUTIONS).select(KEY), on=KEY, how="anti", nulls_equal=True)
    return rows.sort("_loaded_at", "_source_uri", "_row_number").collect()


def resolve(lake: Lake, rows: pl.DataFrame, how: str, resolved_at: datetime) -> int:
    """Record that rows have found their way: `landed`, or `superseded` by a newer delivery of the same file."""
    if not rows.is_empty():
        resolutions = rows.select(KEY).with_columns(
            how=pl.lit(how), resolved_at=pl.lit(resolved_at).cast(pl.Datetime("us", "UTC"))
        )
        lake.append(RESOLUTIONS, resolutions, PARTITION_BY, {"how": how})
    return rows.height
