-- Both systems' figures of gross output as submitted, in yuan, with the submission that counts for each unit and month.
with both_systems as (
    select * from {{ ref('int_economy__output_reports_cleaned') }}
    union all
    select * from {{ ref('int_economy__output_values_cleaned') }}
)

select
    *,
    coalesce(enterprise_id, reporting_code) as subject_id,
    month_figure * factor_to_yuan as month_yuan,
    ytd_figure * factor_to_yuan as ytd_yuan,
    base_figure * factor_to_yuan as base_yuan,
    ytd_base_figure * factor_to_yuan as ytd_base_yuan,
    row_number() over (
        partition by source_system, coalesce(enterprise_id, reporting_code), statistical_month
        order by submitted_at desc, record_id desc
    ) as recency,
    lead(month_figure) over submissions is not distinct from month_figure
    and lead(ytd_figure) over submissions is not distinct from ytd_figure
    and lead(base_figure) over submissions is not distinct from base_figure
    and lead(ytd_base_figure) over submissions is not distinct from ytd_base_figure as is_same_as_next
from both_systems
window submissions as (
    partition by source_system, coalesce(enterprise_id, reporting_code), statistical_month
    order by submitted_at, record_id
)
