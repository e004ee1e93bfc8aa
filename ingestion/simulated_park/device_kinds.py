"""What devices of the simulated park measure: kinds, gases, and the limits their enterprises report for them.

The set points are what invented enterprises wrote into the register. They are no limits of a standard: those are rows
of `dbt_project/seeds/standards`, and whether a set point keeps to them is for the indicator audit to say.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

MAKERS = ("示范仪表甲厂", "示范仪表乙厂", "示范仪表丙厂", "示范传感器丁厂", "示范自控戊厂")
SPARE_SHARE = 0.2  # set points of a careful enterprise lie so far inside what it may report


@dataclass(frozen=True)
class DeviceKind:
    """A kind of device.

    Attributes:
        kind: code in the register.
        title: Chinese name.
        model: first letters of the model names.
        makers: places in `MAKERS` of who builds it.
    """

    kind: str
    title: str
    model: str
    makers: tuple[int, ...]


COMBUSTIBLE_GAS = DeviceKind("combustible_gas", "可燃气体探测器", "CG", (0, 3))
TOXIC_GAS = DeviceKind("toxic_gas", "有毒气体探测器", "TG", (0, 3, 4))
OXYGEN = DeviceKind("oxygen", "氧气探测器", "OX", (3,))
TEMPERATURE = DeviceKind("temperature", "温度变送器", "TT", (0, 1, 2))
PRESSURE = DeviceKind("pressure", "压力变送器", "PT", (1, 2, 4))
TANK_LEVEL = DeviceKind("tank_level", "储罐液位计", "LT", (1, 4))
FLOW = DeviceKind("flow", "流量计", "FT", (2, 4))
BOUNDARY_VOC = DeviceKind("boundary_voc", "厂界挥发性有机物监测仪", "PID", (3,))
METEOROLOGY = DeviceKind("meteorology", "气象传感器", "MET", (2,))

GAS_KINDS = (COMBUSTIBLE_GAS.kind, TOXIC_GAS.kind, OXYGEN.kind)


@dataclass(frozen=True)
class Measure:
    """How one device measures its quantity, all in `unit`.

    Attributes:
        vital_code: code in the catalogue of vitals.
        decimals: decimals of the display; it sets the resolution.
        working_point: where the quantity usually is.
        swing: how far it usually moves to either side.
        period_s: seconds between two readings.
    """

    vital_code: str
    unit: str
    range_low: float
    range_high: float
    operating_low: float
    operating_high: float
    accuracy: float
    decimals: int
    working_point: float
    swing: float
    alarm_low_low: float | None = None
    alarm_low: float | None = None
    alarm_high: float | None = None
    alarm_high_high: float | None = None
    factor_code: str | None = None
    period_s: int = 60


@dataclass(frozen=True)
class ToxicGas:
    """A gas with what an enterprise takes for its exposure limit, mg/m3, and its code in HJ 212."""

    factor_code: str
    title: str
    exposure_mg_per_m3: float
    decimals: int


_TOXIC_GASES = {
    "CO": ToxicGas("a21005", "一氧化碳", 20, 1),
    "H2S": ToxicGas("a21028", "硫化氢", 10, 1),
    "NH3": ToxicGas("a21001", "氨", 20, 1),
    "Cl2": ToxicGas("a21022", "氯", 1, 2),
    "HCl": ToxicGas("a21024", "氯化氢", 7.5, 1),
    "COCl2": ToxicGas("a99049", "光气", 0.5, 2),
    "benzene": ToxicGas("a25002", "苯", 3, 2),
    "phenol": ToxicGas("a23001", "酚类", 10, 1),
    "vinyl chloride": ToxicGas("a24046", "氯乙烯", 10, 1),
    "acrylonitrile": ToxicGas("a99010", "丙烯腈", 1, 2),
    "methanol": ToxicGas("a30001", "甲醇", 25, 1),
    "SO2": ToxicGas("a21026", "二氧化硫", 5, 1),
}
_GASES_BY_PRODUCT = (
    ("异氰酸酯", ("COCl2", "Cl2", "CO", "HCl")),
    ("MDI", ("COCl2", "Cl2", "CO", "HCl")),
    ("聚碳酸酯", ("COCl2", "phenol", "HCl")),
    ("乙烯", ("benzene", "H2S", "CO")),
    ("苯酚", ("benzene", "phenol")),
    ("液氯", ("Cl2", "HCl", "vinyl chloride")),
    ("己二胺", ("NH3", "CO")),
    ("甲基丙烯酸", ("acrylonitrile", "methanol", "NH3")),
    ("气", ("CO", "NH3")),
    ("电力", ("CO", "NH3", "SO2")),
    ("仓储", ("benzene", "methanol", "acrylonitrile")),
)


def toxic_gases_of(main_products: str) -> tuple[ToxicGas, ...]:
    """Return the toxic gases an enterprise watches, after its products; with no known product, CO and H2S."""
    names = next((gases for product, gases in _GASES_BY_PRODUCT if product in main_products), ("CO", "H2S"))
    return tuple(_TOXIC_GASES[name] for name in names)


def level_measure() -> Measure:
    """Return a tank's level in percent of the safe filling height."""
    return Measure(
        "SAF-TK-01", "%", 0, 100, 5, 92, 0.5, 1, 51, 29,
        alarm_low_low=10, alarm_low=15, alarm_high=85, alarm_high_high=90,
    )  # fmt: skip


