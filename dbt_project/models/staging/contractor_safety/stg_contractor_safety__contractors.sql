select
    contractor_id,
    contractor_name,
    uscc as unified_credit_code,
    contractor_type,
    safety_licence_no,
    licence_expiry as licence_expiry_date,
    insurance_expiry as insurance_expiry_date,
    entry_status,
    admitted_at as admitted_date,
    update_time as updated_at,
    data_origin,
    _source_uri,
    _row_number
from {{ source('contractor_safety', 'contractor_safety__contractors') }}
