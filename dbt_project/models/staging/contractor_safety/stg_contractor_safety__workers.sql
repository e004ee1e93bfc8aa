select
    worker_id,
    contractor_id,
    id_no_is_valid as is_id_number_valid,
    job_type,
    entry_card_no,
    health_check_expiry as health_check_expiry_date,
    insurance_expiry as insurance_expiry_date,
    points_balance,
    status,
    update_time as updated_at,
    data_origin,
    _source_uri,
    _row_number
from {{ source('contractor_safety', 'contractor_safety__workers') }}
