{{ config(indexes=[{'columns': ['space_id'], 'unique': true}, {'columns': ['parent_space_id']}]) }}
with paths as (
    select
        ancestors.space_id,
        string_agg(spaces.subject_id, '/' order by ancestors.levels_up desc) as space_path,
        string_agg(spaces.space_name, ' / ' order by ancestors.levels_up desc) as space_path_name,
        max(ancestors.levels_up) as depth,
        max(spaces.subject_id) filter (where spaces.space_level = 'zone') as zone_id,
        max(spaces.space_name) filter (where spaces.space_level = 'zone') as zone_name,
        max(spaces.subject_id) filter (where spaces.space_level = 'grid') as grid_id,
        max(spaces.subject_id) filter (where spaces.space_level = 'enterprise') as enterprise_id
    from {{ ref('int_spaces__ancestors_found') }} as ancestors
    inner join {{ ref('int_spaces__spaces_built') }} as spaces on ancestors.ancestor_space_id = spaces.space_id
    group by ancestors.space_id
)

select
    spaces.space_id,
    spaces.space_level,
    levels.space_level_name,
    cast(levels.level_number as integer) as level_number,
    spaces.subject_id,
    spaces.space_name,
    spaces.parent_space_id,
    paths.space_path,
    paths.space_path_name,
    cast(paths.depth as integer) as depth,
    paths.zone_id,
    paths.zone_name,
    paths.grid_id,
    paths.enterprise_id,
    cast(spaces.longitude as double precision) as longitude,
    cast(spaces.latitude as double precision) as latitude,
    spaces.source_mark
from {{ ref('int_spaces__spaces_built') }} as spaces
inner join paths on spaces.space_id = paths.space_id
inner join {{ ref('ref_space_levels') }} as levels
    on spaces.space_level = levels.space_level and {{ in_force('levels', park_today()) }}
