-- What waits in quarantine, with the days since the first of it was put aside, by the park's calendar, and its place in
-- the list: whole deliveries before rows, many before few. Loading goes by the clock of the machine, so where PARK_NOW
-- is set to an earlier day nothing has waited yet.
select
    *,
    greatest({{ park_today() }} - cast(first_loaded_at at time zone 'Asia/Shanghai' as date), 0) as waiting_days,
    row_number() over (order by deliveries_waiting, rows_waiting, source_code, stream_code, reason_code) as urgency_rank
from {{ ref('stg_quarantine__reason_counts') }}
