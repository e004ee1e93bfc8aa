select
    periods.hazard_unit_id,
    units.hazard_unit_name,
    units.enterprise_id,
    units.enterprise_name,
    units.zone_name,
    periods.valid_from,
    periods.valid_to,
    periods.valid_to is null as is_current,
    cast(periods.design_maximum_t as numeric(14, 3)) as design_maximum_t,
    cast(periods.substance_count as integer) as substance_count,
    cast(periods.major_hazard_ratio as numeric(14, 4)) as major_hazard_ratio,
    periods.is_major_hazard,
    cast(periods.exposed_person_count as integer) as exposed_person_count,
    cast(periods.alpha_factor as numeric(4, 2)) as alpha_factor,
    cast(periods.weighted_ratio as numeric(14, 4)) as weighted_ratio,
    cast(periods.grading_index as numeric(14, 4)) as grading_index,
    cast(periods.hazard_grade as integer) as hazard_grade,
    periods.is_complete as is_assessment_complete,
    periods.standard_code,
    periods.data_origin
from {{ ref('int_risk__hazard_periods_assessed') }} as periods
inner join {{ ref('int_risk__hazard_units_registered') }} as units on periods.hazard_unit_id = units.hazard_unit_id
