-- The outline of each grid as edges, from one corner to the next (GeoJSON closes a ring by repeating its first corner).
with corners as (
    select
        grids.grid_id,
        grids.zone_id,
        ring.corner_number,
        cast(ring.corner ->> 0 as double precision) as from_longitude,
        cast(ring.corner ->> 1 as double precision) as from_latitude
    from {{ ref('ref_grids') }} as grids
    cross join lateral jsonb_array_elements(cast(grids.boundary_geojson as jsonb) -> 'coordinates' -> 0)
        with ordinality as ring (corner, corner_number)
    where {{ in_force('grids', park_today()) }}
),

edges as (
    select
        *,
        lead(from_longitude) over (partition by grid_id order by corner_number) as to_longitude,
        lead(from_latitude) over (partition by grid_id order by corner_number) as to_latitude
    from corners
)

select
    grid_id,
    zone_id,
    corner_number,
    from_longitude,
    from_latitude,
    to_longitude,
    to_latitude
from edges
where to_longitude is not null
