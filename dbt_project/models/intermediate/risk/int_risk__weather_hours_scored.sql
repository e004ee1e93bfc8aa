{{ config(materialized='table') }}
-- Weather of the park by the hour: the strongest wind and the highest temperature of air stations and met masts.
-- Signals of lightning and typhoon are not connected.
with readings as (
    select
        measured_at,
        wind_speed_m_per_s,
        air_temperature_c
    from {{ ref('stg_air_quality__station_hours') }}
    union all
    select
        hours.measured_at,
        case when inputs.term_code = 'weather_wind' then hours.value_mean end as wind_speed_m_per_s,
        case when inputs.term_code = 'weather_heat' then hours.value_mean end as air_temperature_c
    from {{ ref('stg_telemetry__point_hours') }} as hours
    inner join {{ ref('int_devices__devices_located') }} as devices on hours.point_id = devices.point_id
    inner join {{ ref('rule_risk_inputs') }} as inputs
        on
            devices.vital_code = inputs.vital_code
            and inputs.term_code in ('weather_wind', 'weather_heat')
            and {{ in_force('inputs', 'hours.business_date') }}
    where hours.is_valid
),

park as (
    select
        hours.measured_at,
        hours.business_date,
        max(readings.wind_speed_m_per_s) as wind_speed_m_per_s,
        max(readings.air_temperature_c) as air_temperature_c
    from {{ ref('int_risk__hours_expected') }} as hours
    left join readings on hours.measured_at = readings.measured_at
    group by hours.measured_at, hours.business_date
)

select
    park.measured_at,
    park.wind_speed_m_per_s,
    park.air_temperature_c,
    park.wind_speed_m_per_s >= parameters.weather_work_wind_m_per_s as is_bad_for_work,
    case
        when park.wind_speed_m_per_s is not null or park.air_temperature_c is not null
            then greatest(
                case
                    when park.wind_speed_m_per_s >= parameters.weather_wind_m_per_s then parameters.weather_wind_points
                end,
                case when park.air_temperature_c >= parameters.weather_heat_c then parameters.weather_heat_points end,
                0
            )
    end as weather_score
from park
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'park.business_date') }}
