select
    record_id,
    taxpayer_id as unified_credit_code,
    cast(to_date(period, 'YYYYMM') as date) as statistical_month,
    vat_yuan,
    income_tax_yuan,
    other_tax_yuan,
    total_tax_yuan,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__tax_monthly') }}
