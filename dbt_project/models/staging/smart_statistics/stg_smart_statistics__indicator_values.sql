select
    cast(id as text) as record_id,
    indicator_id,
    company_id,
    cast(to_date(period, 'YYYY-MM') as date) as statistical_month,
    value as reported_month_value,
    cum_value as reported_ytd_value,
    same_period_value as reported_same_period_value,
    same_period_cum_value as reported_same_period_ytd_value,
    unit as unit_name,
    submit_time as submitted_at,
    data_origin,
    _source_uri,
    _row_number
from {{ source('smart_statistics', 'smart_statistics__indicator_values') }}
