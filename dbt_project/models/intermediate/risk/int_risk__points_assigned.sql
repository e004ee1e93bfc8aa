{{ config(materialized='table') }}
-- Safety points in service with the subject they stand nearest to among those of their enterprise, and their alarm
-- limits in the catalogue's unit: as reported, or where nothing usable was reported, as the defaults say. Limits that
-- contradict each other are not usable; the audit sends them back.
with points as (
    select
        devices.*,
        vitals.canonical_unit,
        conversions.factor as unit_factor,
        conversions."offset" as unit_offset,
        (
            select bool_and(reported.limit_value > reported.limit_before)
            from (
                select
                    limits.limit_value,
                    lag(limits.limit_value) over (order by limits.limit_order) as limit_before
                from (
                    values
                    (1, devices.alarm_low_low),
                    (2, devices.alarm_low),
                    (3, devices.alarm_high),
                    (4, devices.alarm_high_high)
                ) as limits (limit_order, limit_value)
                where limits.limit_value is not null
            ) as reported
        ) is not false as is_in_order
    from {{ ref('int_devices__devices_located') }} as devices
    inner join {{ ref('ref_vitals') }} as vitals
        on devices.vital_code = vitals.vital_code and {{ in_force('vitals', park_today()) }}
    left join {{ ref('ref_unit_conversions') }} as conversions
        on
            devices.unit = conversions.source_unit
            and vitals.canonical_unit = conversions.canonical_unit
            and {{ in_force('conversions', park_today()) }}
    where devices.is_registered and devices.is_in_service and devices.element_code = 'SAFETY'
),

nearest as (
    select distinct on (points.point_id)
        points.point_id,
        subjects.subject_id
    from points
    inner join {{ ref('int_risk__subjects_listed') }} as subjects on points.enterprise_id = subjects.enterprise_id
    order by
        points.point_id,
        -- Squares of degrees do: at one latitude the nearest is the nearest in any measure.
        power((points.longitude - subjects.longitude) * cos(radians(points.latitude)), 2)
        + power(points.latitude - subjects.latitude, 2),
        subjects.subject_id
),

defaults as (
    select
        points.point_id,
        max(limits.limit_value) filter (where limits.limit_code = 'LL') as default_low_low,
        max(limits.limit_value) filter (where limits.limit_code = 'L') as default_low,
        max(limits.limit_value) filter (where limits.limit_code = 'H') as default_high,
        max(limits.limit_value) filter (where limits.limit_code = 'HH') as default_high_high
    from points
    cross join lateral (
        select
            rules.limit_code,
            case rules.basis_code
                when 'value' then cast(rules.basis_value as double precision)
                when 'share_of_operating_high'
                    then cast(rules.basis_value as double precision)
                    * (points.operating_high * points.unit_factor + points.unit_offset)
            end as limit_value
        from {{ ref('rule_alarm_limit_defaults') }} as rules
        where points.vital_code = rules.vital_code and {{ in_force('rules', park_today()) }}
    ) as limits
    group by points.point_id
)

select
    points.point_id,
    nearest.subject_id,
    points.enterprise_id,
    points.vital_code,
    inputs.term_code,
    inputs.gas_kind,
    gases.chemical_code,
    points.enterprise_id || ' ' || coalesce(points.redundancy_group, points.point_id) as group_key,
    points.canonical_unit,
    points.accuracy * points.unit_factor as accuracy,
    coalesce(
        case when points.is_in_order then points.alarm_low_low * points.unit_factor + points.unit_offset end,
        defaults.default_low_low
    ) as alarm_low_low,
    coalesce(
        case when points.is_in_order then points.alarm_low * points.unit_factor + points.unit_offset end,
        defaults.default_low
    ) as alarm_low,
    coalesce(
        case when points.is_in_order then points.alarm_high * points.unit_factor + points.unit_offset end,
        defaults.default_high
    ) as alarm_high,
    coalesce(
        case when points.is_in_order then points.alarm_high_high * points.unit_factor + points.unit_offset end,
        defaults.default_high_high
    ) as alarm_high_high
from points
inner join nearest on points.point_id = nearest.point_id
left join {{ ref('rule_risk_inputs') }} as inputs
    on points.vital_code = inputs.vital_code and {{ in_force('inputs', park_today()) }}
left join {{ ref('ref_gas_factors') }} as gases
    on points.factor_code = gases.factor_code and {{ in_force('gases', park_today()) }}
left join defaults on points.point_id = defaults.point_id
