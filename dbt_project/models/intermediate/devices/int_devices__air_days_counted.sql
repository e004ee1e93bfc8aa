-- Air stations send by the hour through an archive of their own: an hour with a value is a reading received and passed.
-- A silence that lasts longer than the limit is an episode of the day on which the limit was reached.
with readings as (
    select
        hours.station_id,
        factors.factor_code,
        hours.business_date,
        hours.measured_at,
        hours.data_origin
    from {{ ref('stg_air_quality__station_hours') }} as hours
    cross join lateral (
        values
        ('so2', hours.so2_ug_per_m3),
        ('no2', hours.no2_ug_per_m3),
        ('co', hours.co_mg_per_m3),
        ('o3', hours.o3_ug_per_m3),
        ('pm10', hours.pm10_ug_per_m3),
        ('pm25', hours.pm25_ug_per_m3),
        ('air_temperature', hours.air_temperature_c),
        ('wind_speed', hours.wind_speed_m_per_s),
        ('wind_direction', hours.wind_direction_deg)
    ) as items (pollutant_code, reading)
    inner join (
        select distinct pollutant_code, factor_code
        from {{ ref('ref_vital_factors') }} as rows_of_factors
        where {{ in_force('rows_of_factors', park_today()) }}
    ) as factors on items.pollutant_code = factors.pollutant_code
    where
        items.reading is not null
        and hours.business_date >= {{ park_today() }} - cast({{ device_rule('health', 'history_days') }} as integer)
        and hours.measured_at <= {{ park_now() }}
),

spaced as (
    select
        devices.point_id,
        devices.zone_id,
        devices.period_s,
        readings.business_date,
        readings.measured_at,
        readings.data_origin,
        {{ silence_limit_s('devices.period_s') }} as silence_limit_s,
        lead(readings.measured_at) over (
            partition by devices.point_id order by readings.measured_at
        ) as next_measured_at
    from readings
    inner join {{ ref('int_devices__devices_located') }} as devices
        on devices.point_id = readings.station_id || '-' || readings.factor_code
),

silences as (
    select
        point_id,
        cast(
            (measured_at + silence_limit_s * interval '1 second') at time zone 'Asia/Shanghai' as date
        ) as business_date,
        count(*) as offline_episodes
    from spaced
    where
        coalesce(next_measured_at, {{ park_now() }}) - measured_at > silence_limit_s * interval '1 second'
    group by 1, 2
),

days as (
    select
        point_id,
        zone_id,
        period_s,
        business_date,
        count(*) as readings_received,
        max(measured_at) as last_measured_at,
        max(data_origin) as data_origin
    from spaced
    group by point_id, zone_id, period_s, business_date
)

select
    days.point_id,
    days.business_date,
    days.zone_id,
    cast(86400 / days.period_s as integer) as readings_expected,
    cast(days.readings_received as integer) as readings_received,
    cast(days.readings_received as integer) as readings_passed,
    cast(least(1440, days.readings_received * days.period_s / 60) as integer) as minutes_online,
    cast(coalesce(silences.offline_episodes, 0) as integer) as offline_episodes,
    days.last_measured_at,
    days.data_origin
from days
left join silences on days.point_id = silences.point_id and days.business_date = silences.business_date
