-- The least index of a subject while a warning stands on it. Warnings are not connected yet, so there is none; whoever
-- connects them replaces the empty list, and the rows of the rule do the rest.
with warnings as (
    select
        cast(null as text) as subject_id,
        cast(null as timestamptz) as active_from_at,
        cast(null as timestamptz) as active_to_at,
        cast(null as text) as warning_grade_code
    where false
)

select
    warnings.subject_id,
    warnings.active_from_at,
    warnings.active_to_at,
    warnings.warning_grade_code,
    floors.index_floor
from warnings
inner join {{ ref('rule_warning_floors') }} as floors
    on
        warnings.warning_grade_code = floors.warning_grade_code
        and {{ in_force('floors', "cast(warnings.active_from_at at time zone 'Asia/Shanghai' as date)") }}
