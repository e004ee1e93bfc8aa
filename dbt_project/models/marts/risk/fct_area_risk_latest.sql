-- The newest hour of each enterprise, grid, zone and of the park, with what its colour asks for.
with ranked as (
    select
        *,
        row_number() over (partition by area_kind_code, area_id order by measured_at desc) as recency
    from {{ ref('fct_area_risk_hourly') }}
)

select
    ranked.area_kind_code,
    ranked.area_id,
    ranked.area_name,
    cast(enterprises.longitude as double precision) as longitude,
    cast(enterprises.latitude as double precision) as latitude,
    ranked.measured_at,
    cast(extract(epoch from {{ park_now() }} - ranked.measured_at) / 3600.0 as double precision) as age_hours,
    ranked.risk_index,
    ranked.dynamic_risk,
    ranked.risk_colour_code,
    ranked.index_change,
    ranked.trend_code,
    ranked.confidence,
    ranked.is_confidence_low,
    ranked.member_count,
    cast(grades.reading_period_min as integer) as reading_period_min,
    grades.patrol_frequency,
    grades.drone_frequency,
    grades.control_measures,
    grades.responsible_roles,
    ranked.data_origin
from ranked
left join {{ ref('dim_enterprises') }} as enterprises
    on ranked.area_kind_code = 'enterprise' and ranked.area_id = enterprises.enterprise_id
left join {{ ref('int_risk__grades_named') }} as grades
    on
        ranked.risk_colour_code = grades.risk_colour_code
        and {{ in_force('grades', 'ranked.business_date') }}
where ranked.recency = 1
