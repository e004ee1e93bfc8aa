select
    source_code,
    source_name,
    stream_code,
    stream_name,
    reason_code,
    reason,
    way_back,
    rows_waiting,
    deliveries_waiting,
    first_loaded_at,
    last_loaded_at,
    waiting_days,
    urgency_rank,
    example_uri,
    example_row_number,
    example_finding
from {{ ref('int_quality__reasons_aged') }}
