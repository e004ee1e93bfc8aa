-- The two levels of GB/T 50493-2019 that a gas point is measured against on a day of the window, in its own unit. A
-- toxic gas has MAC, else PC-TWA (GBZ 2.1); without either, what the enterprise set. Oxygen has one level to either
-- side.
with days as (
    select distinct business_date from {{ ref('int_risk__hours_expected') }}
),

levels as (
    select
        days.business_date,
        max(limits.limit_value) filter (where limits.gas_kind = 'combustible' and limits.alarm_level = 1)
            as combustible_first,
        max(limits.limit_value) filter (where limits.gas_kind = 'combustible' and limits.alarm_level = 2)
            as combustible_second,
        max(limits.limit_value) filter (where limits.gas_kind = 'toxic' and limits.alarm_level = 1) as toxic_first_pct,
        max(limits.limit_value) filter (where limits.gas_kind = 'toxic' and limits.alarm_level = 2) as toxic_second_pct,
        max(limits.limit_value) filter (where limits.gas_kind = 'oxygen_deficiency') as oxygen_least,
        max(limits.limit_value) filter (where limits.gas_kind = 'oxygen_enrichment') as oxygen_most
    from days
    inner join {{ ref('std_gas_alarm_limits') }} as limits on {{ in_force('limits', 'days.business_date') }}
    group by days.business_date
),

points as (
    select
        points.point_id,
        points.gas_kind,
        points.alarm_high,
        points.alarm_high_high,
        levels.*,
        coalesce(exposures.mac_mg_per_m3, exposures.pc_twa_mg_per_m3) as exposure_limit
    from {{ ref('int_risk__points_assigned') }} as points
    cross join levels
    left join {{ ref('std_exposure_limits') }} as exposures
        on points.chemical_code = exposures.chemical_code and {{ in_force('exposures', 'levels.business_date') }}
    where points.term_code = 'gas'
)

select
    point_id,
    business_date,
    gas_kind,
    case gas_kind
        when 'combustible' then cast(combustible_first as double precision)
        when 'toxic' then coalesce(cast(toxic_first_pct / 100 * exposure_limit as double precision), alarm_high)
        when 'oxygen' then cast(oxygen_least as double precision)
    end as first_level,
    case gas_kind
        when 'combustible' then cast(combustible_second as double precision)
        when 'toxic' then coalesce(cast(toxic_second_pct / 100 * exposure_limit as double precision), alarm_high_high)
        when 'oxygen' then cast(oxygen_most as double precision)
    end as second_level
from points
