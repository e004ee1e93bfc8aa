-- Index results with the place of their station.
select
    days.*,
    stations.station_name,
    stations.zone_id,
    stations.zone_name,
    stations.longitude,
    stations.latitude
from {{ ref('stg_air_quality__station_days') }} as days
inner join {{ ref('int_vitals__stations_located') }} as stations on days.station_id = stations.station_id
