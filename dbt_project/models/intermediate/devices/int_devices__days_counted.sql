-- What each point sent on each day, whatever way it came. What an air station's archive does not say stays unknown.
with telemetry as (
    select
        point_id,
        business_date,
        'telemetry ' || coalesce(zone_id, '') as feed_code,
        readings_expected,
        readings_received,
        readings_passed,
        readings_suspect,
        readings_failed,
        readings_late,
        readings_superseded,
        minutes_online,
        offline_episodes,
        -- A clock that runs ahead must not keep a silent device alive, nor must a reading that was sent on days later.
        least(last_measured_at, last_received_at) as last_seen_at,
        data_origin
    from {{ ref('stg_telemetry__point_days') }}
    where business_date >= {{ park_today() }} - cast({{ device_rule('health', 'history_days') }} as integer)
)

select
    point_id,
    business_date,
    feed_code,
    readings_expected,
    readings_received,
    readings_passed,
    readings_suspect,
    readings_failed,
    readings_late,
    readings_superseded,
    minutes_online,
    offline_episodes,
    last_seen_at,
    data_origin
from telemetry
union all
select
    air.point_id,
    air.business_date,
    'air' as feed_code,
    air.readings_expected,
    air.readings_received,
    air.readings_passed,
    null as readings_suspect,
    null as readings_failed,
    null as readings_late,
    null as readings_superseded,
    air.minutes_online,
    air.offline_episodes,
    air.last_measured_at as last_seen_at,
    air.data_origin
from {{ ref('int_devices__air_days_counted') }} as air
left join telemetry on air.point_id = telemetry.point_id and air.business_date = telemetry.business_date
where telemetry.point_id is null
