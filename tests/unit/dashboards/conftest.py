"""A small park for the compiler: two marts, one theme."""

from __future__ import annotations

import pytest

from dashboards.theme_file import Theme

MARTS = {
    "fct_air_quality_daily": {
        "station_name": "text",
        "zone_name": "text",
        "business_date": "date",
        "pm25_ug_per_m3": "double precision",
        "pm25_limit_ug_per_m3": "double precision",
        "aqi": "integer",
        "aqi_level": "integer",
        "is_exceeded": "boolean",
        "data_origin": "text",
    },
    "fct_air_quality_latest": {
        "station_name": "text",
        "longitude": "double precision",
        "latitude": "double precision",
        "measured_at": "timestamp with time zone",
        "aqi": "integer",
        "aqi_level": "integer",
    },
    "dim_zones": {"zone_name": "text", "boundary_geojson": "text"},
}
THEME = {
    "theme": "park_overview",
    "title": "park_overview",
    "audience": ["park_leader"],
    "look": "dark_wall",
    "refresh_seconds": 300,
    "colours": {"pm25_daily_limit": "#ff0000"},
    "filters": [
        {"filter": "zone", "title": "zone_filter", "mart": "dim_zones", "column": "zone_name"},
        {"filter": "period", "title": "period_filter", "period": True},
    ],
    "rows": [
        {
            "height": 40,
            "charts": [
                {
                    "chart": "pm25_against_limit",
                    "as": "lines",
                    "title": "pm25_against_limit",
                    "mart": "fct_air_quality_daily",
                    "metrics": ["pm25_daily_mean"],
                    "limits": ["pm25_daily_limit"],
                    "time": "business_date",
                    "every": "day",
                    "last": {"months": 12},
                    "width": 8,
                },
                {
                    "width": 4,
                    "stack": [
                        {
                            "chart": "park_map",
                            "as": "map",
                            "title": "park_map",
                            "width": 4,
                            "layers": [
                                {
                                    "layer": "zones",
                                    "title": "map_zones",
                                    "mart": "dim_zones",
                                    "boundary": "boundary_geojson",
                                },
                                {
                                    "layer": "stations",
                                    "title": "map_stations",
                                    "mart": "fct_air_quality_latest",
                                    "point": ["longitude", "latitude"],
                                    "colour_by": "aqi_level",
                                    "label": ["station_name", "aqi"],
                                    "tooltip": ["measured_at"],
                                },
                                {
                                    "layer": "enterprises",
                                    "title": "map_enterprises",
                                    "mart": "dim_enterprises",
                                    "point": ["longitude", "latitude"],
                                    "optional": True,
                                },
                            ],
                        },
                        {
                            "chart": "station_latest",
                            "as": "records",
                            "title": "station_latest",
                            "mart": "fct_air_quality_latest",
                            "columns": ["station_name", "measured_at", "aqi", "aqi_level"],
                            "order": "aqi",
                            "width": 4,
                            "shade": [{"cells": "aqi", "by": "aqi_level", "values": "aqi_level"}],
                        },
                    ],
                },
            ],
        }
    ],
}


@pytest.fixture
def marts() -> dict[str, dict[str, str]]:
    return {mart: dict(columns) for mart, columns in MARTS.items()}


@pytest.fixture
def theme() -> Theme:
    return Theme.model_validate(THEME)
