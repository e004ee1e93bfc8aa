{{ config(indexes=[{'columns': ['business_date']}, {'columns': ['redundancy_group', 'measured_at'], 'unique': true}]) }}
select
    redundancy_group,
    vital_code,
    vital_name,
    object_id,
    object_name,
    enterprise_id,
    enterprise_name,
    zone_id,
    zone_name,
    measured_at,
    business_date,
    value as fused_value,
    standard_uncertainty,
    unit,
    cast(flag_final as integer) as flag_final,
    sources_used,
    sources_dropped,
    dropped_sources,
    is_in_conflict,
    has_hazardous_outlier,
    data_origin
from {{ ref('int_vitals__fused_hours_located') }}
