-- Areas with colour, and with the trend against the same hour of the day before.
select
    here.area_kind_code,
    here.area_id,
    here.area_name,
    here.measured_at,
    here.business_date,
    here.risk_index,
    here.dynamic_risk,
    here.confidence,
    here.is_confidence_low,
    here.member_count,
    grades.risk_colour_code,
    grades.severity_rank,
    here.data_origin,
    {{ rounded('here.risk_index - before.risk_index') }} as index_change,
    case
        when before.risk_index is null then null
        when here.risk_index - before.risk_index > parameters.trend_tolerance then 'rising'
        when before.risk_index - here.risk_index > parameters.trend_tolerance then 'falling'
        else 'level'
    end as trend_code
from {{ ref('int_risk__areas_aggregated') }} as here
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'here.business_date') }}
left join {{ ref('int_risk__areas_aggregated') }} as before
    on
        here.area_kind_code = before.area_kind_code
        and here.area_id = before.area_id
        and before.measured_at = here.measured_at - interval '1 day'
left join {{ ref('rule_risk_grades') }} as grades
    on
        here.risk_index >= coalesce(grades.index_low, here.risk_index)
        and (grades.index_high is null or here.risk_index < grades.index_high)
        and {{ in_force('grades', 'here.business_date') }}
