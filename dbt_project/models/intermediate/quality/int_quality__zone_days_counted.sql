-- Readings of a zone and day by what became of them, of the points that owed any. A day counts when it is over.
-- Lateness is known of a zone only when it is known of all its points.
select
    zone_id,
    max(zone_name) as zone_name,
    business_date,
    count(*) as points_due,
    cast(sum(readings_expected) as bigint) as readings_expected,
    cast(sum(readings_received) as bigint) as readings_received,
    cast(sum(readings_passed) as bigint) as readings_passed,
    cast(sum(readings_suspect) as bigint) as readings_suspect,
    cast(sum(readings_failed) as bigint) as readings_failed,
    cast(sum(readings_missing) as bigint) as readings_missing,
    cast(case when bool_and(readings_late is not null) then sum(readings_late) end as bigint) as readings_late,
    {{ rounded('avg(online_share)', 6) }} as online_share,
    cast(sum(offline_episodes) as bigint) as offline_episodes,
    max(data_origin) as data_origin
from {{ ref('fct_vital_daily') }}
where readings_expected > 0 and business_date < {{ park_today() }}
group by zone_id, business_date
