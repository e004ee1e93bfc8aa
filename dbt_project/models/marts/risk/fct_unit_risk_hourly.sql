{{ config(indexes=[{'columns': ['business_date']}, {'columns': ['risk_subject_id', 'measured_at'], 'unique': true}]) }}
select
    indices.subject_id as risk_subject_id,
    subjects.subject_kind_code as risk_subject_kind_code,
    subjects.subject_name as risk_subject_name,
    subjects.enterprise_id,
    subjects.enterprise_name,
    subjects.zone_id,
    subjects.zone_name,
    subjects.grid_id,
    indices.measured_at,
    indices.business_date,
    cast(indices.hazard_grade as integer) as hazard_grade,
    indices.inherent_risk,
    indices.is_inherent_complete,
    indices.process_alarm_score,
    indices.gas_score,
    indices.deviation_score,
    indices.special_work_score,
    indices.people_score,
    indices.management_score,
    indices.data_health_score,
    indices.weather_score,
    indices.operating_state_score,
    indices.dynamic_risk,
    indices.confidence,
    indices.is_confidence_low,
    indices.leading_term_code,
    cast(indices.index_floor as double precision) as index_floor,
    indices.risk_index,
    grades.risk_colour_code,
    greatest(subjects.data_origin, telemetry.data_origin) as data_origin
from {{ ref('int_risk__indices_computed') }} as indices
inner join {{ ref('int_risk__subjects_listed') }} as subjects on indices.subject_id = subjects.subject_id
inner join {{ ref('int_risk__telemetry_terms_computed') }} as telemetry
    on indices.subject_id = telemetry.subject_id and indices.measured_at = telemetry.measured_at
left join {{ ref('rule_risk_grades') }} as grades
    on
        indices.risk_index >= coalesce(grades.index_low, indices.risk_index)
        and (grades.index_high is null or indices.risk_index < grades.index_high)
        and {{ in_force('grades', 'indices.business_date') }}
