"""What is made for readers from published marts: reports and the base map, kept in the artifact store."""

from typing import Any

import dagster as dg

from dashboards.map.outlines import build_outlines
from dashboards.map.tiles import build_tiles
from dashboards.map.zones import zones_from_rows
from dashboards.reports.issue import issue_report
from dashboards.reports.report_file import load_report, report_names
from lakehouse.warehouse import Role
from orchestration.platform import Platform


def product_assets() -> list[dg.AssetsDefinition]:
    """Return one asset per report, and the base map."""
    return [*(_report(name) for name in report_names()), base_map]


def _report(name: str) -> dg.AssetsDefinition:
    report = load_report(name)

    @dg.asset(
        key=["reports", name],
        deps=[["published", source.mart] for source in report.sources],
        group_name="reports",
        kinds={"typst"},
        owners=["team:environment"],
        description=f"{report.title}：由已发布数据集排版并以 SM2 签名。Typeset from published marts, signed with SM2.",
    )
    def issue(platform: Platform) -> dg.MaterializeResult[Any]:
        with platform.warehouse() as warehouse:
            issued = issue_report(
                warehouse,
                platform.artifacts,
                platform.key_provider,
                name,
                platform.settings.last_full_day,
                issued_at=platform.present,
            )
        return dg.MaterializeResult(
            metadata={
                "business_date": issued.business_date.isoformat(),
                "version": issued.version,
                "is_new": issued.is_new,
                "artifact": dg.MetadataValue.path(str(platform.artifacts.root / issued.artifact)),
                "sm3": issued.sm3,
            }
        )

    return issue


@dg.asset(
    key=["map", "base_map"],
    deps=[["published", "dim_zones"]],
    group_name="map",
    kinds={"typst"},
    owners=["team:data"],
    description="离线底图瓦片，由园区分区绘制。Base map tiles drawn from the park's own zones, offline.",
)
def base_map(platform: Platform) -> dg.MaterializeResult[Any]:
    """Draw the tiles again when the zones were published anew."""
    with platform.warehouse() as warehouse:
        zones = warehouse.read(Role.READER, "select * from published.dim_zones order by zone_id")
        ledger = "select fingerprint from published.publications where mart_name = 'dim_zones'"
        fingerprint = warehouse.read(Role.READER, ledger)["fingerprint"][0].encode()
    marker = "map/drawn_from"
    if platform.artifacts.exists(marker) and platform.artifacts.read(marker) == fingerprint:
        return dg.MaterializeResult(metadata={"tiles": 0, "unchanged": True})
    tiles = build_tiles(zones_from_rows(zones), platform.artifacts)
    build_outlines(zones_from_rows(zones), platform.artifacts)
    platform.artifacts.write(marker, fingerprint)
    return dg.MaterializeResult(metadata={"tiles": tiles, "unchanged": False})
