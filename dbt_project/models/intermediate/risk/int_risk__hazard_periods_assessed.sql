-- Spans of days over which a unit's assessment is the same; the last one is open until something changes.
with days as (
    select
        *,
        row(
            major_hazard_ratio, grading_index, alpha_factor, hazard_grade, is_complete, standard_code
        )::text as assessment
    from {{ ref('int_risk__hazards_assessed') }}
),

changes as (
    select
        *,
        assessment is distinct from lag(assessment) over (partition by hazard_unit_id order by inventory_date)
            as is_change
    from days
)

select
    hazard_unit_id,
    inventory_date as valid_from,
    lead(inventory_date) over (partition by hazard_unit_id order by inventory_date) as valid_to,
    major_hazard_ratio,
    is_major_hazard,
    exposed_person_count,
    alpha_factor,
    weighted_ratio,
    grading_index,
    hazard_grade,
    design_maximum_t,
    substance_count,
    is_complete,
    standard_code,
    data_origin
from changes
where is_change
