{{
    config(
        indexes=[
            {'columns': ['business_date']},
            {'columns': ['area_kind_code', 'area_id', 'measured_at'], 'unique': true}
        ]
    )
}}
select
    area_kind_code,
    area_id,
    area_name,
    measured_at,
    business_date,
    risk_index,
    dynamic_risk,
    risk_colour_code,
    index_change,
    trend_code,
    confidence,
    is_confidence_low,
    cast(member_count as integer) as member_count,
    data_origin
from {{ ref('int_risk__areas_graded') }}
