-- The two levels of GB/T 50493-2019 that a gas point is measured against on a day of the window, in its own unit. A toxic
-- gas has MAC, else PC-TWA (GBZ 2.1); without either, what the enterprise set. Oxygen has one level to either side.
with days as (
    select distinct business_date from {{ ref('int_risk__hours_expected') }}
)

select
    points.point_id,
    days.business_date,
    points.gas_kind,
    case points.gas_kind
        when 'combustible' then max(limits.limit_value) filter (where limits.gas_kind = 'combustible' and limits.alarm_level = 1)
        when 'toxic' then coalesce(
            max(limits.limit_value) filter (where limits.gas_kind = 'toxic' and limits.alarm_level = 1) / 100
            * max(coalesce(exposures.mac_mg_per_m3, exposures.pc_twa_mg_per_m3)),
            cast(max(points.alarm_high) as numeric)
        )
        when 'oxygen' then max(limits.limit_value) filter (where limits.gas_kind = 'oxygen_deficiency')
    end as first_level,
    case points.gas_kind
        when 'combustible' then max(limits.limit_value) filter (where limits.gas_kind = 'combustible' and limits.alarm_level = 2)
        when 'toxic' then coalesce(
            max(limits.limit_value) filter (where limits.gas_kind = 'toxic' and limits.alarm_level = 2) / 100
            * max(coalesce(exposures.mac_mg_per_m3, exposures.pc_twa_mg_per_m3)),
            cast(max(points.alarm_high_high) as numeric)
        )
        when 'oxygen' then max(limits.limit_value) filter (where limits.gas_kind = 'oxygen_enrichment')
    end as second_level
from {{ ref('int_risk__points_assigned') }} as points
cross join days
left join {{ ref('std_gas_alarm_limits') }} as limits on {{ in_force('limits', 'days.business_date') }}
left join {{ ref('std_exposure_limits') }} as exposures
    on points.chemical_code = exposures.chemical_code and {{ in_force('exposures', 'days.business_date') }}
where points.term_code = 'gas'
group by points.point_id, days.business_date, points.gas_kind
