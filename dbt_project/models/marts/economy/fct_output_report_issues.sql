{{ config(indexes=[{'columns': ['source_system', 'source_record_id', 'issue_code'], 'unique': true}]) }}
-- The counted place of everything that was found wrong with reported output: what was not used and why, and what was
-- used with a remark.
select
    issues.source_system,
    issues.source_record_id,
    issues.issue_code,
    issues.is_figure_used,
    issues.statistical_month,
    issues.reporting_code,
    issues.enterprise_id,
    cast(issues.reported_output_value as numeric(20, 4)) as reported_output_value,
    cast(issues.reported_ytd_output_value as numeric(20, 4)) as reported_ytd_output_value,
    issues.reported_unit,
    cast(issues.compared_ratio as numeric(20, 6)) as compared_ratio,
    issues.submitted_at,
    issues.source_file,
    issues.source_row_number,
    issues.data_origin
from {{ ref('int_economy__output_issues_found') }} as issues
