-- Devices of the register whose unit, range or alarm limits an auditor would send back: one row per device, rule and
-- limit. The rows of the standards in force today judge; a set point is compared in the catalogue's unit.
with devices as (
    select
        devices.*,
        vitals.canonical_unit,
        conversions.factor as unit_factor,
        conversions."offset" as unit_offset,
        inputs.gas_kind,
        gases.chemical_code
    from {{ ref('int_devices__devices_located') }} as devices
    inner join {{ ref('ref_vitals') }} as vitals
        on devices.vital_code = vitals.vital_code and {{ in_force('vitals', park_today()) }}
    left join {{ ref('ref_unit_conversions') }} as conversions
        on
            devices.unit = conversions.source_unit
            and vitals.canonical_unit = conversions.canonical_unit
            and {{ in_force('conversions', park_today()) }}
    left join {{ ref('rule_risk_inputs') }} as inputs
        on devices.vital_code = inputs.vital_code and {{ in_force('inputs', park_today()) }}
    left join {{ ref('ref_gas_factors') }} as gases
        on devices.factor_code = gases.factor_code and {{ in_force('gases', park_today()) }}
    where devices.is_registered and devices.is_in_service
),

limits as (
    select
        devices.point_id,
        limits.limit_code,
        limits.limit_order,
        limits.reported_limit,
        limits.reported_limit * devices.unit_factor + devices.unit_offset as limit_value
    from devices
    cross join lateral (
        values
        ('LL', 1, devices.alarm_low_low),
        ('L', 2, devices.alarm_low),
        ('H', 3, devices.alarm_high),
        ('HH', 4, devices.alarm_high_high)
    ) as limits (limit_code, limit_order, reported_limit)
),

exposures as (
    select
        chemical_code,
        coalesce(mac_mg_per_m3, pc_twa_mg_per_m3) as exposure_limit
    from {{ ref('std_exposure_limits') }} as rows_of_gases
    where {{ in_force('rows_of_gases', park_today()) }} and coalesce(mac_mg_per_m3, pc_twa_mg_per_m3) is not null
),

-- What a limit may be at most (direction above) or must be at least (below), by limit.
allowed as (
    select
        devices.point_id,
        case when standards.alarm_level = 1 then 'H' else 'HH' end as limit_code,
        'above' as direction,
        'gas_limit_too_loose' as audit_rule_code,
        cast(
            case devices.gas_kind
                when 'toxic' then standards.limit_value / 100 * exposures.exposure_limit
                else standards.limit_value
            end as double precision
        ) as allowed_value,
        standards.standard_code,
        standards.clause
    from devices
    inner join {{ ref('std_gas_alarm_limits') }} as standards
        on devices.gas_kind = standards.gas_kind and {{ in_force('standards', park_today()) }}
    left join exposures on devices.chemical_code = exposures.chemical_code
    union all
    select
        devices.point_id,
        case standards.gas_kind when 'oxygen_deficiency' then 'L' else 'H' end as limit_code,
        standards.direction,
        'gas_limit_too_loose' as audit_rule_code,
        cast(standards.limit_value as double precision) as allowed_value,
        standards.standard_code,
        standards.clause
    from devices
    inner join {{ ref('std_gas_alarm_limits') }} as standards
        on
            devices.gas_kind = 'oxygen'
            and standards.gas_kind in ('oxygen_deficiency', 'oxygen_enrichment')
            and {{ in_force('standards', park_today()) }}
    union all
    select
        devices.point_id,
        defaults.limit_code,
        case when defaults.limit_code in ('L', 'LL') then 'below' else 'above' end as direction,
        'level_limit_above_default' as audit_rule_code,
        cast(defaults.basis_value as double precision) as allowed_value,
        null as standard_code,
        null as clause
    from devices
    inner join {{ ref('rule_alarm_limit_defaults') }} as defaults
        on
            devices.vital_code = defaults.vital_code
            and defaults.basis_code = 'value'
            and {{ in_force('defaults', park_today()) }}
),

