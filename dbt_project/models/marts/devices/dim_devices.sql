{{ config(indexes=[{'columns': ['point_id'], 'unique': true}, {'columns': ['state_code']}]) }}
select
    devices.point_id,
    devices.device_name,
    devices.is_registered,
    devices.device_kind,
    devices.vital_code,
    devices.vital_name,
    devices.element_code,
    devices.element_name,
    devices.sensing_mode_code,
    devices.sensing_mode_name,
    devices.unit as reported_unit,
    devices.enterprise_id,
    devices.enterprise_name,
    devices.zone_id,
    devices.zone_name,
    devices.grid_id,
    devices.grid_name,
    devices.grid_basis_code,
    devices.is_zone_confirmed,
    devices.object_id,
    devices.object_name,
    devices.object_kind,
    devices.object_kind_name,
    devices.longitude,
    devices.latitude,
    devices.maker,
    devices.model,
    devices.gateway_id,
    devices.redundancy_group,
    devices.installed_date,
    devices.device_status,
    devices.is_in_service and states.state_code <> 'idle' as is_in_service,
    cast(devices.period_s as integer) as period_s,
    devices.range_low,
    devices.range_high,
    devices.accuracy,
    states.state_code,
    states.state_since_at,
    states.judged_at,
    states.last_seen_at,
    cast(states.silent_s / 3600 as double precision) as silent_hours,
    cast(states.failed_share as double precision) as failed_share,
    cast(measured.recent_readings_expected as bigint) as recent_readings_expected,
    cast(measured.recent_readings_received as bigint) as recent_readings_received,
    cast(measured.recent_readings_passed as bigint) as recent_readings_passed,
    cast(
        measured.recent_readings_received / nullif(cast(measured.recent_readings_expected as numeric), 0)
        as double precision
    ) as delivery_rate,
    cast(
        measured.recent_readings_passed / nullif(cast(measured.recent_readings_expected as numeric), 0)
        as double precision
    ) as valid_rate,
    cast(measured.recent_hours_online as double precision) as recent_hours_online,
    cast(measured.recent_offline_episodes as integer) as recent_offline_episodes,
    cast(
        measured.recent_hours_online / nullif(measured.recent_offline_episodes, 0) as double precision
    ) as mtbf_hours,
    devices.verified_date,
    devices.verification_due_date,
    case
        when devices.verification_interval_months is null or not devices.is_in_service then 'not_required'
        when devices.verification_due_date is null then 'not_recorded'
        when devices.verification_due_date < {{ park_today() }} then 'overdue'
        when
            devices.verification_due_date
            <= {{ park_today() }} + cast({{ device_rule('verification', 'due_soon_days') }} as integer)
            then 'due_soon'
        else 'in_date'
    end as verification_state_code,
    case
        when devices.verification_interval_months is not null and devices.is_in_service
            then devices.verification_due_date < {{ park_today() }}
    end as is_verification_overdue,
    devices.updated_at,
    devices.data_origin
from {{ ref('int_devices__devices_located') }} as devices
inner join {{ ref('int_devices__states_judged') }} as states on devices.point_id = states.point_id
left join {{ ref('int_devices__devices_measured') }} as measured on devices.point_id = measured.point_id
