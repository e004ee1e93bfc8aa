-- Records of the register that could not be used, or not fully: no code to match by, a code used twice, no known datum.
select
    record_id as source_record_id,
    issue_code,
    enterprise_name,
    unified_credit_code,
    issue_code = 'coordinate_system_unknown' as is_record_used,
    updated_at,
    data_origin
from {{ ref('int_economy__enterprises_registered') }}
where issue_code is not null
