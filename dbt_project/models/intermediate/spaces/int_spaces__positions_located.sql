-- The grid that a device or an enterprise stands in: a ray to the east crosses the outline of its grid an odd number
-- of times. An edge takes its lower end and leaves its upper one, so that a position on a common edge has one grid.
with positions as (
    select 'device' as subject_kind, point_id as subject_id, longitude, latitude
    from {{ ref('int_devices__devices_registered') }}
    union all
    select 'enterprise' as subject_kind, enterprise_id as subject_id, longitude, latitude
    from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
),

crossed as (
    select
        positions.subject_kind,
        positions.subject_id,
        edges.grid_id,
        edges.zone_id
    from positions
    inner join {{ ref('int_spaces__grid_edges_drawn') }} as edges
        on
            (edges.from_latitude > positions.latitude) <> (edges.to_latitude > positions.latitude)
            and positions.longitude < edges.from_longitude
            + (edges.to_longitude - edges.from_longitude)
            * (positions.latitude - edges.from_latitude) / (edges.to_latitude - edges.from_latitude)
    group by positions.subject_kind, positions.subject_id, edges.grid_id, edges.zone_id
    having count(*) % 2 = 1
)

select distinct on (subject_kind, subject_id)
    subject_kind,
    subject_id,
    grid_id,
    zone_id
from crossed
order by subject_kind, subject_id, grid_id
