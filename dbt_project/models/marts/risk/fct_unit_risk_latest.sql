-- The newest hour of each subject, with what its colour asks for; its age says how new that is.
with ranked as (
    select
        *,
        row_number() over (partition by risk_subject_id order by measured_at desc) as recency
    from {{ ref('fct_unit_risk_hourly') }}
)

select
    ranked.risk_subject_id,
    ranked.risk_subject_kind_code,
    ranked.risk_subject_name,
    ranked.enterprise_id,
    ranked.enterprise_name,
    ranked.zone_id,
    ranked.zone_name,
    ranked.grid_id,
    cast(subjects.longitude as double precision) as longitude,
    cast(subjects.latitude as double precision) as latitude,
    ranked.measured_at,
    cast(extract(epoch from {{ park_now() }} - ranked.measured_at) / 3600.0 as double precision) as age_hours,
    ranked.hazard_grade,
    ranked.inherent_risk,
    ranked.dynamic_risk,
    ranked.risk_index,
    ranked.risk_colour_code,
    ranked.confidence,
    ranked.is_confidence_low,
    ranked.leading_term_code,
    cast(grades.reading_period_min as integer) as reading_period_min,
    grades.patrol_frequency,
    grades.drone_frequency,
    grades.control_measures,
    grades.responsible_roles,
    ranked.data_origin
from ranked
inner join {{ ref('int_risk__subjects_listed') }} as subjects on ranked.risk_subject_id = subjects.subject_id
left join {{ ref('int_risk__grades_named') }} as grades
    on
        ranked.risk_colour_code = grades.risk_colour_code
        and {{ in_force('grades', 'ranked.business_date') }}
where ranked.recency = 1
