"""Which invented units the enterprises have and what may be in them, by the enterprise's number.

Design maxima in tonnes. They are fixtures of magnitude, taken from no plant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingestion.simulated_park import planted_defects as planted

PRODUCTION, STORAGE = "production", "storage"


@dataclass(frozen=True)
class Holding:
    """A substance of a unit: the most that may be there, in tonnes, and what the enterprise says of it.

    `concentration_pct` and `reported_classes` (symbols of GB 18218 table 2) are given for mixtures and for working
    conditions that change the class. `before_enlargement_t` was the design maximum until July 2026;
    `typical_t` stands for one that was never reported.
    """

    name: str
    cas_no: str | None
    design_maximum_t: float | None
    is_mixture: bool = False
    concentration_pct: float | None = None
    reported_classes: str | None = None
    before_enlargement_t: float | None = None
    typical_t: float = 1.0
    defect: str | None = None


@dataclass(frozen=True)
class UnitTemplate:
    """A unit with the people who may be exposed within 500 m of the plant's boundary."""

    name: str
    kind: str
    exposed_persons: int | None
    holdings: tuple[Holding, ...]
    defect: str | None = None


_ETHYLENE = ("乙烯", "74-85-1")
_PROPYLENE = ("丙烯", "115-07-1")
_HYDROGEN = ("氢", "1333-74-0")
_CHLORINE = ("氯", "7782-50-5")
_PHOSGENE = ("碳酰氯", "75-44-5")
_CARBON_MONOXIDE = ("一氧化碳", "630-08-0")
_AMMONIA = ("氨", "7664-41-7")
_BENZENE = ("苯", "71-43-2")
_TOLUENE = ("甲苯", "108-88-3")
_METHANOL = ("甲醇", "67-56-1")
_OXYGEN = ("氧", "7782-44-7")
_TDI = ("甲苯二异氰酸酯", "26471-62-5")

