-- A station that fell silent keeps its row; its age says so.
with ranked as (
    select
        *,
        row_number() over (partition by station_id order by measured_at desc) as recency
    from {{ ref('fct_air_quality_hourly') }}
    where measured_at <= {{ park_now() }}
)

select
    station_id,
    station_name,
    zone_id,
    zone_name,
    longitude,
    latitude,
    measured_at,
    cast(extract(epoch from {{ park_now() }} - measured_at) / 3600.0 as double precision) as age_hours,
    so2_ug_per_m3,
    no2_ug_per_m3,
    co_mg_per_m3,
    o3_ug_per_m3,
    pm10_ug_per_m3,
    pm25_ug_per_m3,
    aqi,
    aqi_at_least,
    aqi_level,
    aqi_level_name,
    primary_pollutants,
    standard_code,
    data_origin
from ranked
where recency = 1