def tank_temperature_measure(chance: random.Random) -> Measure:
    """Return the temperature of a tank at the weather's mercy, of a heated or of a chilled one."""
    working_point, low, high, swing = chance.choices(
        ((18.0, -5.0, 45.0, 6.0), (70.0, 55.0, 85.0, 2.0), (-12.0, -20.0, -4.0, 0.8)), (62, 26, 12)
    )[0]
    working_point += round(chance.uniform(-2, 2), 1)
    return Measure(
        "SAF-TK-03", "degC", -50, 150, low, high, 0.5, 1, working_point, swing,
        alarm_high=high + 2.5, alarm_high_high=high + 8,
    )  # fmt: skip


def tank_pressure_measure(chance: random.Random) -> Measure:
    """Return the pressure of a nitrogen-blanketed tank (kPa) or of a pressurised one (kPa, or MPa where so built)."""
    if chance.random() < 0.7:
        return Measure(
            "SAF-TK-02", "kPa", 0, 10, 0.4, 3.6, 0.03, 3, 1.8, 0.7,
            alarm_low_low=0.15, alarm_low=0.3, alarm_high=4.0, alarm_high_high=4.5,
        )  # fmt: skip
    working_point = chance.choice((420, 640, 860, 1150))
    design = working_point * 1.5
    scale, unit, decimals = (0.001, "MPa", 3) if chance.random() < 0.4 else (1.0, "kPa", 0)
    return Measure(
        "SAF-TK-02", unit, 0, round(2500 * scale, 3),
        round(working_point * 0.75 * scale, 3), round(working_point * 1.25 * scale, 3),
        round(6.25 * scale, 5), decimals, working_point * scale, round(working_point * 0.09 * scale, 4),
        alarm_low=round(working_point * 0.6 * scale, 3), alarm_high=round(design * 0.9 * scale, 3),
        alarm_high_high=round(design * 0.95 * scale, 3),
    )  # fmt: skip


def unit_temperature_measure(chance: random.Random) -> Measure:
    """Return the temperature of a reactor or column."""
    working_point = float(chance.randrange(80, 330, 10))
    high = round(working_point * 1.08, 1)
    return Measure(
        "SAF-PR-01", "degC", 0, 200 if working_point < 150 else 400, round(working_point * 0.9, 1), high, 1.0, 1,
        working_point, round(working_point * 0.015, 2),
        alarm_low=round(working_point * 0.85, 1), alarm_high=round(high * 1.05, 1),
        alarm_high_high=round(high * 1.1, 1),
    )  # fmt: skip


def unit_pressure_measure(chance: random.Random) -> Measure:
    """Return the pressure of a reactor or column in MPa."""
    working_point = round(chance.uniform(0.3, 3.2), 2)
    range_high = next(top for top in (1.0, 1.6, 2.5, 4.0, 6.0) if top > working_point * 1.5)
    design = working_point * 1.3
    return Measure(
        "SAF-PR-02", "MPa", 0, range_high, round(working_point * 0.88, 3), round(working_point * 1.12, 3),
        round(range_high * 0.0025, 5), 3, working_point, round(working_point * 0.035, 4),
        alarm_low=round(working_point * 0.75, 3), alarm_high=round(design * 0.9, 3),
        alarm_high_high=round(design * 0.95, 3),
    )  # fmt: skip


