select
    terminal_id_jt808,
    measured_at,
    business_date,
    positions_received,
    positions_usable,
    positions_in_park,
    positions_above_limit,
    positions_with_alarm,
    alarm_names,
    highest_speed_km_per_h,
    distance_km,
    minutes_moving,
    minutes_stopped,
    is_in_park,
    data_origin
from {{ source('vehicles', 'vehicles__hours') }}
