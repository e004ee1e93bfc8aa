-- One figure for each enterprise and month: of the systems whose figure is usable, the one that comes first in the rule
-- in force.
with ranked as (
    select
        derived.*,
        row_number() over (
            partition by derived.enterprise_id, derived.statistical_month order by sources.priority
        ) as choice
    from {{ ref('int_economy__outputs_derived') }} as derived
    inner join {{ ref('rule_output_sources') }} as sources
        on derived.source_system = sources.source_system and {{ in_force('sources', 'derived.statistical_month') }}
)

select * from ranked where choice = 1
