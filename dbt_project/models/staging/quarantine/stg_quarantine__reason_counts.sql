select
    source as source_code,
    source_title as source_name,
    stream as stream_code,
    stream_title as stream_name,
    reason_code,
    reason,
    remedy as way_back,
    rows_waiting,
    deliveries_waiting,
    first_loaded_at,
    last_loaded_at,
    example_uri,
    example_row_number,
    example_finding
from {{ source('quarantine', 'quarantine__reason_counts') }}
