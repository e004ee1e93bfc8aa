{{ config(indexes=[{'columns': ['point_id', 'issue_code'], 'unique': true}]) }}
-- What somebody should do about a device; an issue that has no beginning of its own is as old as the judgement.
select
    devices.point_id,
    issues.issue_code,
    devices.device_name,
    devices.vital_code,
    devices.vital_name,
    devices.object_name,
    devices.enterprise_id,
    devices.enterprise_name,
    devices.zone_id,
    devices.zone_name,
    devices.grid_name,
    devices.maker,
    devices.gateway_id,
    coalesce(issues.issue_since_at, devices.judged_at) as issue_since_at,
    devices.silent_hours,
    devices.verification_due_date,
    devices.judged_at,
    devices.data_origin
from {{ ref('dim_devices') }} as devices
cross join lateral (
    values
    ('device_long_offline', devices.state_code = 'long_offline', devices.state_since_at),
    ('device_offline', devices.state_code = 'offline', devices.state_since_at),
    ('device_never_seen', devices.state_code = 'never_seen', devices.state_since_at),
    ('device_abnormal', devices.state_code = 'abnormal', devices.state_since_at),
    (
        'verification_overdue',
        devices.verification_state_code = 'overdue',
        cast(devices.verification_due_date + 1 as timestamp) at time zone 'Asia/Shanghai'
    ),
    ('verification_due_soon', devices.verification_state_code = 'due_soon', null),
    ('verification_not_recorded', devices.verification_state_code = 'not_recorded', null),
    ('device_not_registered', not devices.is_registered, null),
    ('device_outside_its_zone', not devices.is_zone_confirmed, null)
) as issues (issue_code, is_found, issue_since_at)
where issues.is_found
