{{ config(materialized='table') }}
-- Permits for special work with the subject they are nearest to, the grade of its hazard and the base of their risk.
with enterprises as (
    select * from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
),

permits as (
    select
        permits.permit_no,
        permits.permit_kind_code,
        permits.permit_grade,
        permits.contractor_id,
        permits.zone_id,
        permits.longitude,
        permits.latitude,
        permits.issued_at,
        permits.planned_start_at,
        permits.planned_end_at,
        permits.data_origin,
        enterprises.enterprise_id,
        enterprises.enterprise_name,
        cast(permits.issued_at at time zone 'Asia/Shanghai' as date) as issued_date
    from {{ ref('stg_contractor_safety__work_permits') }} as permits
    left join enterprises
        on {{ normalised_code('permits.unified_credit_code') }} = enterprises.unified_credit_code
),

nearest as (
    select distinct on (permits.permit_no)
        permits.permit_no,
        subjects.subject_id,
        subjects.hazard_unit_id,
        subjects.subject_name
    from permits
    inner join {{ ref('int_risk__subjects_listed') }} as subjects on permits.enterprise_id = subjects.enterprise_id
    order by
        permits.permit_no,
        power((permits.longitude - subjects.longitude) * cos(radians(permits.latitude)), 2)
        + power(permits.latitude - subjects.latitude, 2),
        subjects.subject_id
)

select
    permits.*,
    nearest.subject_id,
    nearest.subject_name,
    hazards.hazard_grade,
    bases.base_score,
    factors.hazard_factor,
    factors.rest_factor,
    factors.weather_factor,
    factors.firm_factor,
    factors.score_cap
from permits
left join nearest on permits.permit_no = nearest.permit_no
left join {{ ref('int_risk__hazard_periods_assessed') }} as hazards
    on nearest.hazard_unit_id = hazards.hazard_unit_id and {{ in_force('hazards', 'permits.issued_date') }}
left join {{ ref('rule_permit_risk_bases') }} as bases
    on
        permits.permit_kind_code = bases.permit_kind_code
        and (bases.permit_grade is null or bases.permit_grade = permits.permit_grade)
        and {{ in_force('bases', 'permits.issued_date') }}
left join lateral (
    select
        coalesce(
            max(rules.factor_value) filter (
                where (rules.factor_code = 'hazard_grade_1_or_2' and hazards.hazard_grade in (1, 2))
                    or (rules.factor_code = 'hazard_grade_3_or_4' and hazards.hazard_grade in (3, 4))
            ),
            1
        ) as hazard_factor,
        max(rules.factor_value) filter (where rules.factor_code = 'rest_day_or_night') as rest_factor,
        max(rules.factor_value) filter (where rules.factor_code = 'bad_weather') as weather_factor,
        -- Credit levels of contractors are not connected: all stand where level B stands.
        max(rules.factor_value) filter (where rules.factor_code = 'firm_level_b') as firm_factor,
        max(rules.factor_value) filter (where rules.factor_code = 'score_cap') as score_cap
    from {{ ref('rule_permit_risk_factors') }} as rules
    where {{ in_force('rules', 'permits.issued_date') }}
) as factors on true
