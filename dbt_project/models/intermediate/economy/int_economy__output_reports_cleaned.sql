-- Forms B204-1 of the older system: numbers read, thousand yuan to yuan, the unit matched by its organisation code.
with figures as (
    select
        *,
        {{ normalised_code('organisation_code') }} as reporting_code,
        {{ reported_number('reported_output_value') }} as month_figure,
        {{ reported_number('reported_ytd_output_value') }} as ytd_figure,
        {{ reported_number('reported_same_period_output_value') }} as base_figure,
        {{ reported_number('reported_same_period_ytd_output_value') }} as ytd_base_figure,
        {{ is_unreadable_number('reported_output_value') }}
        or {{ is_unreadable_number('reported_ytd_output_value') }}
        or {{ is_unreadable_number('reported_same_period_output_value') }}
        or {{ is_unreadable_number('reported_same_period_ytd_output_value') }} as has_unreadable_number,
        concat_ws(
            '', reported_output_value, reported_ytd_output_value, reported_same_period_output_value,
            reported_same_period_ytd_output_value
        ) ~ '[０-９]' as has_full_width_digits
    from {{ ref('stg_economic_information__output_reports') }}
)

select
    'economic_information' as source_system,
    figures.record_id,
    figures.reporting_code,
    enterprises.enterprise_id,
    figures.statistical_month,
    figures.unit_name as reported_unit,
    units.factor_to_yuan,
    figures.month_figure,
    figures.ytd_figure,
    figures.base_figure,
    figures.ytd_base_figure,
    figures.has_unreadable_number,
    figures.has_full_width_digits,
    figures.submitted_at,
    figures.data_origin,
    figures._source_uri,
    figures._row_number
from figures
left join {{ ref('int_economy__enterprises_registered') }} as enterprises
    on figures.reporting_code = enterprises.organisation_code and enterprises.enterprise_id is not null
    and coalesce(enterprises.issue_code, '') <> 'credit_code_repeated'
left join {{ ref('ref_money_units') }} as units
    on btrim(figures.unit_name) = units.unit_name and {{ in_force('units', 'figures.statistical_month') }}
