{{ config(indexes=[{'columns': ['business_date']}, {'columns': ['point_id', 'business_date'], 'unique': true}]) }}
-- Time between failures: hours on line in the window that ends with the day, over the silences that began in it.
with summed as (
    select
        days.*,
        sum(days.minutes_online) over recent / 60.0 as recent_hours_online,
        sum(days.offline_episodes) over recent as recent_offline_episodes
    from {{ ref('int_devices__days_expected') }} as days
    where days.business_date < {{ park_today() }}
    window recent as (
        partition by days.point_id
        order by days.business_date
        range between
        ({{ device_rule('mtbf', 'window_days') }} - 1) * interval '1 day' preceding
        and current row
    )
)

select
    summed.point_id,
    summed.business_date,
    devices.device_name,
    devices.vital_code,
    devices.vital_name,
    devices.element_code,
    devices.sensing_mode_code,
    devices.maker,
    devices.enterprise_id,
    devices.enterprise_name,
    devices.zone_id,
    devices.zone_name,
    devices.grid_id,
    summed.readings_expected,
    summed.readings_received,
    summed.readings_passed,
    summed.readings_suspect,
    summed.readings_failed,
    summed.readings_late,
    summed.readings_superseded,
    summed.minutes_online,
    summed.offline_episodes,
    cast(summed.minutes_online / 1440.0 as double precision) as online_rate,
    cast(summed.readings_received / nullif(cast(summed.readings_expected as numeric), 0) as double precision)
        as delivery_rate,
    cast(summed.readings_passed / nullif(cast(summed.readings_expected as numeric), 0) as double precision)
        as valid_rate,
    cast(summed.recent_hours_online / nullif(summed.recent_offline_episodes, 0) as double precision) as mtbf_hours,
    summed.data_origin
from summed
inner join {{ ref('int_devices__devices_located') }} as devices on summed.point_id = devices.point_id
