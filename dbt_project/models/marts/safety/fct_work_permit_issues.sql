select
    permit_no,
    issue_code,
    permit_kind_code,
    permit_grade,
    cast(contractor_id as text) as contractor_id,
    unified_credit_code,
    zone_id,
    issued_at,
    planned_start_at,
    planned_end_at,
    cast(planned_hours as numeric(12, 2)) as planned_hours,
    cast(longest_hours as integer) as longest_hours,
    standard_code,
    clause,
    permit_status,
    data_origin
from {{ ref('int_safety__permits_judged') }}
where issue_code is not null
