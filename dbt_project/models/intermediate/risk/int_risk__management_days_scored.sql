-- Management and operating state of every enterprise on every day of the window. A state that has not come yet is
-- taken from the day before, but no older; a state with a part missing says nothing about the whole.
with days as (
    select distinct business_date from {{ ref('int_risk__hours_expected') }}
),

states as (
    select
        *,
        {{ normalised_code('unified_credit_code') }} as credit_code
    from {{ ref('stg_data_middle_platform__management_states') }}
),

enterprises as (
    select * from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
)

select distinct on (enterprises.enterprise_id, days.business_date)
    enterprises.enterprise_id,
    days.business_date,
    states.state_date,
    states.operating_state_code,
    case
        when states.overdue_major_danger_count is not null and states.overdue_general_danger_count is not null
            and states.is_commitment_published is not null and states.guarantor_duty_rate is not null
            then least(
                100,
                parameters.management_major_danger * states.overdue_major_danger_count
                + parameters.management_general_danger * states.overdue_general_danger_count
                + case when states.is_commitment_published then 0 else parameters.management_no_commitment end
                + case
                    when states.guarantor_duty_rate < parameters.management_duty_minimum
                        then parameters.management_poor_duty
                    else 0
                end
            )
    end as management_score,
    case states.operating_state_code
        when 'normal' then 0
        when 'startup' then parameters.state_startup_points
        when 'shutdown' then parameters.state_startup_points
        when 'trial' then parameters.state_startup_points
        when 'turnaround' then parameters.state_turnaround_points
    end as operating_state_score
from enterprises
cross join days
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'days.business_date') }}
inner join states
    on
        enterprises.unified_credit_code = states.credit_code
        and states.state_date <= days.business_date
        and states.state_date >= days.business_date - cast(parameters.management_state_days as integer)
order by enterprises.enterprise_id, days.business_date, states.state_date desc, states.updated_at desc
