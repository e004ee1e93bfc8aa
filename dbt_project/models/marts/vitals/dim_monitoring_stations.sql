select
    station_id,
    station_name,
    station_kind,
    zone_id,
    zone_name,
    cast(longitude as double precision) as longitude,
    cast(latitude as double precision) as latitude,
    source_mark
from {{ ref('int_vitals__stations_located') }}
