-- The state of each device at one moment for all of its feed: archives come by full days, so it is the last midnight,
-- or the newest reading of any device of the feed where one is newer. A state is the first that holds of: out of
-- service, idle (a replayed plant between two runs), never seen, long offline, offline, abnormal, online (safety
-- reference 4.7).
with seen as (
    select
        point_id,
        max(last_seen_at) as last_seen_at,
        max(feed_kind_code) as feed_kind_code
    from {{ ref('int_devices__days_expected') }}
    where readings_received > 0 and last_seen_at <= {{ park_now() }}
    group by point_id
),

midnight as (
    select cast({{ park_today() }} as timestamp) at time zone 'Asia/Shanghai' as last_midnight_at
),

moments as (
    select
        seen.feed_kind_code,
        greatest(midnight.last_midnight_at, max(seen.last_seen_at)) as judged_at
    from seen
    cross join midnight
    group by seen.feed_kind_code, midnight.last_midnight_at
),

timed as (
    select
        seen.point_id,
        seen.last_seen_at,
        moments.judged_at
    from seen
    inner join moments on seen.feed_kind_code = moments.feed_kind_code
),

hours as (
    select
        point_hours.point_id,
        sum(point_hours.failed_minutes)
            filter (where point_hours.measured_at >= window_start.failed_from) as failed_minutes,
        sum(point_hours.expected_minutes - point_hours.missing_minutes)
            filter (where point_hours.measured_at >= window_start.failed_from) as received_minutes,
        min(point_hours.measured_at)
            filter (where point_hours.measured_at >= window_start.failed_from and point_hours.failed_minutes > 0)
            as first_failed_at,
        min(point_hours.measured_at) as first_hour_at,
        max(point_hours.measured_at)
            filter (where point_hours.missing_minutes >= point_hours.expected_minutes) as last_silent_hour_at
    from {{ ref('stg_telemetry__point_hours') }} as point_hours
    inner join (
        select
            point_id,
            judged_at,
            judged_at - {{ device_rule('abnormal', 'window_hours') }} * interval '1 hour' as failed_from,
            judged_at - {{ device_rule('mtbf', 'window_days') }} * interval '1 day' as online_from
        from timed
    ) as window_start on point_hours.point_id = window_start.point_id
    where
        point_hours.measured_at >= window_start.online_from
        and point_hours.measured_at < window_start.judged_at
        and point_hours.expected_minutes > 0
    group by point_hours.point_id
),

unbroken as (
    select
        point_id,
        min(business_date) as first_date,
        max(business_date) filter (where offline_episodes > 0 or minutes_online = 0) as last_broken_date
    from {{ ref('int_devices__days_expected') }}
    group by point_id
),

aged as (
    select
        devices.point_id,
        devices.is_in_service,
        coalesce(devices.data_origin = 'replayed', false) as is_replayed,
        devices.installed_date,
        devices.updated_at,
        coalesce(timed.judged_at, midnight.last_midnight_at) as judged_at,
        timed.last_seen_at,
        extract(epoch from timed.judged_at - timed.last_seen_at) as silent_s,
        {{ silence_limit_s('devices.period_s') }} as silence_limit_s,
        hours.failed_minutes / nullif(hours.received_minutes, 0.0) as failed_share,
        hours.first_failed_at,
        coalesce(
            hours.last_silent_hour_at + interval '1 hour',
            hours.first_hour_at,
            cast(coalesce(unbroken.last_broken_date + 1, unbroken.first_date) as timestamp) at time zone 'Asia/Shanghai'
        ) as online_since_at
    from {{ ref('int_devices__devices_located') }} as devices
    cross join midnight
    left join timed on devices.point_id = timed.point_id
    left join hours on devices.point_id = hours.point_id
    left join unbroken on devices.point_id = unbroken.point_id
),

judged as (
    select
        *,
        case
            when not is_in_service then 'out_of_service'
            when is_replayed and coalesce(silent_s > silence_limit_s, true) then 'idle'
            when last_seen_at is null then 'never_seen'
            when silent_s > {{ device_rule('long_offline', 'hours') }} * 3600 then 'long_offline'
            when silent_s > silence_limit_s then 'offline'
            when failed_share > {{ device_rule('abnormal', 'failed_share') }} then 'abnormal'
            else 'online'
        end as state_code
    from aged
)

select
    point_id,
    judged_at,
    state_code,
    case
        when state_code = 'out_of_service' then updated_at
        when state_code = 'never_seen' then cast(installed_date as timestamp) at time zone 'Asia/Shanghai'
        when state_code in ('idle', 'offline', 'long_offline') then last_seen_at
        when state_code = 'abnormal' then first_failed_at
        else least(online_since_at, judged_at)
    end as state_since_at,
    last_seen_at,
    silent_s,
    silence_limit_s,
    failed_share
from judged
