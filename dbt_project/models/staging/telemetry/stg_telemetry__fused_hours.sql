select
    redundancy_group,
    measured_at,
    business_date,
    zone_id,
    vital_code,
    object_id,
    unit,
    value,
    standard_uncertainty,
    flag_final,
    sources_used,
    sources_dropped,
    is_in_conflict,
    has_hazardous_outlier,
    dropped_sources,
    data_origin
from {{ source('telemetry', 'telemetry__fused_hours') }}
