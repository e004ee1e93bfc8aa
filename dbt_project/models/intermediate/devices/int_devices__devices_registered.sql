-- Every measuring point that anybody knows of: those of the register, and those that send without being registered.
with register as (
    select * from {{ ref('stg_data_middle_platform__monitoring_devices') }}
),

heard as (
    select distinct on (point_id)
        point_id,
        zone_id,
        unit,
        data_origin
    from {{ ref('stg_telemetry__point_days') }}
    where readings_received > 0
    order by point_id, business_date desc
)

select
    record_id as point_id,
    true as is_registered,
    device_name,
    device_kind,
    factor_code,
    vital_code,
    sensing_mode_code,
    unit,
    {{ normalised_code('unified_credit_code') }} as unified_credit_code,
    zone_id,
    longitude,
    latitude,
    installed_date,
    device_status,
    maker,
    model,
    gateway_id,
    object_id,
    object_name,
    object_kind,
    range_low,
    range_high,
    operating_low,
    operating_high,
    period_s,
    accuracy,
    redundancy_group,
    verified_date,
    alarm_low_low,
    alarm_low,
    alarm_high,
    alarm_high_high,
    updated_at,
    data_origin
from register
union all
select
    heard.point_id,
    false as is_registered,
    heard.point_id as device_name,
    null as device_kind,
    null as factor_code,
    null as vital_code,
    null as sensing_mode_code,
    heard.unit,
    null as unified_credit_code,
    heard.zone_id,
    null as longitude,
    null as latitude,
    null as installed_date,
    null as device_status,
    null as maker,
    null as model,
    null as gateway_id,
    null as object_id,
    null as object_name,
    null as object_kind,
    null as range_low,
    null as range_high,
    null as operating_low,
    null as operating_high,
    null as period_s,
    null as accuracy,
    null as redundancy_group,
    null as verified_date,
    null as alarm_low_low,
    null as alarm_low,
    null as alarm_high,
    null as alarm_high_high,
    null as updated_at,
    heard.data_origin
from heard
left join register on heard.point_id = register.record_id
where register.record_id is null
