{{ config(indexes=[{'columns': ['point_id'], 'unique': true}]) }}
-- A point that fell silent keeps the last hour that had a value; its age says so.
with ranked as (
    select
        *,
        row_number() over (partition by point_id order by measured_at desc) as recency
    from {{ ref('fct_vital_hourly') }}
    where measured_at <= {{ park_now() }} and value_last is not null
)

select
    point_id,
    device_name,
    vital_code,
    vital_name,
    element_code,
    enterprise_id,
    enterprise_name,
    zone_id,
    zone_name,
    object_id,
    object_name,
    measured_at,
    cast(extract(epoch from {{ park_now() }} - measured_at) / 3600.0 as double precision) as age_hours,
    value_last,
    value_mean,
    value_min,
    value_max,
    unit,
    valid_share,
    is_valid,
    flag_final,
    tests,
    data_origin
from ranked
where recency = 1
