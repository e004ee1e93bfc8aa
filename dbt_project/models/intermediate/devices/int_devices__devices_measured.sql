-- Sums over the last full days of each device: for the rates of a week, and for the mean time between failures.
with days as (
    select
        *,
        business_date >= {{ park_today() }} - cast({{ device_rule('health', 'window_days') }} as integer) as is_in_week,
        business_date >= {{ park_today() }} - cast({{ device_rule('mtbf', 'window_days') }} as integer) as is_in_month
    from {{ ref('int_devices__days_expected') }}
    where business_date < {{ park_today() }}
)

select
    point_id,
    sum(readings_expected) filter (where is_in_week) as recent_readings_expected,
    sum(readings_received) filter (where is_in_week) as recent_readings_received,
    sum(readings_passed) filter (where is_in_week) as recent_readings_passed,
    sum(readings_late) filter (where is_in_week) as recent_readings_late,
    cast(sum(minutes_online) filter (where is_in_month) / 60.0 as double precision) as recent_hours_online,
    sum(offline_episodes) filter (where is_in_month) as recent_offline_episodes
from days
where is_in_week or is_in_month
group by point_id
