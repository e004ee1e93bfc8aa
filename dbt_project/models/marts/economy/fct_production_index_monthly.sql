{{ config(indexes=[{'columns': ['sector_code', 'statistical_month', 'is_seasonally_adjusted'], 'unique': true}]) }}
select
    current_month.sector_code,
    current_month.sector_name,
    current_month.statistical_month,
    current_month.is_seasonally_adjusted,
    cast(current_month.index_value as numeric(14, 4)) as index_value,
    {{ yoy_percent('current_month.index_value', 'a_year_before.index_value') }} as yoy_pct,
    {{ yoy_reason('current_month.index_value', 'a_year_before.index_value') }} as yoy_reason_code,
    current_month.updated_at,
    current_month.data_origin
from {{ ref('int_economy__production_indices_known') }} as current_month
left join {{ ref('int_economy__production_indices_known') }} as a_year_before
    on current_month.sector_code = a_year_before.sector_code
    and current_month.is_seasonally_adjusted = a_year_before.is_seasonally_adjusted
    and a_year_before.statistical_month = current_month.statistical_month - interval '12 months'
