select
    record_id,
    device_name,
    device_kind,
    factor_code,
    unit,
    upper_limit,
    uscc as unified_credit_code,
    zone_id,
    longitude,
    latitude,
    installed_on as installed_date,
    device_status,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__monitoring_devices') }}
