-- Days of the monitoring points with what they measure, whose they are and where they stand.
select
    days.*,
    devices.device_name,
    devices.vital_code,
    devices.vital_name,
    devices.element_code,
    devices.enterprise_id,
    devices.enterprise_name,
    devices.zone_name,
    devices.object_id,
    devices.object_name
from {{ ref('stg_telemetry__point_days') }} as days
inner join {{ ref('int_devices__devices_located') }} as devices on days.point_id = devices.point_id
