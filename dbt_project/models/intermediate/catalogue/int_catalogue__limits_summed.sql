-- The set points in force for each vital in its canonical unit: what the register says, from the lowest to the highest
-- of its points, and the daily limits of ambient air. A set point in a unit without conversion is left out and counted.
with set_points as (
    select
        devices.vital_code,
        vitals.canonical_unit,
        kinds.limit_order,
        kinds.limit_name,
        kinds.set_point * conversions.factor + conversions."offset" as set_point,
        conversions.factor is null as is_unconverted
    from {{ ref('int_devices__devices_located') }} as devices
    inner join {{ ref('ref_vitals') }} as vitals
        on devices.vital_code = vitals.vital_code and {{ in_force('vitals', park_today()) }}
    cross join lateral (
        values
        (1, '低低报', devices.alarm_low_low),
        (2, '低报', devices.alarm_low),
        (3, '高报', devices.alarm_high),
        (4, '高高报', devices.alarm_high_high)
    ) as kinds (limit_order, limit_name, set_point)
    left join {{ ref('ref_unit_conversions') }} as conversions
        on
            devices.unit = conversions.source_unit
            and vitals.canonical_unit = conversions.canonical_unit
            and {{ in_force('conversions', park_today()) }}
    where kinds.set_point is not null and devices.is_in_service
),

ranges as (
    select
        vital_code,
        canonical_unit,
        limit_order,
        limit_name,
        round(cast(min(set_point) as numeric), 3) as lowest,
        round(cast(max(set_point) as numeric), 3) as highest,
        count(*) filter (where is_unconverted) as unconverted_count
    from set_points
    group by vital_code, canonical_unit, limit_order, limit_name
),

ambient as (
    select distinct
        devices.vital_code,
        limits.unit as canonical_unit,
        5 as limit_order,
        limits.standard_code
        || case limits.averaging_period when '8h' then ' 二级 8 小时限值' else ' 二级日均限值' end
            as limit_name,
        cast(limits.limit_value as numeric) as lowest,
        cast(limits.limit_value as numeric) as highest,
        0 as unconverted_count
    from {{ ref('int_devices__devices_located') }} as devices
    inner join {{ ref('ref_vital_factors') }} as factors
        on devices.factor_code = factors.factor_code and {{ in_force('factors', park_today()) }}
    inner join {{ ref('std_ambient_limits') }} as limits
        on
            factors.pollutant_code = limits.pollutant_code
            and limits.averaging_period in ('24h', '8h')
            and cast(limits.zone_class as text) = '2'
            and {{ in_force('limits', park_today()) }}
    where devices.object_kind = 'air_station'
),

phrases as (
    select
        vital_code,
        limit_order,
        unconverted_count,
        limit_name || ' ' || trim_scale(lowest)
        || case when highest > lowest then '–' || trim_scale(highest) else '' end
        || ' ' || canonical_unit as phrase
    from (
        select * from ranges
        union all
        select * from ambient
    ) as all_limits
)

select
    vital_code,
    string_agg(phrase, '；' order by limit_order) as limits_summary,
    sum(unconverted_count) as unconverted_limit_count
from phrases
group by vital_code
