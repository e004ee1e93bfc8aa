-- Inherent risk of every subject on every day of the window, from the assessment that holds on the day: 40 + 20 log10
-- R within 40 and 100 for a major hazard, 40 S below the threshold, 5 without chemicals (3.5 of the scheme). Where
-- nobody said who may be exposed, the largest alpha stands in: a gap in the register must not make a plant safer.
{%- set inherent_risk %}
case
    when assessed.subject_kind_code = 'enterprise' then parameters.inherent_without_chemicals
    when assessed.major_hazard_ratio >= 1
        then least(
            greatest(
                parameters.inherent_base
                + parameters.inherent_slope
                * log(greatest(cast(assessed.grading_index as double precision), 1)),
                parameters.inherent_base
            ),
            parameters.inherent_maximum
        )
    else parameters.inherent_below_threshold * cast(assessed.major_hazard_ratio as double precision)
end
{%- endset %}
with days as (
    select distinct business_date from {{ ref('int_risk__hours_expected') }}
),

assessed as (
    select
        subjects.subject_id,
        subjects.subject_kind_code,
        days.business_date,
        hazards.major_hazard_ratio,
        coalesce(
            hazards.grading_index,
            (
                select max(factors.alpha_factor) from {{ ref('std_exposure_factors') }} as factors
                where {{ in_force('factors', 'days.business_date') }}
            ) * coalesce(hazards.weighted_ratio, hazards.major_hazard_ratio)
        ) as grading_index,
        hazards.hazard_grade,
        hazards.is_complete and hazards.grading_index is not null as is_complete
    from {{ ref('int_risk__subjects_listed') }} as subjects
    cross join days
    left join {{ ref('int_risk__hazard_periods_assessed') }} as hazards
        on subjects.hazard_unit_id = hazards.hazard_unit_id and {{ in_force('hazards', 'days.business_date') }}
)

select
    assessed.subject_id,
    assessed.business_date,
    assessed.hazard_grade,
    {{ rounded(inherent_risk) }} as inherent_risk,
    case
        when assessed.subject_kind_code = 'enterprise' then true
        else coalesce(assessed.is_complete, false)
    end as is_inherent_complete
from assessed
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'assessed.business_date') }}
