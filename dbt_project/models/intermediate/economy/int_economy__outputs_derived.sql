-- Months out of totals (statistics reference 2.1): the total less the total before, both of one system; February stands
-- for January and February. Where the total before is missing or not usable, the month as reported.
with usable as (
    select
        *,
        cast(extract(month from statistical_month) as integer) as month_number
    from {{ ref('int_economy__outputs_judged') }}
    where blocking_issue_code is null
),

paired as (
    select
        usable.*,
        previous.ytd_yuan as previous_ytd_yuan,
        previous.ytd_base_yuan as previous_ytd_base_yuan,
        coalesce(previous.reported_unit = usable.reported_unit, false) as has_previous
    from usable
    left join usable as previous
        on usable.source_system = previous.source_system and usable.enterprise_id = previous.enterprise_id
        and usable.month_number > 2
        and previous.statistical_month = usable.statistical_month - interval '1 month'
)

select
    enterprise_id,
    statistical_month,
    source_system,
    record_id,
    case when month_number = 2 then 2 else 1 end as months_covered,
    case
        when month_number = 2 then 'january_and_february'
        when has_previous then 'total_difference'
        else 'month_as_reported'
    end as output_value_basis,
    case
        when month_number = 2 then ytd_yuan
        when has_previous then ytd_yuan - previous_ytd_yuan
        else month_yuan
    end as output_value_yuan,
    case
        when month_number = 2 then ytd_base_yuan
        when has_previous then ytd_base_yuan - previous_ytd_base_yuan
        else base_yuan
    end as same_period_output_value_yuan,
    ytd_yuan as ytd_output_value_yuan,
    ytd_base_yuan as ytd_same_period_output_value_yuan,
    month_figure as reported_output_value,
    ytd_figure as reported_ytd_output_value,
    reported_unit,
    submitted_at,
    data_origin,
    nullif(
        concat_ws(
            ',',
            case when has_full_width_digits then 'full_width_digits' end,
            case when is_other_system_different then 'systems_disagree' end,
            case when is_total_not_the_sum then 'ytd_not_sum_of_months' end
        ),
        ''
    ) as issue_codes
from paired