findings as (
    select
        allowed.point_id,
        allowed.audit_rule_code,
        allowed.limit_code,
        limits.limit_value::text || ' ' || devices.canonical_unit as found_text,
        case allowed.direction when 'above' then '≤ ' else '≥ ' end
        || allowed.allowed_value::text || ' ' || devices.canonical_unit as allowed_text,
        allowed.standard_code,
        allowed.clause
    from allowed
    inner join devices on allowed.point_id = devices.point_id
    inner join limits on allowed.point_id = limits.point_id and allowed.limit_code = limits.limit_code
    where
        (allowed.direction = 'above' and limits.limit_value > allowed.allowed_value)
        or (allowed.direction = 'below' and limits.limit_value < allowed.allowed_value)
    union all
    select
        point_id,
        'unit_missing' as audit_rule_code,
        '—' as limit_code,
        '空' as found_text,
        canonical_unit as allowed_text,
        null as standard_code,
        null as clause
    from devices
    where nullif(btrim(unit), '') is null
    union all
    select
        point_id,
        'unit_not_of_vital' as audit_rule_code,
        '—' as limit_code,
        unit as found_text,
        '可换算为 ' || canonical_unit as allowed_text,
        null as standard_code,
        null as clause
    from devices
    where nullif(btrim(unit), '') is not null and unit_factor is null
    union all
    select
        lower.point_id,
        'limits_out_of_order' as audit_rule_code,
        lower.limit_code || '-' || higher.limit_code as limit_code,
        lower.limit_code || ' ' || lower.reported_limit::text || '，'
        || higher.limit_code || ' ' || higher.reported_limit::text as found_text,
        lower.limit_code || ' < ' || higher.limit_code as allowed_text,
        null as standard_code,
        null as clause
    from limits as lower
    inner join limits as higher
        on
            lower.point_id = higher.point_id
            and lower.limit_order < higher.limit_order
            and lower.reported_limit >= higher.reported_limit
    union all
    select
        devices.point_id,
        'range_reversed' as audit_rule_code,
        '—' as limit_code,
        devices.range_low::text || ' 至 ' || devices.range_high::text as found_text,
        '下限 < 上限' as allowed_text,
        null as standard_code,
        null as clause
    from devices
    where devices.range_low >= devices.range_high
    union all
    select
        devices.point_id,
        'limit_outside_range' as audit_rule_code,
        limits.limit_code,
        limits.reported_limit::text || ' ' || coalesce(devices.unit, '') as found_text,
        devices.range_low::text || ' 至 ' || devices.range_high::text || ' ' || coalesce(devices.unit, '')
            as allowed_text,
        null as standard_code,
        null as clause
    from devices
    inner join limits on devices.point_id = limits.point_id
    where
        devices.range_low < devices.range_high
        and (limits.reported_limit < devices.range_low or limits.reported_limit > devices.range_high)
    union all
    select
        devices.point_id,
        'limits_missing' as audit_rule_code,
        required.limit_code,
        '空' as found_text,
        '应上报' as allowed_text,
        null as standard_code,
        required.clause
    from devices
    inner join {{ ref('rule_required_limits') }} as required
        on devices.vital_code = required.vital_code and {{ in_force('required', park_today()) }}
    inner join limits
        on
            devices.point_id = limits.point_id
            and required.limit_code = limits.limit_code
            and limits.reported_limit is null
    union all
    select
        devices.point_id,
        'gas_unknown' as audit_rule_code,
        '—' as limit_code,
        coalesce(devices.factor_code, '空') as found_text,
        '有接触限值的气体' as allowed_text,
        null as standard_code,
        null as clause
    from devices
    left join exposures on devices.chemical_code = exposures.chemical_code
    where devices.gas_kind = 'toxic' and exposures.chemical_code is null
    union all
    select
        point_id,
        'range_missing' as audit_rule_code,
        '—' as limit_code,
        '空' as found_text,
        '量程上下限' as allowed_text,
        null as standard_code,
        null as clause
    from devices
    where gas_kind is not null and (range_low is null or range_high is null)
)

select
    findings.point_id,
    devices.device_name,
    devices.enterprise_id,
    devices.enterprise_name,
    devices.zone_name,
    devices.object_name,
    devices.vital_code,
    devices.vital_name,
    findings.audit_rule_code,
    audits.audit_rule_name,
    audits.severity_code,
    findings.limit_code,
    findings.found_text,
    findings.allowed_text,
    coalesce(findings.standard_code, audits.standard_code) as standard_code,
    coalesce(findings.clause, audits.clause) as clause,
    audits.remedy,
    devices.updated_at,
    devices.data_origin
from findings
inner join devices on findings.point_id = devices.point_id
inner join {{ ref('rule_indicator_audits') }} as audits
    on findings.audit_rule_code = audits.audit_rule_code and {{ in_force('audits', park_today()) }}
