"""GeoJSON of zones and outline (RFC 7946) in the artifact store, for maps that draw shapes over their own tiles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from dashboards.map.zones import Zone, ZoneError, park_outline
from lakehouse.artifacts import ArtifactStore

ZONES_ARTIFACT = "map/zones.geojson"
OUTLINE_ARTIFACT = "map/park_outline.geojson"
# A tenth of a metre; more digits would only make the file larger.
_GRID = 1e-6


def zone_features(zones: Sequence[Zone]) -> dict[str, Any]:
    """Return the zones as a FeatureCollection; each feature carries the place of its name."""
    features = [
        {
            "type": "Feature",
            "id": zone.zone_id,
            "geometry": _geometry(zone.area),
            "properties": {
                "zone_id": zone.zone_id,
                "zone_name": zone.zone_name,
                "is_green": zone.is_green,
                "name_longitude": round(zone.name_place.x, 6),
                "name_latitude": round(zone.name_place.y, 6),
            },
        }
        for zone in zones
    ]
    return {"type": "FeatureCollection", "features": features}


def build_outlines(zones: Sequence[Zone], store: ArtifactStore) -> int:
    """Write the zones and the outline around them; returns how many files were written.

    Raises:
        ZoneError: there is no zone.
    """
    if not zones:
        raise ZoneError("dim_zones: there is no zone, so there is no outline; publish dim_zones first.")
    outline = {"type": "Feature", "id": "park", "geometry": _geometry(park_outline(zones)), "properties": {}}
    collections = {ZONES_ARTIFACT: zone_features(zones), OUTLINE_ARTIFACT: outline}
    for artifact, collection in collections.items():
        store.write(artifact, (json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
    return len(collections)


def _geometry(geometry: BaseGeometry) -> dict[str, Any]:
    """Return GeoJSON with outer rings anticlockwise (RFC 7946, 3.1.6)."""
    content: dict[str, Any] = mapping(shapely.orient_polygons(shapely.set_precision(geometry, _GRID)))
    return content
