select
    record_id,
    sector as sector_code,
    sector_name,
    cast(to_date(period, 'YYYYMM') as date) as statistical_month,
    index_value,
    is_seasonally_adjusted,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__production_index') }}
