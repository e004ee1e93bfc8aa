-- One row per submission and issue.
with judged as (
    select * from {{ ref('int_economy__outputs_judged') }}
),

found as (
    select *, blocking_issue_code as issue_code, false as is_figure_used
    from judged
    where blocking_issue_code is not null
    union all
    select *, 'full_width_digits' as issue_code, blocking_issue_code is null as is_figure_used
    from judged
    where has_full_width_digits
    union all
    select *, 'systems_disagree' as issue_code, true as is_figure_used
    from judged
    where is_other_system_different
    union all
    select *, 'ytd_not_sum_of_months' as issue_code, true as is_figure_used
    from judged
    where is_total_not_the_sum
)

select
    source_system,
    record_id as source_record_id,
    issue_code,
    is_figure_used,
    statistical_month,
    reporting_code,
    enterprise_id,
    month_figure as reported_output_value,
    ytd_figure as reported_ytd_output_value,
    reported_unit,
    case
        when issue_code = 'unit_slip' then coalesce(ratio_to_typical_level, ratio_to_other_system)
        when issue_code = 'february_not_cumulative' then coalesce(ratio_to_implied_total, ratio_to_other_system)
        when issue_code = 'systems_disagree' then ratio_to_other_system
    end as compared_ratio,
    submitted_at,
    _source_uri as source_file,
    _row_number as source_row_number,
    data_origin
from found
