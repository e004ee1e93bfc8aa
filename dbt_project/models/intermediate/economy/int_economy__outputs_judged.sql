{{ config(materialized='table') }}
-- Every submission with what the audit rules in force say of it. Nothing is altered: a figure that breaks a blocking
-- rule is not used, and the issue is counted in fct_output_report_issues.
with submissions as (
    select
        *,
        -- The year's mean month: a level that does not jump with one month, and that February has, too.
        ytd_yuan / extract(month from statistical_month) as level_yuan
    from {{ ref('int_economy__outputs_unioned') }}
),

newest as (
    select * from submissions where recency = 1 and extract(month from statistical_month) > 1
),

typical_levels as (
    select
        each.source_system,
        each.record_id,
        cast(percentile_cont(0.5) within group (order by near.level_yuan) as numeric) as typical_level_yuan
    from newest as each
    inner join newest as near
        on each.source_system = near.source_system and each.subject_id = near.subject_id
        and near.statistical_month between each.statistical_month - interval '12 months'
        and each.statistical_month + interval '12 months'
    group by each.source_system, each.record_id
    having count(near.level_yuan) >= 3
),

compared as (
    select
        newest.source_system,
        newest.record_id,
        newest.level_yuan / nullif(typical_levels.typical_level_yuan, 0) as ratio_to_typical_level,
        newest.ytd_yuan / nullif(others.ytd_yuan, 0) as ratio_to_other_system,
        -- What March says that January and February were.
        newest.ytd_yuan / nullif(following.ytd_yuan - following.month_yuan, 0) as ratio_to_implied_total,
        previous.ytd_figure as previous_ytd_figure,
        previous.record_id as previous_record_id
    from newest
    left join typical_levels
        on newest.source_system = typical_levels.source_system and newest.record_id = typical_levels.record_id
    left join newest as others
        on newest.subject_id = others.subject_id and newest.statistical_month = others.statistical_month
        and newest.source_system <> others.source_system
    left join newest as following
        on newest.source_system = following.source_system and newest.subject_id = following.subject_id
        and extract(month from newest.statistical_month) = 2
        and following.statistical_month = newest.statistical_month + interval '1 month'
    left join newest as previous
        on newest.source_system = previous.source_system and newest.subject_id = previous.subject_id
        and extract(month from newest.statistical_month) > 2
        and previous.statistical_month = newest.statistical_month - interval '1 month'
),

rules as (
    select
        submissions.source_system,
        submissions.record_id,
        bool_or(
            audits.issue_code = 'unit_slip'
            and coalesce(compared.ratio_to_typical_level, compared.ratio_to_other_system)
            between audits.ratio_low and audits.ratio_high
        ) as looks_like_a_slip,
        bool_or(
            audits.issue_code = 'february_not_cumulative'
            and extract(month from submissions.statistical_month) = 2
            and coalesce(compared.ratio_to_implied_total, compared.ratio_to_other_system)
            between audits.ratio_low and audits.ratio_high
        ) as looks_like_one_month,
        bool_or(
            audits.issue_code = 'other_system_agrees'
            and compared.ratio_to_other_system between audits.ratio_low and audits.ratio_high
        ) as other_system_agrees,
        bool_or(
            audits.issue_code = 'same_figure'
            and compared.ratio_to_other_system between audits.ratio_low and audits.ratio_high
        ) as is_same_figure
    from submissions
    inner join compared
        on submissions.source_system = compared.source_system and submissions.record_id = compared.record_id
    inner join {{ ref('rule_output_audits') }} as audits
        on {{ in_force('audits', 'submissions.statistical_month') }}
    group by submissions.source_system, submissions.record_id
),

blocked as (
    select
        submissions.*,
        compared.ratio_to_typical_level,
        compared.ratio_to_other_system,
        compared.ratio_to_implied_total,
        compared.previous_record_id,
        compared.previous_ytd_figure,
        rules.is_same_figure,
        case
            when submissions.recency > 1 and submissions.is_same_as_next then 'duplicate_submission'
            when submissions.recency > 1 then 'corrected_submission'
            when extract(month from submissions.statistical_month) = 1 then 'january_reported'
            when submissions.enterprise_id is null then 'unknown_reporting_unit'
            when submissions.factor_to_yuan is null then 'unknown_money_unit'
            when submissions.has_unreadable_number then 'unreadable_number'
            when submissions.ytd_yuan is null then 'total_missing'
            when rules.looks_like_a_slip and not coalesce(rules.other_system_agrees, false) then 'unit_slip'
            when rules.looks_like_one_month and not coalesce(rules.other_system_agrees, false)
                then 'february_not_cumulative'
        end as blocking_issue_code
    from submissions
    left join compared
        on submissions.source_system = compared.source_system and submissions.record_id = compared.record_id
    left join rules
        on submissions.source_system = rules.source_system and submissions.record_id = rules.record_id
)

select
    blocked.*,
    case
        when blocked.blocking_issue_code is null and others.blocking_issue_code is null
            and blocked.ratio_to_other_system is not null
            then not coalesce(blocked.is_same_figure, false)
    end as is_other_system_different,
    case
        when blocked.blocking_issue_code is null and previous.record_id is not null
            and previous.blocking_issue_code is null
            then abs(blocked.previous_ytd_figure + blocked.month_figure - blocked.ytd_figure)
            > tolerances.tolerance_in_reported_units
    end as is_total_not_the_sum
from blocked
left join blocked as previous
    on blocked.source_system = previous.source_system and blocked.previous_record_id = previous.record_id
left join blocked as others
    on blocked.subject_id = others.subject_id and blocked.statistical_month = others.statistical_month
    and blocked.source_system <> others.source_system and blocked.recency = 1 and others.recency = 1
left join {{ ref('rule_year_to_date_tolerances') }} as tolerances
    on blocked.source_system = tolerances.source_system
    and {{ in_force('tolerances', 'blocked.statistical_month') }}
