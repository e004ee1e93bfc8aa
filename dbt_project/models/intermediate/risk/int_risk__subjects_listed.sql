{{ config(materialized='table') }}
-- What has a risk index of its own: every unit of the register, and as a whole every enterprise that has none.
with enterprises as (
    select * from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
)

select
    units.hazard_unit_id as subject_id,
    'hazard_unit' as subject_kind_code,
    units.hazard_unit_id,
    units.hazard_unit_name as subject_name,
    units.enterprise_id,
    units.enterprise_name,
    units.zone_id,
    units.zone_name,
    units.grid_id,
    units.longitude,
    units.latitude,
    units.data_origin
from {{ ref('int_risk__hazard_units_registered') }} as units
union all
select
    enterprises.enterprise_id as subject_id,
    'enterprise' as subject_kind_code,
    null as hazard_unit_id,
    enterprises.enterprise_name as subject_name,
    enterprises.enterprise_id,
    enterprises.enterprise_name,
    enterprises.zone_id,
    enterprises.zone_name,
    positions.grid_id,
    enterprises.longitude,
    enterprises.latitude,
    enterprises.data_origin
from enterprises
left join {{ ref('int_risk__hazard_units_registered') }} as units on enterprises.enterprise_id = units.enterprise_id
left join {{ ref('int_spaces__positions_located') }} as positions
    on positions.subject_kind = 'enterprise' and enterprises.enterprise_id = positions.subject_id
where units.enterprise_id is null
