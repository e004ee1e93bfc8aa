select
    point_id,
    business_date,
    zone_id,
    treatment_code,
    effect,
    readings,
    first_at,
    last_at
from {{ source('telemetry', 'telemetry__treatments') }}
