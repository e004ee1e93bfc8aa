"""The reference seeds that describe the invented park, as CSV text for `dbt_project/seeds/reference`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ingestion.simulated_park.air_factors import AIR_FACTORS
from ingestion.simulated_park.park_geometry import AIR_STATIONS, park_grids, park_zones, zone_at

VALID_FROM = "2010-01-01"  # before the first reading of any series
_SOURCE_MARK = "synthetic"


def zones_csv() -> str:
    """Return `ref_zones.csv`: one row per zone of the park."""
    return _csv(
        ("zone_id", "zone_name", "boundary_geojson", "valid_from", "source_mark"),
        ((zone.zone_id, zone.zone_name, zone.as_geojson(), VALID_FROM, _SOURCE_MARK) for zone in park_zones()),
    )


def grids_csv() -> str:
    """Return `ref_grids.csv`: one row per management grid, cut from the zones."""
    return _csv(
        ("grid_id", "grid_name", "zone_id", "boundary_geojson", "valid_from", "valid_to", "source_mark"),
        (
            (grid.grid_id, grid.grid_name, grid.zone_id, grid.as_geojson(), VALID_FROM, "", _SOURCE_MARK)
            for grid in park_grids()
        ),
    )


def monitoring_stations_csv() -> str:
    """Return `ref_monitoring_stations.csv`: one row per monitoring station."""
    items = " ".join(sorted(factor.pollutant_code for factor in AIR_FACTORS))
    return _csv(
        (
            "station_id",
            "station_name",
            "zone_id",
            "longitude",
            "latitude",
            "station_kind",
            "valid_from",
            "source_mark",
            "measured_items",
        ),
        (
            (
                station.station_id,
                station.station_name,
                zone_at(station.longitude, station.latitude).zone_id,
                f"{station.longitude:.4f}",
                f"{station.latitude:.4f}",
                "air",
                VALID_FROM,
                _SOURCE_MARK,
                items,
            )
            for station in AIR_STATIONS
        ),
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
