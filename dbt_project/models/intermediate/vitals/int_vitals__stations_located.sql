-- A station's place in force: the reference row that has not ended at the present moment.
select
    stations.station_id,
    stations.station_name,
    stations.station_kind,
    stations.zone_id,
    zones.zone_name,
    stations.longitude,
    stations.latitude,
    stations.source_mark
from {{ ref('ref_monitoring_stations') }} as stations
inner join {{ ref('ref_zones') }} as zones on stations.zone_id = zones.zone_id
