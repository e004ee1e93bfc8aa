-- Output of the newer system (indicator GOV): ten thousand yuan to yuan, the company matched by its credit code.
with companies as (
    select
        company_id,
        {{ normalised_code('unified_credit_code') }} as credit_code
    from {{ ref('stg_smart_statistics__companies') }}
),

output_indicators as (
    select distinct indicator_id
    from {{ ref('stg_smart_statistics__indicators') }}
    where indicator_code = 'GOV'
)

select
    'smart_statistics' as source_system,
    reported.record_id,
    coalesce(companies.credit_code, cast(reported.company_id as text)) as reporting_code,
    enterprises.enterprise_id,
    reported.statistical_month,
    reported.unit_name as reported_unit,
    units.factor_to_yuan,
    reported.reported_month_value as month_figure,
    reported.reported_ytd_value as ytd_figure,
    reported.reported_same_period_value as base_figure,
    reported.reported_same_period_ytd_value as ytd_base_figure,
    false as has_unreadable_number,
    false as has_full_width_digits,
    reported.submitted_at,
    reported.data_origin,
    reported._source_uri,
    reported._row_number
from {{ ref('stg_smart_statistics__indicator_values') }} as reported
inner join output_indicators on reported.indicator_id = output_indicators.indicator_id
left join companies on reported.company_id = companies.company_id
left join {{ ref('int_economy__enterprises_registered') }} as enterprises
    on companies.credit_code = enterprises.unified_credit_code and enterprises.enterprise_id is not null
    and coalesce(enterprises.issue_code, '') <> 'credit_code_repeated'
left join {{ ref('ref_money_units') }} as units
    on btrim(reported.unit_name) = units.unit_name and {{ in_force('units', 'reported.statistical_month') }}
