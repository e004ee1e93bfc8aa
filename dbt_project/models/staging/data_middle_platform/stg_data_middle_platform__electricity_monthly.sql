select
    record_id,
    account_no,
    account_name,
    uscc as unified_credit_code,
    cast(to_date(period, 'YYYYMM') as date) as statistical_month,
    consumption_kwh,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__electricity_monthly') }}
