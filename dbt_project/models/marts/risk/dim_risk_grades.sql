select
    risk_colour_code,
    risk_colour_name,
    severity_rank,
    cast(index_low as numeric(6, 2)) as index_low,
    cast(index_high as numeric(6, 2)) as index_high,
    reading_period_min,
    patrol_frequency,
    drone_frequency,
    control_measures,
    responsible_roles,
    clause,
    valid_from,
    source_mark
from {{ ref('int_risk__grades_named') }} as grades
where {{ in_force('grades', park_today()) }}
