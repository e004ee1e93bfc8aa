{{ config(materialized='table', indexes=[{'columns': ['point_id', 'business_date'], 'unique': true}]) }}
-- Every day on which a device should have sent, from its first reading on: a day without a reading is a row too, as
-- long as its feed was delivered. A day whose archive never came has no row, because nobody knows what was in it.
-- A replayed plant owes no time on line: it stands still between its runs, and that is no failure.
with counted as (
    select * from {{ ref('int_devices__days_counted') }}
    where business_date <= {{ park_today() }}
),

known as (
    select
        counted.point_id,
        devices.is_in_service,
        devices.period_s,
        devices.data_origin = 'replayed' as is_replayed,
        min(counted.business_date) as first_date,
        (array_agg(counted.feed_code order by counted.business_date desc))[1] as feed_code,
        max(counted.data_origin) as data_origin
    from counted
    inner join {{ ref('int_devices__devices_located') }} as devices on counted.point_id = devices.point_id
    where counted.readings_received > 0
    group by counted.point_id, devices.is_in_service, devices.period_s, devices.data_origin
),

delivered as (
    select distinct feed_code, business_date from counted
),

due as (
    select
        known.point_id,
        delivered.business_date
    from known
    inner join delivered
        on
            known.feed_code = delivered.feed_code
            and known.first_date <= delivered.business_date
            and {{ park_today() }} > delivered.business_date
    where known.is_in_service and not coalesce(known.is_replayed, false) and known.period_s is not null
    union
    select
        counted.point_id,
        counted.business_date
    from counted
    inner join known on counted.point_id = known.point_id and known.first_date <= counted.business_date
),

joined as (
    select
        due.point_id,
        due.business_date,
        known.period_s,
        coalesce(known.is_replayed, false) as is_replayed,
        coalesce(counted.feed_code, known.feed_code) as feed_code,
        coalesce(counted.data_origin, known.data_origin) as data_origin,
        counted.point_id is not null as is_counted,
        counted.readings_expected,
        counted.readings_received,
        counted.readings_passed,
        counted.readings_suspect,
        counted.readings_failed,
        counted.readings_late,
        counted.readings_superseded,
        counted.minutes_online,
        counted.offline_episodes,
        counted.last_seen_at,
        lag(counted.minutes_online) over (partition by due.point_id order by due.business_date) as minutes_before
    from due
    inner join known on due.point_id = known.point_id
    left join counted on due.point_id = counted.point_id and due.business_date = counted.business_date
)

select
    point_id,
    business_date,
    cast(case when is_counted then readings_expected else 86400 / period_s end as integer) as readings_expected,
    cast(case when is_counted then readings_received else 0 end as integer) as readings_received,
    cast(case when is_counted then readings_passed else 0 end as integer) as readings_passed,
    cast(case when is_counted then readings_suspect when feed_code <> 'air' then 0 end as integer) as readings_suspect,
    cast(case when is_counted then readings_failed when feed_code <> 'air' then 0 end as integer) as readings_failed,
    cast(case when is_counted then readings_late when feed_code <> 'air' then 0 end as integer) as readings_late,
    cast(case when is_counted then readings_superseded when feed_code <> 'air' then 0 end as integer)
        as readings_superseded,
    case when not is_replayed then cast(case when is_counted then minutes_online else 0 end as integer) end
        as minutes_online,
    -- A whole silent day is one episode when the device was on line to the end of the day before, else the old one.
    cast(
        case
            when is_replayed then null
            when is_counted and readings_received > 0 then offline_episodes
            when minutes_before = 1440 then 1
            else 0
        end as integer
    ) as offline_episodes,
    last_seen_at,
    split_part(feed_code, ' ', 1) as feed_kind_code,
    data_origin
from joined
