{{ config(indexes=[{'columns': ['business_date']}]) }}
select
    point_id,
    device_name,
    vital_code,
    vital_name,
    enterprise_name,
    zone_id,
    zone_name,
    business_date,
    treatment_code,
    treatment_name,
    explanation,
    clause,
    effect,
    readings,
    first_at,
    last_at
from {{ ref('int_vitals__treatments_explained') }}
