{{ config(indexes=[{'columns': ['enterprise_id', 'statistical_month'], 'unique': true}, {'columns': ['statistical_month']}]) }}
-- A month that is expected and has no usable figure keeps its row: missing is shown as missing.
with spine as (
    select enterprise_id, statistical_month from {{ ref('int_economy__outputs_expected') }}
    union
    select enterprise_id, statistical_month from {{ ref('int_economy__outputs_selected') }}
)

select
    spine.enterprise_id,
    enterprises.enterprise_name,
    enterprises.zone_id,
    enterprises.zone_name,
    enterprises.industry_code,
    enterprises.industry_name,
    spine.statistical_month,
    case when extract(month from spine.statistical_month) = 2 then 2 else 1 end as months_covered,
    expected.enterprise_id is not null as is_expected,
    selected.enterprise_id is not null as is_reported,
    cast(selected.output_value_yuan as numeric(20, 2)) as output_value_yuan,
    cast(selected.same_period_output_value_yuan as numeric(20, 2)) as same_period_output_value_yuan,
    {{ yoy_percent('selected.output_value_yuan', 'selected.same_period_output_value_yuan') }} as yoy_pct,
    {{ yoy_reason('selected.output_value_yuan', 'selected.same_period_output_value_yuan') }} as yoy_reason_code,
    cast(selected.ytd_output_value_yuan as numeric(20, 2)) as ytd_output_value_yuan,
    cast(selected.ytd_same_period_output_value_yuan as numeric(20, 2)) as ytd_same_period_output_value_yuan,
    {{ yoy_percent('selected.ytd_output_value_yuan', 'selected.ytd_same_period_output_value_yuan') }} as ytd_yoy_pct,
    {{ yoy_reason('selected.ytd_output_value_yuan', 'selected.ytd_same_period_output_value_yuan') }}
        as ytd_yoy_reason_code,
    selected.output_value_basis,
    cast(selected.reported_output_value as numeric(20, 4)) as reported_output_value,
    cast(selected.reported_ytd_output_value as numeric(20, 4)) as reported_ytd_output_value,
    selected.reported_unit,
    selected.source_system,
    selected.record_id as source_record_id,
    selected.submitted_at,
    selected.issue_codes,
    greatest(selected.data_origin, enterprises.data_origin) as data_origin
from spine
inner join {{ ref('int_economy__enterprises_registered') }} as enterprises
    on spine.enterprise_id = enterprises.enterprise_id
    and coalesce(enterprises.issue_code, '') <> 'credit_code_repeated'
left join {{ ref('int_economy__outputs_expected') }} as expected
    on spine.enterprise_id = expected.enterprise_id and spine.statistical_month = expected.statistical_month
left join {{ ref('int_economy__outputs_selected') }} as selected
    on spine.enterprise_id = selected.enterprise_id and spine.statistical_month = selected.statistical_month
