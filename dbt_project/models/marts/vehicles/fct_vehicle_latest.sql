{{ config(indexes=[{'columns': ['terminal_id_jt808'], 'unique': true}]) }}
-- What was silent for too long is silent, whatever it did when it was last heard.
with aged as (
    select
        *,
        cast(extract(epoch from {{ park_now() }} - measured_at) / 60.0 as double precision) as age_minutes,
        cast(extract(epoch from measured_at - standing_since_at) / 60.0 as double precision) as standing_minutes
    from {{ ref('int_vehicles__positions_located') }}
)

select
    terminal_id_jt808,
    measured_at,
    age_minutes,
    case
        when age_minutes > {{ vehicle_rule('track', 'silent_minutes') }} then 'silent'
        when standing_since_at is not null then 'stopped'
        else 'moving'
    end as vehicle_state_code,
    longitude,
    latitude,
    zone_id,
    zone_name,
    is_in_park,
    speed_km_per_h,
    is_in_park and speed_km_per_h > {{ vehicle_rule('park', 'speed_limit_km_per_h') }} as is_above_speed_limit,
    direction_deg,
    standing_minutes,
    mileage_km,
    alarm_names,
    status_names,
    data_origin
from aged
