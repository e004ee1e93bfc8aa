-- Quality of each vital over the last full days, 0 to 100: the weighted mean of the components that are known, with the
-- weight they have together. Without an expected reading there is no score: registered metadata alone is no quality.
with window_start as (
    select {{ park_today() }} - cast({{ device_rule('health', 'window_days') }} as integer) as first_date
),

registered as (
    select
        vital_code,
        count(*) as point_count,
        count(*) filter (where is_in_service) as in_service_count,
        avg(
            num_nonnulls(
                unit, range_low, range_high, period_s, maker, model, gateway_id, object_id, longitude, latitude,
                installed_date, verified_date
            ) / 12.0
        ) filter (where is_in_service) as metadata
    from {{ ref('int_devices__devices_located') }}
    where vital_code is not null
    group by vital_code
),

repeated as (
    select
        treatments.point_id,
        sum(treatments.readings) as readings_repeated
    from {{ ref('stg_telemetry__treatments') }} as treatments
    cross join window_start
    where
        treatments.treatment_code in ('duplicate_equal', 'superseded')
        and treatments.business_date >= window_start.first_date
        and treatments.business_date < {{ park_today() }}
    group by treatments.point_id
),

sums as (
    select
        devices.vital_code,
        sum(measured.recent_readings_expected) as readings_expected,
        sum(measured.recent_readings_received) as readings_received,
        sum(measured.recent_readings_passed) as readings_passed,
        -- Lateness and repetition are known of a vital only when they are known of all its points that sent.
        case when bool_and(measured.recent_readings_late is not null) then sum(measured.recent_readings_late) end
            as readings_late,
        case
            when bool_and(measured.recent_readings_late is not null) then sum(coalesce(repeated.readings_repeated, 0))
        end as readings_repeated
    from {{ ref('int_devices__devices_measured') }} as measured
    inner join {{ ref('int_devices__devices_located') }} as devices on measured.point_id = devices.point_id
    left join repeated on measured.point_id = repeated.point_id
    where devices.is_in_service and devices.vital_code is not null and measured.recent_readings_expected > 0
    group by devices.vital_code
),

components as (
    select
        registered.vital_code,
        registered.point_count,
        registered.in_service_count,
        -- LEAST would take a missing count for the smaller one.
        case
            when sums.readings_received > sums.readings_expected then 1
            else sums.readings_received / sums.readings_expected
        end as completeness,
        case
            when sums.readings_late > sums.readings_received then 0
            else 1 - sums.readings_late / nullif(sums.readings_received, 0)
        end as timeliness,
        sums.readings_passed / nullif(sums.readings_received, 0) as validity,
        sums.readings_received / nullif(sums.readings_received + sums.readings_repeated, 0) as uniqueness,
        registered.metadata
    from registered
    left join sums on registered.vital_code = sums.vital_code
),

weighted as (
    select
        components.vital_code,
        sum(weights.weight * parts.share) / nullif(sum(weights.weight) filter (where parts.share is not null), 0)
            as weighted_mean,
        sum(weights.weight) filter (where parts.share is not null) as known_weight
    from components
    cross join lateral (
        values
        ('completeness', components.completeness),
        ('timeliness', components.timeliness),
        ('validity', components.validity),
        ('uniqueness', components.uniqueness),
        ('metadata', components.metadata)
    ) as parts (component_code, share)
    inner join {{ ref('rule_vital_quality_scores') }} as weights
        on parts.component_code = weights.component_code and {{ in_force('weights', park_today()) }}
    group by components.vital_code
)

select
    components.vital_code,
    components.point_count,
    components.in_service_count,
    cast(components.completeness as double precision) as completeness,
    cast(components.timeliness as double precision) as timeliness,
    cast(components.validity as double precision) as validity,
    cast(components.uniqueness as double precision) as uniqueness,
    cast(components.metadata as double precision) as metadata,
    case when components.completeness is not null then round(cast(100 * weighted.weighted_mean as numeric), 2) end
        as quality_score,
    case when components.completeness is not null then round(cast(weighted.known_weight as numeric), 3) end
        as quality_confidence
from components
inner join weighted on components.vital_code = weighted.vital_code
