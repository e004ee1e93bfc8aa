{{ config(materialized='table', indexes=[{'columns': ['subject_id', 'measured_at']}]) }}
-- Every hour of a safety point: which alarm stood, how near the gas came to its levels, how far the mean left its
-- band. Only minutes that passed the quality tests make minimum, maximum and mean; an hour without one says nothing.
{%- set gas_score %}
case
    when
        bands.term_code <> 'gas' or bands.valid_minutes = 0 or bands.value_min is null or bands.value_max is null
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
                (parameters.oxygen_normal_pct - bands.value_min)
                / (parameters.oxygen_normal_pct - levels.first_level),
                (bands.value_max - parameters.oxygen_normal_pct)
                / (levels.second_level - parameters.oxygen_normal_pct),
                0
            )
        )
    else
        parameters.gas_to_first_level
        * least(greatest(bands.value_max, 0) / levels.first_level, 1)
        + parameters.gas_to_second_level * least(
            greatest(
                (bands.value_max - levels.first_level)
                / (levels.second_level - levels.first_level),
                0
            ),
            1
        )
end
{%- endset %}
{%- set deviation_score %}
case
    when bands.term_code = 'process_alarm' and bands.is_valid and bands.value_mean is not null
        and bands.band_hours >= parameters.deviation_minimum_hours
        and greatest(bands.band_deviation, bands.accuracy) > 0
        then 100 * least(
            greatest(
                abs(bands.value_mean - bands.band_mean) / greatest(bands.band_deviation, bands.accuracy)
                - parameters.deviation_free_band,
                0
            ),
            parameters.deviation_span
        ) / parameters.deviation_span
end
{%- endset %}
with hours as (
    select
        points.*,
        hours.measured_at,
        hours.business_date,
        hours.value_mean,
        hours.value_min,
        hours.value_max,
        hours.valid_minutes,
        hours.expected_minutes,
        hours.is_valid,
        hours.data_origin
    from {{ ref('stg_telemetry__point_hours') }} as hours
    inner join {{ ref('int_risk__points_assigned') }} as points on hours.point_id = points.point_id
    inner join {{ ref('int_risk__hours_expected') }} as spine on hours.measured_at = spine.measured_at
),

bands as (
    select
        *,
        avg(case when is_valid then value_mean end) over recent_day as band_mean,
        stddev_samp(case when is_valid then value_mean end) over recent_day as band_deviation,
        count(case when is_valid then value_mean end) over recent_day as band_hours
    from hours
    window recent_day as (
        partition by point_id order by measured_at
        range between (
            select max(spans.deviation_window_h) * interval '1 hour'
            from {{ ref('int_risk__parameters_pivoted') }} as spans
            where {{ in_force('spans', park_today()) }}
        ) preceding and interval '1 hour' preceding
    )
)

select
    bands.point_id,
    bands.subject_id,
    bands.group_key,
    bands.term_code,
    bands.measured_at,
    bands.business_date,
    bands.valid_minutes,
    bands.expected_minutes,
    case
        when bands.term_code <> 'process_alarm' or bands.valid_minutes = 0 then null
        when coalesce(
            bands.alarm_low_low, bands.alarm_low, bands.alarm_high, bands.alarm_high_high
        ) is null then null
        when bands.value_max >= bands.alarm_high_high or bands.value_min <= bands.alarm_low_low then 'extreme'
        when bands.value_max >= bands.alarm_high or bands.value_min <= bands.alarm_low then 'limit'
        else 'none'
    end as alarm_code,
    {{ rounded(gas_score) }} as gas_score,
    {{ rounded(deviation_score) }} as deviation_score,
    bands.data_origin
from bands
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'bands.business_date') }}
left join {{ ref('int_risk__gas_levels_known') }} as levels
    on bands.point_id = levels.point_id and bands.business_date = levels.business_date
