{{ config(materialized='table') }}
-- The hours for which the index is computed: those of the window up to the newest hour the telemetry has reached.
-- Without telemetry it is the last full hour: an index of what is left is still an index, of little confidence.
with newest as (
    select coalesce(
        max(measured_at), date_trunc('hour', {{ park_now() }}) - interval '1 hour'
    ) as last_hour_at
    from {{ ref('stg_telemetry__point_hours') }}
    where measured_at <= {{ park_now() }}
),

parameters as (
    select index_window_h from {{ ref('int_risk__parameters_pivoted') }} as spans
    where {{ in_force('spans', park_today()) }}
)

select
    hours.measured_at,
    cast(hours.measured_at at time zone 'Asia/Shanghai' as date) as business_date,
    cast(extract(hour from hours.measured_at at time zone 'Asia/Shanghai') as integer) as hour_of_day,
    extract(isodow from hours.measured_at at time zone 'Asia/Shanghai') >= 6 as is_rest_day
from newest
cross join parameters
cross join lateral generate_series(
    newest.last_hour_at - (parameters.index_window_h - 1) * interval '1 hour',
    newest.last_hour_at,
    interval '1 hour'
) as hours (measured_at)
