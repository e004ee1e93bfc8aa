-- Units of the register with their owner, their grid (that of the owner) and the guarantor roles that are not filled.
with enterprises as (
    select * from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
),

units as (
    select
        *,
        {{ normalised_code('unified_credit_code') }} as credit_code
    from {{ ref('stg_data_middle_platform__hazard_units') }}
),

missing_roles as (
    select
        units.record_id,
        string_agg(roles.role_name, '、' order by roles.display_order) as missing_guarantor_roles
    from units
    inner join {{ ref('rule_guarantor_roles') }} as roles
        on {{ in_force('roles', 'cast(' ~ park_now() ~ ' as date)') }}
    where coalesce(strpos(units.guarantor_roles, roles.role_name), 0) = 0
    group by units.record_id
)

select
    units.record_id,
    units.hazard_unit_id,
    btrim(units.hazard_unit_name, E' \t\r\n\u3000\u00a0') as hazard_unit_name,
    units.hazard_unit_kind as hazard_unit_kind_code,
    units.credit_code as unified_credit_code,
    enterprises.enterprise_id,
    enterprises.enterprise_name,
    units.zone_id,
    zones.zone_name,
    positions.grid_id,
    case when units.coordinate_system = 'WGS-84' then units.longitude end as longitude,
    case when units.coordinate_system = 'WGS-84' then units.latitude end as latitude,
    units.exposed_person_count,
    units.guarantor_roles,
    missing_roles.missing_guarantor_roles,
    units.filed_date,
    units.unit_status,
    units.updated_at,
    units.data_origin
from units
left join enterprises on units.credit_code = enterprises.unified_credit_code
left join {{ ref('ref_zones') }} as zones on units.zone_id = zones.zone_id
left join {{ ref('int_spaces__positions_located') }} as positions
    on positions.subject_kind = 'enterprise' and enterprises.enterprise_id = positions.subject_id
left join missing_roles on units.record_id = missing_roles.record_id
