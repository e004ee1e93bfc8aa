{{ config(materialized='table') }}
-- Every hour of a safety point: which alarm stood, how near the gas came to its levels, how far the mean left its
-- band. Only minutes that passed the quality tests make minimum, maximum and mean; an hour without one says nothing.
{%- set gas_score %}
case
    when
        hours.term_code <> 'gas' or hours.valid_minutes = 0 or hours.value_min is null or hours.value_max is null
        or levels.first_level is null or levels.second_level is null
        or (
            levels.gas_kind <> 'oxygen'
            and (levels.first_level <= 0 or levels.second_level <= levels.first_level)
        )
        then null
    when levels.gas_kind = 'oxygen'
        then parameters.gas_to_first_level * least(
            1,
            greatest(
                (parameters.oxygen_normal_pct - hours.value_min)
                / (parameters.oxygen_normal_pct - levels.first_level),
                (hours.value_max - parameters.oxygen_normal_pct)
                / (levels.second_level - parameters.oxygen_normal_pct),
                0
            )
        )
    else
        parameters.gas_to_first_level
        * least(greatest(hours.value_max, 0) / levels.first_level, 1)
        + parameters.gas_to_second_level * least(
            greatest(
                (hours.value_max - levels.first_level)
                / (levels.second_level - levels.first_level),
                0
            ),
            1
        )
end
{%- endset %}
{%- set deviation_score %}
case
    when bands.band_hours >= parameters.deviation_minimum_hours
        and greatest(bands.band_deviation, hours.accuracy) > 0
        then 100 * least(
            greatest(
                abs(hours.value_mean - bands.band_mean) / greatest(bands.band_deviation, hours.accuracy)
                - parameters.deviation_free_band,
                0
            ),
            parameters.deviation_span
        ) / parameters.deviation_span
end
{%- endset %}
with points as (
    select * from {{ ref('int_risk__points_assigned') }}
),

-- The band an hour is expected in: mean and deviation of the valid hours of the day before it.
bands as (
    select
        hours.point_id,
        hours.measured_at,
        avg(hours.value_mean) over recent_day as band_mean,
        stddev_samp(hours.value_mean) over recent_day as band_deviation,
        count(*) over recent_day as band_hours
    from {{ ref('stg_telemetry__point_hours') }} as hours
    inner join points on hours.point_id = points.point_id and points.term_code = 'process_alarm'
    where hours.is_valid and hours.value_mean is not null
    window recent_day as (
        partition by hours.point_id order by hours.measured_at
        range between (
            select max(spans.deviation_window_h) * interval '1 hour'
            from {{ ref('int_risk__parameters_pivoted') }} as spans
            where {{ in_force('spans', park_today()) }}
        ) preceding and interval '1 hour' preceding
    )
),

hours as (
    select
        points.*,
        hours.measured_at,
        hours.business_date,
        hours.value_mean,
        hours.value_min,
        hours.value_max,
        hours.valid_minutes,
        hours.expected_minutes,
        hours.data_origin
    from {{ ref('stg_telemetry__point_hours') }} as hours
    inner join points on hours.point_id = points.point_id
    inner join {{ ref('int_risk__hours_expected') }} as spine on hours.measured_at = spine.measured_at
)

select
    hours.point_id,
    hours.subject_id,
    hours.group_key,
    hours.term_code,
    hours.measured_at,
    hours.business_date,
    hours.valid_minutes,
    hours.expected_minutes,
    case
        when hours.term_code <> 'process_alarm' or hours.valid_minutes = 0 then null
        when coalesce(
            hours.alarm_low_low, hours.alarm_low, hours.alarm_high, hours.alarm_high_high
        ) is null then null
        when hours.value_max >= hours.alarm_high_high or hours.value_min <= hours.alarm_low_low then 'extreme'
        when hours.value_max >= hours.alarm_high or hours.value_min <= hours.alarm_low then 'limit'
        else 'none'
    end as alarm_code,
    {{ rounded(gas_score) }} as gas_score,
    {{ rounded(deviation_score) }} as deviation_score,
    hours.data_origin
from hours
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'hours.business_date') }}
left join bands on hours.point_id = bands.point_id and hours.measured_at = bands.measured_at
left join {{ ref('int_risk__gas_levels_known') }} as levels
    on hours.point_id = levels.point_id and hours.business_date = levels.business_date
