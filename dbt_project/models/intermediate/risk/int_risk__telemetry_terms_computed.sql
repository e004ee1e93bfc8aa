{{ config(materialized='table', indexes=[{'columns': ['subject_id', 'measured_at']}]) }}
-- The terms that telemetry feeds, by subject and hour; null where nothing was measured. An alarm that stood within the
-- look-back stays even when the points fall silent: silence is no all-clear.
{%- set process_alarm_score %}
case
    when alarms.alarm_strength is not null
        then 100 * (1 - exp(-alarms.alarm_strength / parameters.alarm_divisor))
    when measured.process_point_count > 0 then 0
end
{%- endset %}
{%- set data_health_score %}
case
    when sum(before.expected_minutes) > 0
        then 100 * (
            1 - least(cast(sum(before.valid_minutes) as double precision) / sum(before.expected_minutes), 1)
        )
end
{%- endset %}
with measured as (
    select
        subject_id,
        measured_at,
        business_date,
        count(alarm_code) as process_point_count,
        max(gas_score) as gas_score,
        max(deviation_score) as deviation_score,
        sum(valid_minutes) as valid_minutes,
        sum(expected_minutes) as expected_minutes,
        max(data_origin) as data_origin
    from {{ ref('int_risk__point_hours_scored') }}
    group by subject_id, measured_at, business_date
),

health as (
    select
        here.subject_id,
        here.measured_at,
        {{ rounded(data_health_score) }} as data_health_score
    from measured as here
    inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
        on {{ in_force('parameters', 'here.business_date') }}
    inner join measured as before
        on
            here.subject_id = before.subject_id
            and here.measured_at >= before.measured_at
            and before.measured_at > here.measured_at - parameters.health_window_h * interval '1 hour'
    group by here.subject_id, here.measured_at
)

select
    subjects.subject_id,
    hours.measured_at,
    hours.business_date,
    {{ rounded(process_alarm_score) }} as process_alarm_score,
    coalesce(alarms.alarm_count, 0) as alarm_count,
    measured.gas_score,
    measured.deviation_score,
    health.data_health_score,
    measured.data_origin
from {{ ref('int_risk__subjects_listed') }} as subjects
cross join {{ ref('int_risk__hours_expected') }} as hours
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'hours.business_date') }}
left join measured on subjects.subject_id = measured.subject_id and hours.measured_at = measured.measured_at
left join health on subjects.subject_id = health.subject_id and hours.measured_at = health.measured_at
left join {{ ref('int_risk__alarm_hours_summed') }} as alarms
    on subjects.subject_id = alarms.subject_id and hours.measured_at = alarms.measured_at
