select
    record_id,
    uscc as unified_credit_code,
    state_date,
    overdue_major_dangers as overdue_major_danger_count,
    overdue_general_dangers as overdue_general_danger_count,
    is_commitment_published,
    guarantor_duty_rate,
    operating_state as operating_state_code,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__management_states') }}
