-- Devices with what they watch, whose they are, where they stand and when they must be verified.
-- A device without a position of its own, or outside every grid, stands in the grid of its enterprise.
with enterprises as (
    select * from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
),

places as (
    select
        devices.*,
        enterprises.enterprise_id,
        enterprises.enterprise_name,
        coalesce(own.grid_id, theirs.grid_id) as grid_id,
        case
            when own.grid_id is not null then 'position'
            when theirs.grid_id is not null then 'enterprise'
        end as grid_basis_code,
        case
            when devices.longitude is not null and devices.latitude is not null
                then coalesce(own.zone_id = devices.zone_id, false)
        end as is_zone_confirmed
    from {{ ref('int_devices__devices_registered') }} as devices
    left join enterprises on devices.unified_credit_code = enterprises.unified_credit_code
    left join {{ ref('int_spaces__positions_located') }} as own
        on own.subject_kind = 'device' and devices.point_id = own.subject_id
    left join {{ ref('int_spaces__positions_located') }} as theirs
        on theirs.subject_kind = 'enterprise' and enterprises.enterprise_id = theirs.subject_id
)

select
    places.point_id,
    places.is_registered,
    places.device_name,
    places.device_kind,
    places.factor_code,
    places.vital_code,
    vitals.vital_name,
    vitals.element_code,
    elements.element_name,
    coalesce(places.sensing_mode_code, vitals.sensing_mode_code) as sensing_mode_code,
    modes.sensing_mode_name,
    places.unit,
    places.enterprise_id,
    places.enterprise_name,
    places.zone_id,
    zones.zone_name,
    places.grid_id,
    grids.grid_name,
    places.grid_basis_code,
    places.is_zone_confirmed,
    places.longitude,
    places.latitude,
    places.installed_date,
    places.device_status,
    coalesce(statuses.status_code, 'UNKNOWN') as status_code,
    coalesce(statuses.is_in_service, true) as is_in_service,
    places.maker,
    places.model,
    places.gateway_id,
    places.object_id,
    places.object_name,
    places.object_kind,
    kinds.object_kind_name,
    places.range_low,
    places.range_high,
    places.operating_low,
    places.operating_high,
    coalesce(places.period_s, vitals.period_s) as period_s,
    places.accuracy,
    places.redundancy_group,
    places.alarm_low_low,
    places.alarm_low,
    places.alarm_high,
    places.alarm_high_high,
    places.verified_date,
    verifications.interval_months as verification_interval_months,
    cast(places.verified_date + verifications.interval_months * interval '1 month' as date) as verification_due_date,
    places.updated_at,
    places.data_origin
from places
left join {{ ref('ref_vitals') }} as vitals
    on places.vital_code = vitals.vital_code and {{ in_force('vitals', park_today()) }}
left join {{ ref('ref_monitoring_elements') }} as elements on vitals.element_code = elements.element_code
left join {{ ref('ref_sensing_modes') }} as modes
    on coalesce(places.sensing_mode_code, vitals.sensing_mode_code) = modes.sensing_mode_code
left join {{ ref('ref_object_kinds') }} as kinds on places.object_kind = kinds.object_kind
left join {{ ref('ref_zones') }} as zones on places.zone_id = zones.zone_id
left join {{ ref('ref_grids') }} as grids
    on places.grid_id = grids.grid_id and {{ in_force('grids', park_today()) }}
left join {{ ref('ref_device_statuses') }} as statuses
    on places.device_status = statuses.device_status and {{ in_force('statuses', park_today()) }}
left join {{ ref('rule_device_verifications') }} as verifications
    on places.vital_code = verifications.vital_code and {{ in_force('verifications', park_today()) }}
