{{ config(materialized='table', indexes=[{'columns': ['space_id']}, {'columns': ['ancestor_space_id']}]) }}
-- Every space with all spaces above it and with itself, and how many levels lie between them.
with recursive climbed as (
    select
        space_id,
        space_id as ancestor_space_id,
        parent_space_id,
        0 as levels_up
    from {{ ref('int_spaces__spaces_built') }}
    union all
    select
        climbed.space_id,
        above.space_id as ancestor_space_id,
        above.parent_space_id,
        climbed.levels_up + 1 as levels_up
    from climbed
    inner join {{ ref('int_spaces__spaces_built') }} as above on climbed.parent_space_id = above.space_id
)

select
    space_id,
    ancestor_space_id,
    levels_up
from climbed
