-- A vital whose source is not connected stands in the catalogue as such; nothing is left out for want of data.
with states as (
    select
        vital_code,
        count(*) filter (where state_code in ('online', 'abnormal')) as online_count,
        count(last_seen_at) as seen_count,
        max(last_seen_at) as last_seen_at
    from {{ ref('dim_devices') }}
    where vital_code is not null
    group by vital_code
)

select
    vitals.vital_code,
    vitals.vital_name,
    vitals.vital_name_en,
    vitals.element_code,
    elements.element_name,
    vitals.sensing_mode_code,
    modes.sensing_mode_name,
    vitals.space_level,
    vitals.object_kind,
    kinds.object_kind_name,
    vitals.canonical_unit,
    cast(vitals.period_s as integer) as period_s,
    vitals.resample_method,
    cast(vitals.minimum_valid_share as double precision) as minimum_valid_share,
    vitals.owner_role_code,
    roles.role_name as owner_role_name,
    vitals.sharing_level,
    vitals.source_stream,
    case
        when vitals.source_stream is null then 'not_connected'
        when vitals.sensing_mode_code = 'IOT' and scores.point_count is null then 'no_points'
        when scores.point_count > 0 and states.seen_count = 0 then 'silent'
        else 'connected'
    end as connection_code,
    vitals.source_stream is not null as is_connected,
    cast(coalesce(scores.point_count, 0) as integer) as point_count,
    cast(coalesce(scores.in_service_count, 0) as integer) as in_service_count,
    cast(coalesce(states.online_count, 0) as integer) as online_count,
    limits.limits_summary,
    cast(coalesce(limits.unconverted_limit_count, 0) as integer) as unconverted_limit_count,
    cast(scores.completeness as double precision) as completeness_share,
    cast(scores.timeliness as double precision) as timeliness_share,
    cast(scores.validity as double precision) as validity_share,
    cast(scores.uniqueness as double precision) as uniqueness_share,
    cast(scores.metadata as double precision) as metadata_share,
    cast(scores.quality_score as double precision) as quality_score,
    cast(scores.quality_confidence as double precision) as quality_confidence,
    states.last_seen_at,
    vitals.clause,
    vitals.valid_from as valid_from_date,
    vitals.source_mark
from {{ ref('ref_vitals') }} as vitals
inner join {{ ref('ref_monitoring_elements') }} as elements on vitals.element_code = elements.element_code
inner join {{ ref('ref_sensing_modes') }} as modes on vitals.sensing_mode_code = modes.sensing_mode_code
inner join {{ ref('ref_object_kinds') }} as kinds on vitals.object_kind = kinds.object_kind
inner join {{ ref('ref_roles') }} as roles on vitals.owner_role_code = roles.role_code
left join {{ ref('int_catalogue__vitals_scored') }} as scores on vitals.vital_code = scores.vital_code
left join {{ ref('int_catalogue__limits_summed') }} as limits on vitals.vital_code = limits.vital_code
left join states on vitals.vital_code = states.vital_code
where {{ in_force('vitals', park_today()) }}
