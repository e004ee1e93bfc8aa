-- Risk colours with the names of the posts that answer for each, in the order in which the rule lists their codes.
with posts as (
    select
        grades.risk_colour_code,
        grades.valid_from,
        string_agg(roles.role_name, '、' order by listed.place) as responsible_roles
    from {{ ref('rule_risk_grades') }} as grades
    cross join lateral unnest(string_to_array(grades.responsible_roles, '、'))
    with ordinality as listed (role_code, place)
    inner join {{ ref('ref_roles') }} as roles
        on
            listed.role_code = roles.role_code
            and {{ in_force('roles', 'grades.valid_from') }}
    group by 1, 2
)

select
    grades.risk_colour_code,
    grades.risk_colour_name,
    grades.severity_rank,
    grades.index_low,
    grades.index_high,
    grades.reading_period_min,
    grades.patrol_frequency,
    grades.drone_frequency,
    grades.control_measures,
    posts.responsible_roles,
    grades.clause,
    grades.valid_from,
    grades.valid_to,
    grades.source_mark
from {{ ref('rule_risk_grades') }} as grades
left join posts
    on
        grades.risk_colour_code = posts.risk_colour_code
        and grades.valid_from = posts.valid_from
