-- Strength of the alarms of a subject in an hour: A = sum of weights * exp(-age/12 h) over what stands or stood within
-- 24 hours. Hours in a row make one alarm; redundant points of one quantity make one, too.
{%- set alarm_strength %}
sum(
    case episodes.alarm_code
        when 'extreme' then hours.alarm_weight_extreme
        else hours.alarm_weight_limit
    end
    * exp(
        -greatest(cast(extract(epoch from hours.measured_at - episodes.ended_at) as double precision) / 3600, 0)
        / hours.alarm_age_constant_h
    )
)
{%- endset %}
with alarms as (
    select distinct
        subject_id,
        group_key,
        alarm_code,
        measured_at
    from {{ ref('int_risk__point_hours_scored') }}
    where alarm_code in ('limit', 'extreme')
),

numbered as (
    select
        *,
        measured_at - row_number() over (
            partition by subject_id, group_key, alarm_code order by measured_at
        ) * interval '1 hour' as island
    from alarms
),

episodes as (
    select
        subject_id,
        group_key,
        alarm_code,
        min(measured_at) as began_at,
        max(measured_at) as ended_at
    from numbered
    group by subject_id, group_key, alarm_code, island
),

hours as (
    select
        spine.measured_at,
        parameters.alarm_weight_limit,
        parameters.alarm_weight_extreme,
        parameters.alarm_age_constant_h,
        parameters.alarm_look_back_h
    from {{ ref('int_risk__hours_expected') }} as spine
    inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
        on {{ in_force('parameters', 'spine.business_date') }}
)

select
    episodes.subject_id,
    hours.measured_at,
    {{ rounded(alarm_strength, 6) }} as alarm_strength,
    count(*) as alarm_count
from episodes
inner join hours
    on
        episodes.began_at <= hours.measured_at
        and hours.measured_at < episodes.ended_at + hours.alarm_look_back_h * interval '1 hour'
group by episodes.subject_id, hours.measured_at
