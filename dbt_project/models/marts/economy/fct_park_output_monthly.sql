{{ config(indexes=[{'columns': ['statistical_month'], 'unique': true}]) }}
-- The park's total of each month. Growth is comparable (statistics reference 2.2): this year's enterprises against the
-- base they report themselves. Nominal growth, one published total over another, is kept apart and named so.
with totals as (
    select
        statistical_month,
        max(months_covered) as months_covered,
        count(*) filter (where is_expected) as expected_enterprise_count,
        count(*) filter (where is_reported) as reported_enterprise_count,
        bool_and(is_reported) filter (where is_expected) as is_complete,
        sum(output_value_yuan) as output_value_yuan,
        sum(same_period_output_value_yuan) as same_period_output_value_yuan,
        sum(output_value_yuan) filter (where same_period_output_value_yuan is not null) as comparable_yuan,
        sum(same_period_output_value_yuan) filter (where output_value_yuan is not null) as comparable_base_yuan,
        sum(ytd_output_value_yuan) as ytd_output_value_yuan,
        sum(ytd_same_period_output_value_yuan) as ytd_same_period_output_value_yuan,
        sum(ytd_output_value_yuan) filter (where ytd_same_period_output_value_yuan is not null)
            as ytd_comparable_yuan,
        sum(ytd_same_period_output_value_yuan) filter (where ytd_output_value_yuan is not null)
            as ytd_comparable_base_yuan,
        max(submitted_at) as latest_submitted_at,
        max(data_origin) as data_origin
    from {{ ref('fct_reported_output_monthly') }}
    group by statistical_month
)

select
    totals.statistical_month,
    totals.months_covered,
    cast(totals.expected_enterprise_count as integer) as expected_enterprise_count,
    cast(totals.reported_enterprise_count as integer) as reported_enterprise_count,
    coalesce(totals.is_complete, false) as is_complete,
    cast(totals.output_value_yuan as numeric(20, 2)) as output_value_yuan,
    cast(totals.same_period_output_value_yuan as numeric(20, 2)) as same_period_output_value_yuan,
    {{ yoy_percent('totals.comparable_yuan', 'totals.comparable_base_yuan') }} as comparable_yoy_pct,
    {{ yoy_reason('totals.comparable_yuan', 'totals.comparable_base_yuan') }} as comparable_yoy_reason_code,
    cast(totals.ytd_output_value_yuan as numeric(20, 2)) as ytd_output_value_yuan,
    cast(totals.ytd_same_period_output_value_yuan as numeric(20, 2)) as ytd_same_period_output_value_yuan,
    {{ yoy_percent('totals.ytd_comparable_yuan', 'totals.ytd_comparable_base_yuan') }} as ytd_comparable_yoy_pct,
    {{ yoy_reason('totals.ytd_comparable_yuan', 'totals.ytd_comparable_base_yuan') }}
        as ytd_comparable_yoy_reason_code,
    case
        when totals.is_complete and a_year_before.is_complete
            then {{ yoy_percent('totals.ytd_output_value_yuan', 'a_year_before.ytd_output_value_yuan') }}
    end as ytd_nominal_yoy_pct,
    totals.latest_submitted_at,
    totals.data_origin
from totals
left join totals as a_year_before
    on a_year_before.statistical_month = totals.statistical_month - interval '12 months'
