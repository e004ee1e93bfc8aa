{{ config(indexes=[{'columns': ['business_date']}, {'columns': ['terminal_id_jt808', 'measured_at'], 'unique': true}]) }}
select
    terminal_id_jt808,
    measured_at,
    business_date,
    cast(extract(hour from measured_at at time zone 'Asia/Shanghai') as integer) as hour_of_day,
    positions_received,
    positions_usable,
    positions_in_park,
    positions_above_limit,
    positions_with_alarm,
    alarm_names,
    distance_km,
    highest_speed_km_per_h,
    -- A vehicle that only stood has no speed of driving.
    distance_km / nullif(minutes_moving, 0) * 60 as moving_speed_km_per_h,
    minutes_moving,
    minutes_stopped,
    minutes_silent,
    is_in_park,
    data_origin
from {{ ref('int_vehicles__hours_completed') }}
