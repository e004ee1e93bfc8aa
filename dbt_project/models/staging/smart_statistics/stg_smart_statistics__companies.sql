select
    company_id,
    uscc as unified_credit_code,
    company_name,
    industry_code,
    registration_class as registration_class_code,
    zone_id,
    staff_count,
    land_area_m2,
    status,
    data_origin,
    _source_uri,
    _row_number
from {{ source('smart_statistics', 'smart_statistics__companies') }}
