select
    subject_id as issue_subject_id,
    coalesce(chemical_name, '—') as chemical_name,
    issue_code,
    hazard_unit_id,
    hazard_unit_name,
    enterprise_name,
    is_record_used,
    cast(record_count as integer) as record_count,
    first_reported_date,
    last_reported_date,
    source_record_id,
    updated_at,
    data_origin
from {{ ref('int_risk__register_issues_found') }}
