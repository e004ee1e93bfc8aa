"""Names of the bits of the alarm word and the status word (JT/T 808-2019 tables 24 and 25; 2013 has a part of them)."""

from __future__ import annotations

from collections.abc import Mapping

IS_LOCATED, IS_SOUTH, IS_WEST, IS_ENCRYPTED = 1 << 1, 1 << 2, 1 << 3, 1 << 5
_LOAD_SHIFT, _LOAD_MASK = 8, 0b11

ALARMS: Mapping[int, str] = {
    0: "紧急报警",
    1: "超速报警",
    2: "疲劳驾驶报警",
    3: "危险驾驶行为报警",
    4: "卫星定位模块故障",
    5: "卫星定位天线未接或被剪断",
    6: "卫星定位天线短路",
    7: "终端主电源欠压",
    8: "终端主电源掉电",
    9: "终端显示器故障",
    10: "语音合成模块故障",
    11: "摄像头故障",
    12: "道路运输证卡模块故障",
    13: "超速预警",
    14: "疲劳驾驶预警",
    15: "违规行驶报警",
    16: "胎压预警",
    17: "右转盲区异常报警",
    18: "当天累计驾驶超时",
    19: "超时停车",
    20: "进出区域",
    21: "进出路线",
    22: "路段行驶时间不足或过长",
    23: "路线偏离报警",
    24: "车速传感器故障",
    25: "车辆油量异常",
    26: "车辆被盗",
    27: "车辆非法点火",
    28: "车辆非法位移",
    29: "碰撞侧翻报警",
    30: "侧翻预警",
    31: "非法开门报警",
}
STATES: Mapping[int, str] = {
    0: "点火",
    1: "已定位",
    2: "南纬",
    3: "西经",
    4: "停运",
    5: "经纬度已加密",
    6: "前撞预警",
    7: "车道偏移预警",
    10: "油路断开",
    11: "电路断开",
    12: "车门加锁",
    13: "前门开",
    14: "中门开",
    15: "后门开",
    16: "驾驶席门开",
    17: "自定义门开",
    18: "使用全球定位系统",
    19: "使用北斗",
    20: "使用格洛纳斯",
    21: "使用伽利略",
    22: "车辆行驶中",
}
_LOADS = {1: "半载", 2: "载重状态保留值", 3: "满载"}


def alarm_names(word: int) -> list[str]:
    """Return the names of the alarms that are set."""
    return [name for bit, name in ALARMS.items() if word >> bit & 1]


def status_names(word: int) -> list[str]:
    """Return the names of the states that are set, and of the load where it is not empty."""
    names = [name for bit, name in STATES.items() if word >> bit & 1]
    load = _LOADS.get(word >> _LOAD_SHIFT & _LOAD_MASK)
    return names if load is None else [*names, load]
