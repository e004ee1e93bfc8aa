-- Index results with the place of their station.
select
    hours.*,
    stations.station_name,
    stations.zone_id,
    stations.zone_name,
    stations.longitude,
    stations.latitude
from {{ ref('stg_air_quality__station_hours') }} as hours
inner join {{ ref('int_vitals__stations_located') }} as stations on hours.station_id = stations.station_id
