select
    zone_id,
    zone_name,
    boundary_geojson,
    source_mark
from {{ ref('ref_zones') }}
