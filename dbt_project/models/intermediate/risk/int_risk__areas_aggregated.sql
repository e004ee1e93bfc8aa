{{ config(materialized='table', indexes=[{'columns': ['area_kind_code', 'area_id', 'measured_at'], 'unique': true}]) }}
-- From subjects to enterprises (largest + 0.2 mean of the others), grids and zones (fourth-power mean weighted by
-- land) and the park (fourth-power mean of enterprises). An enterprise of unknown land weighs as the mean of the
-- known.
{%- set enterprise_index %}
least(
    max(indices.risk_index)
    + max(indices.enterprise_others_share)
    * coalesce((sum(indices.risk_index) - max(indices.risk_index)) / nullif(count(*) - 1, 0), 0),
    100
)
{%- endset %}
with enterprises as (
    select
        enterprise_id,
        enterprise_name,
        zone_id,
        zone_name,
        cast(
            coalesce(land_area_m2, avg(land_area_m2) over (), 1) as double precision
        ) as area_weight
    from {{ ref('int_economy__enterprises_registered') }}
    where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
),

indices as (
    select
        indices.measured_at,
        indices.business_date,
        subjects.enterprise_id,
        subjects.grid_id,
        greatest(subjects.data_origin, telemetry.data_origin) as data_origin,
        indices.risk_index,
        indices.dynamic_risk,
        indices.confidence,
        parameters.enterprise_others_share,
        parameters.area_exponent,
        parameters.confidence_minimum
    from {{ ref('int_risk__indices_computed') }} as indices
    inner join {{ ref('int_risk__subjects_listed') }} as subjects on indices.subject_id = subjects.subject_id
    inner join {{ ref('int_risk__telemetry_terms_computed') }} as telemetry
        on indices.subject_id = telemetry.subject_id and indices.measured_at = telemetry.measured_at
    inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
        on {{ in_force('parameters', 'indices.business_date') }}
    where indices.risk_index is not null
),

by_enterprise as (
    select
        indices.measured_at,
        indices.business_date,
        indices.enterprise_id,
        max(indices.grid_id) as grid_id,
        {{ rounded(enterprise_index) }} as risk_index,
        max(indices.dynamic_risk) as dynamic_risk,
        {{ rounded('avg(indices.confidence)') }} as confidence,
        count(*) as subject_count,
        max(indices.data_origin) as data_origin,
        max(indices.area_exponent) as area_exponent,
        max(indices.confidence_minimum) as confidence_minimum
    from indices
    group by indices.measured_at, indices.business_date, indices.enterprise_id
),

members as (
    select
        by_enterprise.*,
        enterprises.enterprise_name,
        enterprises.zone_id,
        enterprises.zone_name,
        enterprises.area_weight
    from by_enterprise
    inner join enterprises on by_enterprise.enterprise_id = enterprises.enterprise_id
),

areas as (
    select
        'grid' as area_kind_code,
        grids.grid_id as area_id,
        grids.grid_name as area_name,
        members.area_weight,
        members.measured_at,
        members.business_date,
        members.risk_index,
        members.dynamic_risk,
        members.confidence,
        members.area_exponent,
        members.confidence_minimum,
        members.data_origin
    from members
    inner join {{ ref('ref_grids') }} as grids
        on members.grid_id = grids.grid_id and {{ in_force('grids', 'members.business_date') }}
    union all
    select
        'zone' as area_kind_code,
        zone_id as area_id,
        zone_name as area_name,
        area_weight,
        measured_at,
        business_date,
        risk_index,
        dynamic_risk,
        confidence,
        area_exponent,
        confidence_minimum,
        data_origin
    from members
    where zone_id is not null
    union all
    select
        'park' as area_kind_code,
        'PARK' as area_id,
        '全园' as area_name,
        1 as area_weight,
        measured_at,
        business_date,
        risk_index,
        dynamic_risk,
        confidence,
        area_exponent,
        confidence_minimum,
        data_origin
    from members
)

select
    'enterprise' as area_kind_code,
    enterprise_id as area_id,
    enterprise_name as area_name,
    measured_at,
    business_date,
    risk_index,
    dynamic_risk,
    confidence,
    confidence < confidence_minimum as is_confidence_low,
    subject_count as member_count,
    data_origin
from members
union all
select
    area_kind_code,
    area_id,
    area_name,
    measured_at,
    business_date,
    {{ power_mean('risk_index', 'area_weight', 'area_exponent') }} as risk_index,
    {{ power_mean('dynamic_risk', 'area_weight', 'area_exponent') }} as dynamic_risk,
    {{ rounded('sum(area_weight * confidence) / sum(area_weight)') }} as confidence,
    sum(area_weight * confidence) / sum(area_weight) < max(confidence_minimum) as is_confidence_low,
    count(*) as member_count,
    max(data_origin) as data_origin
from areas
group by area_kind_code, area_id, area_name, measured_at, business_date
