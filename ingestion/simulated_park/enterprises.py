"""Twelve or thirty-six invented enterprises; the names begin with 示范 and no code belongs to anybody."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from shapely.geometry import Point

from ingestion.simulated_park.identity_codes import mobile_number, organisation_code, person_name, unified_credit_code
from ingestion.simulated_park.park_geometry import Zone, park_zones
from lakehouse.settings import ParkSize

ENTERPRISE_COUNT = {ParkSize.SMALL: 12, ParkSize.PARK: 36}

_INSET_DEGREES = 0.0012  # about 120 m: a plant does not stand on its zone's fence


@dataclass(frozen=True)
class _Profile:
    """What makes an enterprise this one: everything the seed has no say in."""

    name: str
    zone_id: str
    industry_code: str  # GB/T 4754-2017
    main_products: str
    registration_class: str  # 登记注册统计类别, 2023
    output_weight: float  # share of the park's output, in percent before scaling; 0: no industrial output
    energy_weight: float  # energy per output beside the park's mean
    is_continuous: bool = False  # has turnarounds


@dataclass(frozen=True)
class Enterprise:
    """An invented enterprise of the park.

    `output_share` is its part of the park's gross output (all together 1); positions are WGS-84 degrees.
    """

    number: int
    enterprise_code: str
    unified_credit_code: str
    organisation_code: str
    name: str
    zone: Zone
    longitude: float
    latitude: float
    industry_code: str
    industry_name: str
    main_products: str
    registration_class: str
    registration_class_name: str
    established_on: date
    registered_capital_yuan: int
    staff_count: int
    land_area_m2: int
    contact_name: str
    contact_phone: str
    output_share: float
    energy_weight: float
    is_continuous: bool

    @property
    def is_industrial(self) -> bool:
        """Whether it reports industrial output."""
        return self.output_share > 0


REGISTRATION_CLASS_NAMES = {
    "111": "国有独资公司",
    "112": "私营有限责任公司",
    "119": "其他有限责任公司",
    "210": "港澳台投资有限责任公司",
    "310": "外商投资有限责任公司",
}

# GB/T 4754-2017
_INDUSTRY_NAMES = {
    "2612": "无机碱制造",
    "2614": "有机化学原料制造",
    "2619": "其他基础化学原料制造",
    "2641": "涂料制造",
    "2642": "油墨及类似产品制造",
    "2643": "工业颜料制造",
    "2651": "初级形态塑料及合成树脂制造",
    "2652": "合成橡胶制造",
    "2653": "合成纤维单（聚合）体制造",
    "2659": "其他合成材料制造",
    "2661": "化学试剂和助剂制造",
    "2662": "专项化学用品制造",
    "2669": "其他专用化学产品制造",
    "2710": "化学药品原料药制造",
    "2821": "锦纶纤维制造",
    "4412": "热电联产",
    "4620": "污水处理及其再生利用",
    "5720": "陆地管道运输",
    "5941": "油气仓储",
    "5942": "危险化学品仓储",
    "7320": "工程和技术研究和试验发展",
    "7452": "检测服务",
    "7724": "危险废物治理",
}

_PROFILES = (
    _Profile("示范临海乙烯有限公司", "Z1", "2614", "乙烯、丙烯、丁二烯", "310", 18.0, 1.5, is_continuous=True),
    _Profile("示范异氰酸酯有限公司", "Z2", "2614", "MDI、TDI、苯胺", "310", 13.0, 0.8, is_continuous=True),
    _Profile("示范聚碳酸酯有限公司", "Z2", "2651", "聚碳酸酯", "310", 10.5, 0.7, is_continuous=True),
    _Profile("示范聚烯烃有限公司", "Z1", "2651", "聚乙烯、聚丙烯", "119", 9.5, 0.6, is_continuous=True),
    _Profile("示范酚酮化工有限公司", "Z3", "2614", "苯酚、丙酮、双酚A", "310", 7.5, 0.9, is_continuous=True),
    _Profile("示范氯碱化工有限公司", "Z2", "2612", "烧碱、液氯、氯乙烯", "119", 5.5, 2.2, is_continuous=True),
    _Profile("示范尼龙原料有限公司", "Z3", "2653", "己二胺、聚酰胺66", "310", 5.0, 0.9, is_continuous=True),
    _Profile("示范丙烯酸有限公司", "Z7", "2614", "丙烯酸及酯、高吸水性树脂", "119", 4.2, 0.8, is_continuous=True),
    _Profile("示范工业气体有限公司", "Z5", "2619", "氧气、氮气、氢气、一氧化碳", "210", 3.2, 2.4),
    _Profile("示范甲基丙烯酸酯有限公司", "Z3", "2614", "甲基丙烯酸甲酯、丙酮氰醇", "310", 3.0, 0.9, is_continuous=True),
    _Profile("示范热电有限公司", "Z5", "4412", "电力、蒸汽", "111", 2.6, 1.6),
    _Profile("示范港务仓储有限公司", "Z4", "5942", "液体化学品仓储、码头装卸", "310", 0.0, 0.4),
    _Profile("示范弹性体有限公司", "Z3", "2652", "乙丙橡胶", "310", 2.0, 0.7, is_continuous=True),
    _Profile("示范聚氨酯组合料有限公司", "Z2", "2651", "组合聚醚", "310", 1.8, 0.3),
    _Profile("示范涂料树脂有限公司", "Z3", "2641", "水性树脂、固化剂", "310", 1.6, 0.3),
    _Profile("示范胶粘材料有限公司", "Z3", "2669", "结构胶、密封胶", "112", 1.2, 0.3),
    _Profile("示范特种气体有限公司", "Z3", "2619", "电子特气、标准气", "119", 0.8, 1.2),
    _Profile("示范电子化学品有限公司", "Z7", "2662", "电子级硫酸、显影液", "310", 1.2, 0.5),
    _Profile("示范塑料助剂有限公司", "Z3", "2661", "抗氧剂、分散剂", "310", 1.0, 0.5),
    _Profile("示范油墨科技有限公司", "Z7", "2642", "电子油墨", "310", 0.6, 0.3),
    _Profile("示范颜料有限公司", "Z7", "2643", "无机颜料", "112", 0.6, 0.6),
    _Profile("示范工程塑料有限公司", "Z7", "2651", "聚甲醛、聚酯", "310", 1.5, 0.7),
    _Profile("示范合成气有限公司", "Z3", "2619", "一氧化碳、氢气", "119", 1.2, 2.0),
    _Profile("示范环氧树脂有限公司", "Z7", "2651", "环氧树脂、固化剂", "112", 1.4, 0.6),
    _Profile("示范有机硅有限公司", "Z7", "2659", "硅油、硅橡胶", "210", 1.3, 0.7),
    _Profile("示范医药原料有限公司", "Z7", "2710", "原料药及中间体", "112", 0.7, 0.6),
    _Profile("示范聚酰胺纤维有限公司", "Z7", "2821", "锦纶工业丝", "119", 0.8, 0.8),
    _Profile("示范催化剂有限公司", "Z3", "2661", "聚烯烃催化剂", "119", 0.8, 0.4),
    _Profile("示范改性塑料有限公司", "Z1", "2651", "改性聚丙烯", "112", 0.5, 0.4),
    _Profile("示范危险废物处置有限公司", "Z5", "7724", "危险废物焚烧", "119", 0.0, 0.9),
    _Profile("示范水务有限公司", "Z5", "4620", "工业污水处理、再生水", "310", 0.3, 1.8),
    _Profile("示范公共管廊有限公司", "Z5", "5720", "管廊运营", "111", 0.0, 0.1),
    _Profile("示范化学品物流有限公司", "Z4", "5942", "危化品仓储、停车场", "112", 0.0, 0.2),
    _Profile("示范油品仓储有限公司", "Z4", "5941", "燃料油仓储", "119", 0.0, 0.3),
    _Profile("示范新材料创新中心有限公司", "Z6", "7320", "中试、研发服务", "119", 0.0, 0.1),
    _Profile("示范检测技术有限公司", "Z6", "7452", "化学品检测", "112", 0.0, 0.1),
)


@cache
def park_enterprises(*, seed: int, size: ParkSize) -> tuple[Enterprise, ...]:
    """Return the enterprises of the park; those of the small park are the first of the large one.

    Args:
        seed: Seed of the simulated park: positions, people, staff and land.
        size: Small (12 enterprises) or park (36).
    """
    profiles = _PROFILES[: ENTERPRISE_COUNT[size]]
    shares = _output_shares([profile.output_weight for profile in profiles])
    zones = {zone.zone_id: zone for zone in park_zones()}
    return tuple(
        _enterprise(number, profile, share, zones[profile.zone_id], random.Random(f"{seed}/enterprise/{number}"))
        for number, (profile, share) in enumerate(zip(profiles, shares, strict=True), start=1)
    )


def _output_shares(weights: list[float]) -> list[float]:
    """Scale the weights to shares that sum to one.

    With few firms the weights are flattened, so that the largest keeps the 15 to 22 % of the park it has among many.
    """
    flattening = 1.0 if len(weights) > ENTERPRISE_COUNT[ParkSize.SMALL] else 0.8
    flat = [weight**flattening if weight else 0.0 for weight in weights]
    return [weight / sum(flat) for weight in flat]


def _enterprise(number: int, profile: _Profile, share: float, zone: Zone, chance: random.Random) -> Enterprise:
    longitude, latitude = _position_inside(zone, chance)
    size_of_firm = profile.output_weight or 0.6
    return Enterprise(
        number=number,
        enterprise_code=f"E{number:02d}",
        unified_credit_code=unified_credit_code(number),
        organisation_code=organisation_code(number),
        name=profile.name,
        zone=zone,
        longitude=longitude,
        latitude=latitude,
        industry_code=profile.industry_code,
        industry_name=_INDUSTRY_NAMES[profile.industry_code],
        main_products=profile.main_products,
        registration_class=profile.registration_class,
        registration_class_name=REGISTRATION_CLASS_NAMES[profile.registration_class],
        established_on=date(2001, 3, 1) + timedelta(days=chance.randrange(6000)),
        registered_capital_yuan=round(size_of_firm * chance.uniform(1.2, 2.4)) * 100_000_000 + 50_000_000,
        staff_count=round(45 + 95 * size_of_firm * chance.uniform(0.8, 1.2)),
        land_area_m2=round(400 + 620 * size_of_firm * chance.uniform(0.8, 1.2)) * 100,
        contact_name=person_name(chance),
        contact_phone=mobile_number(chance),
        output_share=share,
        energy_weight=profile.energy_weight,
        is_continuous=profile.is_continuous,
    )


def _position_inside(zone: Zone, chance: random.Random) -> tuple[float, float]:
    inner = zone.boundary.buffer(-_INSET_DEGREES)
    west, south, east, north = inner.bounds
    while True:
        longitude, latitude = round(chance.uniform(west, east), 5), round(chance.uniform(south, north), 5)
        if inner.contains(Point(longitude, latitude)):
            return longitude, latitude
