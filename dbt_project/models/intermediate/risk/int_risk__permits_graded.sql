-- Permits with the highest risk of their hours in the window, coloured by the row in force when they were issued. A
-- permit that has no hour here has no risk: it lies outside the window, or its times or its kind make no sense.
with highest as (
    select
        permit_no,
        max(permit_risk) as permit_risk
    from {{ ref('int_risk__permit_hours_scored') }}
    group by permit_no
)

select
    permits.permit_no,
    permits.permit_kind_code,
    permits.permit_grade,
    permits.contractor_id,
    permits.enterprise_id,
    permits.enterprise_name,
    permits.zone_id,
    permits.longitude,
    permits.latitude,
    permits.subject_id,
    permits.subject_name,
    permits.hazard_grade,
    permits.issued_at,
    permits.planned_start_at,
    permits.planned_end_at,
    permits.base_score,
    highest.permit_risk,
    grades.risk_colour_code,
    permits.data_origin
from {{ ref('int_risk__permits_assigned') }} as permits
left join highest on permits.permit_no = highest.permit_no
left join {{ ref('rule_permit_risk_grades') }} as grades
    on
        highest.permit_risk >= grades.score_low
        and (grades.score_high is null or highest.permit_risk < grades.score_high)
        and {{ in_force('grades', 'permits.issued_date') }}
