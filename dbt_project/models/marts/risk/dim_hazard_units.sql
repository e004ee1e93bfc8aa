-- Units with the newest assessment of their design maxima and the newest stock.
with newest as (
    select distinct on (hazard_unit_id) *
    from {{ ref('int_risk__hazards_assessed') }}
    order by hazard_unit_id, inventory_date desc
)

select
    units.hazard_unit_id,
    units.hazard_unit_name,
    units.hazard_unit_kind_code,
    units.enterprise_id,
    units.enterprise_name,
    units.zone_id,
    units.zone_name,
    units.grid_id,
    cast(units.longitude as double precision) as longitude,
    cast(units.latitude as double precision) as latitude,
    cast(units.exposed_person_count as integer) as exposed_person_count,
    units.guarantor_roles,
    units.missing_guarantor_roles,
    units.filed_date,
    newest.inventory_date as assessed_date,
    cast(newest.major_hazard_ratio as numeric(14, 4)) as major_hazard_ratio,
    coalesce(newest.is_major_hazard, false) as is_major_hazard,
    cast(newest.grading_index as numeric(14, 4)) as grading_index,
    cast(newest.hazard_grade as integer) as hazard_grade,
    coalesce(newest.is_complete, false) as is_assessment_complete,
    cast(newest.stored_quantity_t as numeric(14, 3)) as stored_quantity_t,
    cast(newest.design_maximum_t as numeric(14, 3)) as design_maximum_t,
    cast(newest.stored_ratio / nullif(newest.major_hazard_ratio, 0) as numeric(10, 4)) as stored_to_design_ratio,
    units.updated_at,
    units.data_origin
from {{ ref('int_risk__hazard_units_registered') }} as units
left join newest on units.hazard_unit_id = newest.hazard_unit_id
