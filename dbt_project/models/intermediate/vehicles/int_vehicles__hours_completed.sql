-- Of an hour that has not ended, only what has passed can be silent.
with passed as (
    select
        *,
        least(greatest(extract(epoch from {{ park_now() }} - measured_at) / 60.0, 0), 60) as minutes_passed
    from {{ ref('stg_vehicles__hours') }}
)

select
    passed.*,
    cast(greatest(passed.minutes_passed - passed.minutes_moving - passed.minutes_stopped, 0) as double precision)
        as minutes_silent
from passed