def flow_measure(chance: random.Random) -> Measure:
    """Return a unit's mass flow (t/h, some meters kg/h) or volume flow (m3/h)."""
    nominal = round(chance.uniform(4, 180))
    vital_code, unit, scale, decimals = chance.choices(
        (("SAF-PR-06", "t/h", 1, 2), ("SAF-PR-06", "kg/h", 1000, 0), ("SAF-PR-07", "m3/h", 1, 2)), (75, 10, 15)
    )[0]
    return Measure(
        vital_code, unit, 0, nominal * 1.5 * scale, round(nominal * 0.55 * scale, 2), round(nominal * 1.1 * scale, 2),
        round(nominal * 0.0075 * scale, 4), decimals, nominal * 0.85 * scale, round(nominal * 0.11 * scale, 4),
        alarm_low=round(nominal * 0.4 * scale, 2), alarm_high=round(nominal * 1.25 * scale, 2),
        alarm_high_high=round(nominal * 1.4 * scale, 2),
    )  # fmt: skip


def combustible_measure(chance: random.Random) -> Measure:
    """Return a combustible gas detector; the set points are the loosest allowed ones or a careful enterprise's."""
    low, high = chance.choices(((25, 50), (20, 40), (15, 30)), (60, 30, 10))[0]
    return Measure(
        "SAF-GS-01", "%LEL", 0, 100, 0, 10, 3, 1, 0, 0.6, alarm_high=low, alarm_high_high=high,
        period_s=10 if chance.random() < 0.03 else 60,
    )  # fmt: skip


def toxic_measure(gas: ToxicGas, chance: random.Random) -> Measure:
    """Return a detector of a toxic gas, range three times the exposure limit."""
    limit = gas.exposure_mg_per_m3
    factor = 1 - SPARE_SHARE if chance.random() < 0.3 else 1
    return Measure(
        "SAF-GS-02", "mg/m3", 0, limit * 3, 0, limit * 0.5, round(limit * 0.09, 3), gas.decimals, 0, limit * 0.02,
        alarm_high=round(limit * factor, 2), alarm_high_high=round(2 * limit * factor, 2),
        factor_code=gas.factor_code, period_s=10 if chance.random() < 0.03 else 60,
    )  # fmt: skip


def oxygen_measure() -> Measure:
    """Return an oxygen detector; it warns of too little and of too much."""
    return Measure(
        "SAF-GS-03", "%VOL", 0, 30, 20.2, 21.6, 0.3, 2, 20.9, 0.08, alarm_low=19.5, alarm_high=23.5
    )  # fmt: skip


def boundary_voc_measure() -> Measure:
    """Return a photo-ionisation analyser of the boundary, one value in five minutes."""
    return Measure(
        "ENV-VO-01", "ug/m3", 0, 20_000, 0, 2_000, 20, 0, 190, 0, alarm_high=4_000,
        factor_code="a24088", period_s=300,
    )  # fmt: skip


# A met mast's instruments; the working point is of no use to them, the weather says what they show.
METEOROLOGY_MEASURES = {
    "风向": Measure("ENV-ME-01", "deg", 0, 360, 0, 360, 3, 0, 0, 0, factor_code="a01008"),
    "气温": Measure("ENV-ME-02", "degC", -40, 60, -10, 41, 0.2, 1, 0, 0, factor_code="a01001"),
    "相对湿度": Measure("ENV-ME-03", "%", 0, 100, 10, 100, 2, 1, 0, 0, factor_code="a01002"),
    "气压": Measure("ENV-ME-04", "hPa", 800, 1100, 980, 1045, 0.3, 1, 0, 0, factor_code="a01006"),
    "降雨强度": Measure("ENV-ME-05", "mm/h", 0, 200, 0, 100, 0.2, 1, 0, 0),
    "风速": Measure("ENV-ME-06", "m/s", 0, 60, 0, 30, 0.3, 1, 0, 0, factor_code="a01007"),
}
