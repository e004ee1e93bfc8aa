-- Score of a zone and day, 0 to 100: the weighted mean of the parts that are known, by the weights in force on that day.
-- Validity and timeliness speak of what came: where nothing came they are unknown, and delivery says so alone.
with parts as (
    select
        *,
        least(readings_received / nullif(cast(readings_expected as numeric), 0), 1) as delivery_share,
        readings_passed / nullif(cast(readings_received as numeric), 0) as validity_share,
        -- LEAST would take a missing count for the smaller one.
        case
            when readings_late > readings_received then 0
            else 1 - readings_late / nullif(cast(readings_received as numeric), 0)
        end as timeliness_share
    from {{ ref('int_quality__zone_days_counted') }}
),

weighted as (
    select
        parts.zone_id,
        parts.business_date,
        sum(weights.weight * shares.share) / nullif(sum(weights.weight) filter (where shares.share is not null), 0)
            as weighted_mean,
        sum(weights.weight) filter (where shares.share is not null) as known_weight
    from parts
    cross join lateral (
        values
        ('delivery', parts.delivery_share),
        ('validity', parts.validity_share),
        ('timeliness', parts.timeliness_share),
        ('online', cast(parts.online_share as numeric))
    ) as shares (component_code, share)
    inner join {{ ref('rule_scorecard_weights') }} as weights
        on shares.component_code = weights.component_code and {{ in_force('weights', 'parts.business_date') }}
    group by parts.zone_id, parts.business_date
)

select
    parts.zone_id,
    parts.zone_name,
    parts.business_date,
    parts.points_due,
    parts.readings_expected,
    parts.readings_received,
    parts.readings_passed,
    parts.readings_suspect,
    parts.readings_failed,
    parts.readings_missing,
    parts.readings_late,
    {{ rounded('parts.delivery_share', 6) }} as delivery_share,
    {{ rounded('parts.validity_share', 6) }} as validity_share,
    {{ rounded('parts.timeliness_share', 6) }} as timeliness_share,
    parts.online_share,
    parts.offline_episodes,
    {{ rounded('100 * weighted.weighted_mean', 2) }} as data_score,
    {{ rounded('weighted.known_weight', 3) }} as quality_confidence,
    parts.data_origin
from parts
left join weighted on parts.zone_id = weighted.zone_id and parts.business_date = weighted.business_date
