{{ config(indexes=[{'columns': ['business_date']}, {'columns': ['point_id', 'measured_at'], 'unique': true}]) }}
select
    gaps.point_id,
    hours.device_name,
    hours.vital_code,
    hours.vital_name,
    hours.enterprise_id,
    hours.enterprise_name,
    hours.zone_id,
    hours.zone_name,
    gaps.measured_at,
    gaps.business_date,
    gaps.gap_start_at,
    gaps.gap_hours,
    gaps.filled_value,
    hours.unit,
    gaps.filled_value is not null as is_imputed,
    gaps.fill_method_code,
    gaps.neighbour_point_id,
    gaps.neighbour_r2,
    hours.data_origin
from {{ ref('int_vitals__gap_hours_filled') }} as gaps
inner join {{ ref('int_vitals__point_hours_located') }} as hours
    on gaps.point_id = hours.point_id and gaps.measured_at = hours.measured_at
