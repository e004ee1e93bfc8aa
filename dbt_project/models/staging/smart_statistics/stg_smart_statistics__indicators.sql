select
    indicator_id,
    indicator_code,
    indicator_name,
    unit as unit_name,
    definition_version,
    definition,
    valid_to as definition_valid_to,
    data_origin,
    _source_uri,
    _row_number
from {{ source('smart_statistics', 'smart_statistics__indicators') }}