HAZARD_TEMPLATES: Mapping[int, tuple[UnitTemplate, ...]] = {
    1: (
        UnitTemplate("乙烯球罐区", STORAGE, 20, (Holding(*_ETHYLENE, 5000),)),
        UnitTemplate("丙烯球罐区", STORAGE, 20, (Holding(*_PROPYLENE, 3200, before_enlargement_t=2000),)),
        UnitTemplate(
            "裂解装置",
            PRODUCTION,
            35,
            (
                Holding(*_ETHYLENE, 260),
                Holding(*_PROPYLENE, 110),
                Holding(*_HYDROGEN, 2),
                Holding("甲烷", "74-82-8", 45),
            ),
        ),
        UnitTemplate("丁二烯抽提装置", PRODUCTION, 12, (Holding("1,3-丁二烯", "106-99-0", 60),)),
        UnitTemplate(
            "芳烃罐区", STORAGE, 0, (Holding(*_BENZENE, 2000), Holding(*_TOLUENE, 1500, defect=planted.OVERFILLED))
        ),
    ),
    2: (
        UnitTemplate("光气化装置", PRODUCTION, 120, (Holding(*_PHOSGENE, 0.6),)),
        UnitTemplate("TDI 罐区", STORAGE, 35, (Holding(*_TDI, 900),)),
        UnitTemplate(
            "苯胺装置",
            PRODUCTION,
            40,
            (
                Holding("苯胺", "62-53-3", 420),
                Holding("硝基苯", "98-95-3", 300),
                Holding(*_HYDROGEN, 1.5),
                Holding(*_BENZENE, 38),
            ),
        ),
        UnitTemplate(
            "MDI 罐区", STORAGE, 35, (Holding("二苯基甲烷二异氰酸酯", "101-68-8", 6000), Holding("氮", "7727-37-9", 20))
        ),
    ),
    3: (
        UnitTemplate(
            "聚碳酸酯装置",
            PRODUCTION,
            55,
            (Holding(*_PHOSGENE, 0.25), Holding(*_CARBON_MONOXIDE, 6), Holding(*_CHLORINE, 4)),
        ),
        UnitTemplate("苯酚罐区", STORAGE, 20, (Holding("苯酚", "108-95-2", 2600),)),
    ),
    4: (
        UnitTemplate(
            "聚烯烃装置", PRODUCTION, 18, (Holding(*_PROPYLENE, 90), Holding(*_ETHYLENE, 40), Holding(*_HYDROGEN, 1))
        ),
        UnitTemplate("烷基铝库", STORAGE, 18, (Holding("烷基铝", None, 3.5),)),
        UnitTemplate("己烷罐区", STORAGE, 0, (Holding("正己烷", "110-54-3", 420), Holding("1-丁烯", "106-98-9", 35))),
    ),
    5: (
        UnitTemplate(
            "苯酚丙酮装置",
            PRODUCTION,
            25,
            (Holding("苯酚", "108-95-2", 380), Holding("丙酮", "67-64-1", 220), Holding("异丙苯", "98-82-8", 900)),
        ),
        UnitTemplate("丙酮罐区", STORAGE, 25, (Holding("丙酮", "67-64-1", 6500),)),
        UnitTemplate(
            "双酚A装置",
            PRODUCTION,
            25,
            (
                Holding("苯酚", "108-95-2", 160),
                Holding("中间体 BPX-7", "99999-00-7", 40, defect=planted.UNKNOWN_CHEMICAL),
            ),
        ),
    ),
    6: (
        UnitTemplate("液氯储罐区", STORAGE, 60, (Holding(*_CHLORINE, 120),)),
        UnitTemplate("电解装置", PRODUCTION, 60, (Holding(*_CHLORINE, 3), Holding(*_HYDROGEN, 0.8))),
        UnitTemplate(
            "氯乙烯球罐区", STORAGE, 60, (Holding("氯乙烯", "75-01-4", 1600), Holding("1,2-二氯乙烷", "107-06-2", 2400))
        ),
        UnitTemplate(
            "盐酸与烧碱罐区",
            STORAGE,
            10,
            (
                Holding("盐酸", "7647-01-0", 900, is_mixture=True, concentration_pct=31, reported_classes="无"),
                Holding("氢氧化钠溶液", "1310-73-2", 4000),
            ),
        ),
    ),
    7: (
        UnitTemplate("己二腈罐区", STORAGE, 15, (Holding("己二腈", "111-69-3", 2400),)),
        UnitTemplate("己二胺装置", PRODUCTION, 10, (Holding(*_AMMONIA, 8), Holding(*_HYDROGEN, 3))),
        UnitTemplate("液氨罐区", STORAGE, None, (Holding(*_AMMONIA, 180),), defect=planted.MISSING_EXPOSED_PERSONS),
    ),
    8: (
        UnitTemplate(
            "丙烯酸装置",
            PRODUCTION,
            30,
            (Holding(*_PROPYLENE, 25), Holding("丙烯醛", "107-02-8", 6), Holding("丙烯酸", "79-10-7", 300)),
        ),
        UnitTemplate(
            "丙烯酸酯罐区",
            STORAGE,
            30,
            (
                Holding(
                    "丙烯酸甲酯混合液", "96-33-3", 700, is_mixture=True, concentration_pct=85, reported_classes="W5.3"
                ),
                Holding(*_METHANOL, 650, defect=planted.UNIT_SLIP),
            ),
        ),
    ),
    9: (
        UnitTemplate("液氧储罐区", STORAGE, 45, (Holding(*_OXYGEN, 1900, defect=planted.DUPLICATE_SUBMISSION),)),
        UnitTemplate(
            "合成气装置",
            PRODUCTION,
            45,
            (Holding(*_CARBON_MONOXIDE, 9), Holding(*_HYDROGEN, 2.5)),
            defect=planted.MISSING_GUARANTOR,
        ),
        UnitTemplate("氢气充装站", STORAGE, 45, (Holding(*_HYDROGEN, 4),)),
    ),
    10: (
        UnitTemplate(
            "丙酮氰醇装置",
            PRODUCTION,
            40,
            (Holding("丙酮氰醇", "75-86-5", 60), Holding("氰化氢", "74-90-8", 2), Holding("丙酮", "67-64-1", 90)),
        ),
        UnitTemplate("甲基丙烯酸甲酯罐区", STORAGE, 40, (Holding("甲基丙烯酸甲酯", "80-62-6", 5200),)),
        UnitTemplate(
            "硫酸罐区",
            STORAGE,
            0,
            (
                Holding("硫酸", "7664-93-9", 3000),
                Holding("三氧化硫", "7446-11-9", None, typical_t=12, defect=planted.MISSING_DESIGN_QUANTITY),
            ),
        ),
    ),
    11: (
        UnitTemplate("氨水制备间", PRODUCTION, 8, (Holding(*_AMMONIA, 6),)),
        UnitTemplate("天然气调压站", PRODUCTION, 8, (Holding("甲烷", "74-82-8", 4),)),
    ),
    12: (
        UnitTemplate(
            "甲醇罐组",
            STORAGE,
            5,
            (Holding(*_METHANOL, 24_000), Holding("乙醇", "64-17-5", 6000, defect=planted.MISSING_QUANTITY)),
        ),
        UnitTemplate(
            "二甲苯罐组", STORAGE, 5, (Holding("二甲苯", "1330-20-7", 18_000), Holding("乙苯", "100-41-4", 4000))
        ),
        UnitTemplate("丙烯腈罐组", STORAGE, 5, (Holding("丙烯腈", "107-13-1", 3000),)),
        UnitTemplate(
            "甲醛溶液罐组",
            STORAGE,
            5,
            (
                Holding("甲醛溶液", "50-00-0", 800, is_mixture=True, concentration_pct=37, reported_classes="J5"),
                Holding("环氧丙烷", "75-56-9", 900),
            ),
        ),
    ),
    13: (
        UnitTemplate(
            "乙丙橡胶装置",
            PRODUCTION,
            15,
            (Holding(*_PROPYLENE, 30), Holding(*_ETHYLENE, 20), Holding("正己烷", "110-54-3", 260)),
        ),
    ),
    14: (
        UnitTemplate(
            "环氧丙烷罐区", STORAGE, 15, (Holding("环氧丙烷", "75-56-9", 420), Holding("环氧乙烷", "75-21-8", 60))
        ),
    ),
    15: (
        UnitTemplate(
            "固化剂车间", PRODUCTION, 35, (Holding("六亚甲基二异氰酸酯", "822-06-0", 80), Holding(*_TOLUENE, 60))
        ),
    ),
    16: (UnitTemplate("溶剂库", STORAGE, 20, (Holding("乙酸乙酯", "141-78-6", 90), Holding("丙酮", "67-64-1", 60))),),
    17: (
        UnitTemplate(
            "特气充装间",
            PRODUCTION,
            50,
            (Holding("氟化氢", "7664-39-3", 0.8), Holding(*_CHLORINE, 2), Holding(*_HYDROGEN, 1)),
        ),
    ),
    18: (
        UnitTemplate(
            "硝酸罐区",
            STORAGE,
            20,
            (
                Holding("硝酸", "7697-37-2", 60, is_mixture=True, concentration_pct=98),
                Holding("氟化氢", "7664-39-3", 0.4),
            ),
        ),
    ),
    19: (UnitTemplate("助剂车间", PRODUCTION, 20, (Holding(*_TOLUENE, 40), Holding("环氧氯丙烷", "106-89-8", 8))),),
    22: (
        UnitTemplate(
            "甲醛装置",
            PRODUCTION,
            20,
            (
                Holding(*_METHANOL, 300),
                Holding("甲醛溶液", "50-00-0", 200, is_mixture=True, concentration_pct=50, reported_classes="J5"),
            ),
        ),
    ),
    23: (
        UnitTemplate(
            "合成气净化装置",
            PRODUCTION,
            25,
            (Holding(*_CARBON_MONOXIDE, 14), Holding(*_HYDROGEN, 4), Holding("硫化氢", "7783-06-4", 0.6)),
        ),
    ),
    24: (UnitTemplate("环氧氯丙烷罐区", STORAGE, 25, (Holding("环氧氯丙烷", "106-89-8", 600),)),),
    28: (UnitTemplate("催化剂库", STORAGE, 15, (Holding("烷基铝", None, 1.2), Holding("正己烷", "110-54-3", 40))),),
    33: (
        UnitTemplate(
            "危险化学品仓库",
            STORAGE,
            40,
            (Holding("过乙酸", "79-21-0", 6), Holding("丙酮", "67-64-1", 120), Holding("乙醚", "60-29-7", 4)),
        ),
    ),
    34: (UnitTemplate("汽油罐组", STORAGE, 10, (Holding("汽油", "86290-81-5", 12_000),)),),
}
