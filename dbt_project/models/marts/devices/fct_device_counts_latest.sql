-- Devices counted by one dimension at a time; the park is the dimension with one value.
with sorted as (
    select
        devices.*,
        dimensions.dimension_code,
        coalesce(dimensions.dimension_value, 'not_recorded') as dimension_value,
        coalesce(dimensions.dimension_name, '未登记') as dimension_name
    from {{ ref('dim_devices') }} as devices
    cross join lateral (
        values
        ('park', 'park', '全园'),
        ('element', devices.element_code, devices.element_name),
        ('sensing_mode', devices.sensing_mode_code, devices.sensing_mode_name),
        ('vital', devices.vital_code, devices.vital_name),
        ('object_kind', devices.object_kind, devices.object_kind_name),
        ('enterprise', devices.enterprise_id, devices.enterprise_name),
        ('maker', devices.maker, devices.maker),
        ('zone', devices.zone_id, devices.zone_name),
        ('grid', devices.grid_id, devices.grid_name)
    ) as dimensions (dimension_code, dimension_value, dimension_name)
),

counted as (
    select
        dimension_code,
        dimension_value,
        max(dimension_name) as dimension_name,
        count(*) as device_count,
        count(*) filter (where is_in_service) as in_service_count,
        count(*) filter (where state_code = 'online') as normal_count,
        count(*) filter (where state_code = 'abnormal') as abnormal_count,
        count(*) filter (where state_code = 'offline') as offline_count,
        count(*) filter (where state_code = 'long_offline') as long_offline_count,
        count(*) filter (where state_code = 'never_seen') as never_seen_count,
        count(*) filter (where not is_in_service) as out_of_service_count,
        count(*) filter (where not is_registered) as unregistered_count,
        count(*) filter (where is_verification_overdue) as verification_overdue_count,
        sum(recent_readings_expected) filter (where is_in_service) as recent_readings_expected,
        sum(recent_readings_received) filter (where is_in_service) as recent_readings_received,
        sum(recent_readings_passed) filter (where is_in_service) as recent_readings_passed,
        sum(recent_hours_online) filter (where is_in_service) as recent_hours_online,
        sum(recent_offline_episodes) filter (where is_in_service) as recent_offline_episodes,
        max(judged_at) as judged_at,
        max(data_origin) as data_origin
    from sorted
    group by dimension_code, dimension_value
)

select
    dimension_code,
    dimension_value,
    dimension_name,
    cast(device_count as integer) as device_count,
    cast(in_service_count as integer) as in_service_count,
    -- A device whose readings fail is on line all the same.
    cast(normal_count + abnormal_count as integer) as online_count,
    cast(abnormal_count as integer) as abnormal_count,
    cast(offline_count as integer) as offline_count,
    cast(long_offline_count as integer) as long_offline_count,
    cast(never_seen_count as integer) as never_seen_count,
    cast(out_of_service_count as integer) as out_of_service_count,
    cast(unregistered_count as integer) as unregistered_count,
    cast(verification_overdue_count as integer) as verification_overdue_count,
    cast((normal_count + abnormal_count) / nullif(cast(in_service_count as numeric), 0) as double precision)
        as online_rate,
    cast(recent_readings_received / nullif(recent_readings_expected, 0) as double precision) as delivery_rate,
    cast(recent_readings_passed / nullif(recent_readings_expected, 0) as double precision) as valid_rate,
    cast(recent_hours_online / nullif(recent_offline_episodes, 0) as double precision) as mtbf_hours,
    judged_at,
    data_origin
from counted
