-- The tree of monitoring spaces: park, zone, grid, enterprise, object, point. Where a level is not known the next one
-- above is the parent, so that nothing falls out of the tree.
with devices as (
    select * from {{ ref('int_devices__devices_located') }}
),

enterprises as (
    select
        firms.enterprise_id,
        firms.enterprise_name,
        firms.longitude,
        firms.latitude,
        firms.data_origin,
        coalesce('grid:' || places.grid_id, 'zone:' || firms.zone_id, 'park:1') as parent_space_id
    from {{ ref('int_economy__enterprises_registered') }} as firms
    left join {{ ref('int_spaces__positions_located') }} as places
        on places.subject_kind = 'enterprise' and firms.enterprise_id = places.subject_id
    where firms.enterprise_id is not null and coalesce(firms.issue_code, '') <> 'credit_code_repeated'
),

objects as (
    select
        object_id,
        min(object_name) as object_name,
        avg(longitude) as longitude,
        avg(latitude) as latitude,
        max(data_origin) as data_origin,
        coalesce(
            'enterprise:' || min(enterprise_id), 'grid:' || min(grid_id), 'zone:' || min(zone_id), 'park:1'
        ) as parent_space_id
    from devices
    where object_id is not null
    group by object_id
)

select
    'park:1' as space_id,
    'park' as space_level,
    'park' as subject_id,
    '全园' as space_name,
    cast(null as text) as parent_space_id,
    cast(null as double precision) as longitude,
    cast(null as double precision) as latitude,
    'synthetic' as source_mark
union all
select
    'zone:' || zone_id, 'zone', zone_id, zone_name, 'park:1', null, null, source_mark
from {{ ref('ref_zones') }}
union all
select
    'grid:' || grid_id, 'grid', grid_id, grid_name, 'zone:' || zone_id, null, null, source_mark
from {{ ref('ref_grids') }} as grids
where {{ in_force('grids', park_today()) }}
union all
select
    'enterprise:' || enterprise_id, 'enterprise', enterprise_id, enterprise_name, parent_space_id,
    longitude, latitude, data_origin
from enterprises
union all
select
    'object:' || object_id, 'object', object_id, object_name, parent_space_id, longitude, latitude, data_origin
from objects
union all
select
    'point:' || point_id,
    'point',
    point_id,
    device_name,
    coalesce(
        'object:' || object_id, 'enterprise:' || enterprise_id, 'grid:' || grid_id, 'zone:' || zone_id, 'park:1'
    ),
    longitude,
    latitude,
    data_origin
from devices
