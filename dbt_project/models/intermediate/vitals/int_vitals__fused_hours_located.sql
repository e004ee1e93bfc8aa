-- Fused hours with the object and the owner of their quantity: those of any point of the group.
with groups as (
    select distinct on (redundancy_group)
        redundancy_group,
        vital_name,
        object_name,
        enterprise_id,
        enterprise_name,
        zone_name
    from {{ ref('int_devices__devices_located') }}
    where redundancy_group is not null
    order by redundancy_group, point_id
)

select
    hours.*,
    groups.vital_name,
    groups.object_name,
    groups.enterprise_id,
    groups.enterprise_name,
    groups.zone_name
from {{ ref('stg_telemetry__fused_hours') }} as hours
left join groups on hours.redundancy_group = groups.redundancy_group
