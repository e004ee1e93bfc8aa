{{ config(materialized='table', indexes=[{'columns': ['point_id', 'business_date'], 'unique': true}]) }}
-- Every day on which a device should have sent, from its first reading on: a day without a reading is a row too, as
-- long as its feed was delivered. A day whose archive never came has no row, because nobody knows what was in it.
with counted as (
    select * from {{ ref('int_devices__days_counted') }}
    where business_date <= {{ park_today() }}
),

known as (
    select
        point_id,
        min(business_date) as first_date,
        (array_agg(feed_code order by business_date desc))[1] as feed_code,
        max(data_origin) as data_origin
    from counted
    where readings_received > 0
    group by point_id
),

delivered as (
    select distinct feed_code, business_date from counted
),

due as (
    select
        devices.point_id,
        delivered.business_date,
        devices.period_s,
        known.feed_code,
        known.data_origin
    from known
    inner join {{ ref('int_devices__devices_located') }} as devices on known.point_id = devices.point_id
    inner join delivered
        on
            known.feed_code = delivered.feed_code
            and known.first_date <= delivered.business_date
            and {{ park_today() }} > delivered.business_date
    where devices.is_in_service and devices.period_s is not null
),

joined as (
    select
        coalesce(counted.point_id, due.point_id) as point_id,
        coalesce(counted.business_date, due.business_date) as business_date,
        counted.point_id is not null as is_counted,
        due.period_s,
        coalesce(counted.feed_code, due.feed_code) as feed_code,
        coalesce(counted.data_origin, due.data_origin) as data_origin,
        counted.readings_expected,
        counted.readings_received,
        counted.readings_passed,
        counted.readings_suspect,
        counted.readings_failed,
        counted.readings_late,
        counted.readings_superseded,
        counted.minutes_online,
        counted.offline_episodes,
        counted.last_seen_at
    from due
    full join (
        select counted.* from counted
        inner join known on counted.point_id = known.point_id and known.first_date <= counted.business_date
    ) as counted on due.point_id = counted.point_id and due.business_date = counted.business_date
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
    cast(case when is_counted then minutes_online else 0 end as integer) as minutes_online,
    -- A whole silent day is one episode when the device was on line to the end of the day before, else the old one.
    cast(
        case
            when is_counted then offline_episodes
            when lag(minutes_online) over (partition by point_id order by business_date) = 1440 then 1
            else 0
        end as integer
    ) as offline_episodes,
    last_seen_at,
    split_part(feed_code, ' ', 1) as feed_kind_code,
    data_origin
from joined
