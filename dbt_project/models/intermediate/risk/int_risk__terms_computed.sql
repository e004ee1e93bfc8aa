{{ config(materialized='table', indexes=[{'columns': ['subject_id', 'measured_at']}]) }}
-- Every term of the dynamic index by subject and hour, with its weight; the score is null where an input is missing.
with coverage as (
    select
        min(issued_at) as first_at,
        greatest(max(issued_at), max(updated_at)) + interval '24 hours' as last_at
    from {{ ref('stg_contractor_safety__work_permits') }}
    where updated_at <= {{ park_now() }}
),

permit_risks as (
    select
        subject_id,
        measured_at,
        least(sum(permit_risk), 100) as special_work_score,
        count(*) as permit_count
    from {{ ref('int_risk__permit_hours_scored') }}
    where permit_risk is not null
    group by subject_id, measured_at
),

wide as (
    select
        telemetry.subject_id,
        telemetry.measured_at,
        telemetry.business_date,
        telemetry.process_alarm_score,
        telemetry.gas_score,
        telemetry.deviation_score,
        telemetry.data_health_score,
        case
            when telemetry.measured_at between coverage.first_at and coverage.last_at
                then coalesce(permit_risks.special_work_score, 0)
        end as special_work_score,
        -- Positions of people are not connected.
        cast(null as double precision) as people_score,
        management.management_score,
        management.operating_state_score,
        weather.weather_score
    from {{ ref('int_risk__telemetry_terms_computed') }} as telemetry
    inner join {{ ref('int_risk__subjects_listed') }} as subjects on telemetry.subject_id = subjects.subject_id
    cross join coverage
    left join permit_risks
        on telemetry.subject_id = permit_risks.subject_id and telemetry.measured_at = permit_risks.measured_at
    left join {{ ref('int_risk__management_days_scored') }} as management
        on subjects.enterprise_id = management.enterprise_id and telemetry.business_date = management.business_date
    left join {{ ref('int_risk__weather_hours_scored') }} as weather on telemetry.measured_at = weather.measured_at
)

select
    wide.subject_id,
    wide.measured_at,
    wide.business_date,
    weights.term_code,
    cast(weights.weight as double precision) as weight,
    case weights.term_code
        when 'process_alarm' then wide.process_alarm_score
        when 'gas' then wide.gas_score
        when 'deviation' then wide.deviation_score
        when 'special_work' then cast(wide.special_work_score as double precision)
        when 'people' then wide.people_score
        when 'management' then wide.management_score
        when 'data_health' then wide.data_health_score
        when 'weather' then wide.weather_score
        when 'operating_state' then wide.operating_state_score
    end as term_score
from wide
inner join {{ ref('rule_risk_weights') }} as weights on {{ in_force('weights', 'wide.business_date') }}
