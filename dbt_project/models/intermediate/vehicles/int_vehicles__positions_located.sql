with ranked as (
    select
        *,
        row_number() over (partition by terminal_id_jt808 order by measured_at desc) as recency
    from {{ ref('stg_vehicles__positions') }}
    where is_usable and measured_at <= {{ park_now() }}
)

select
    ranked.*,
    zones.zone_name
from ranked
left join {{ ref('ref_zones') }} as zones on ranked.zone_id = zones.zone_id
where ranked.recency = 1
