{{ config(indexes=[
    {'columns': ['space_id', 'ancestor_space_id'], 'unique': true},
    {'columns': ['ancestor_space_id']},
]) }}
select
    ancestors.space_id,
    spaces.space_level,
    ancestors.ancestor_space_id,
    above.space_level as ancestor_space_level,
    cast(ancestors.levels_up as integer) as levels_up
from {{ ref('int_spaces__ancestors_found') }} as ancestors
inner join {{ ref('dim_monitoring_spaces') }} as spaces on ancestors.space_id = spaces.space_id
inner join {{ ref('dim_monitoring_spaces') }} as above on ancestors.ancestor_space_id = above.space_id
