{{ config(indexes=[{'columns': ['space_id'], 'unique': true}, {'columns': ['space_level']}]) }}
-- A space speaks for everything below it.
with below as (
    select
        ancestors.ancestor_space_id as space_id,
        spaces.space_level,
        devices.point_id,
        devices.vital_code,
        devices.is_in_service,
        devices.state_code,
        devices.recent_readings_expected,
        devices.recent_readings_received,
        devices.recent_readings_passed,
        devices.is_verification_overdue,
        devices.last_seen_at,
        devices.judged_at,
        devices.data_origin
    from {{ ref('dim_space_ancestors') }} as ancestors
    inner join {{ ref('dim_monitoring_spaces') }} as spaces on ancestors.space_id = spaces.space_id
    left join {{ ref('dim_devices') }} as devices
        on spaces.space_level = 'point' and spaces.subject_id = devices.point_id
),

counted as (
    select
        space_id,
        count(*) filter (where space_level = 'enterprise') as enterprise_count,
        count(*) filter (where space_level = 'object') as object_count,
        count(point_id) as point_count,
        count(distinct vital_code) as vital_count,
        count(*) filter (where is_in_service) as in_service_count,
        count(*) filter (where state_code in ('online', 'abnormal')) as online_count,
        count(*) filter (where state_code = 'abnormal') as abnormal_count,
        count(*) filter (where state_code = 'offline') as offline_count,
        count(*) filter (where state_code = 'long_offline') as long_offline_count,
        count(*) filter (where state_code = 'never_seen') as never_seen_count,
        count(*) filter (where is_verification_overdue) as verification_overdue_count,
        sum(recent_readings_expected) filter (where is_in_service) as recent_readings_expected,
        sum(recent_readings_received) filter (where is_in_service) as recent_readings_received,
        sum(recent_readings_passed) filter (where is_in_service) as recent_readings_passed,
        max(last_seen_at) as last_seen_at,
        max(judged_at) as judged_at,
        max(data_origin) as data_origin
    from below
    group by space_id
)

select
    spaces.space_id,
    spaces.space_level,
    spaces.space_level_name,
    spaces.level_number,
    spaces.subject_id,
    spaces.space_name,
    spaces.parent_space_id,
    spaces.space_path_name,
    spaces.zone_id,
    spaces.zone_name,
    cast(counted.enterprise_count as integer) as enterprise_count,
    cast(counted.object_count as integer) as object_count,
    cast(counted.point_count as integer) as point_count,
    cast(counted.vital_count as integer) as vital_count,
    cast(counted.in_service_count as integer) as in_service_count,
    cast(counted.online_count as integer) as online_count,
    cast(counted.abnormal_count as integer) as abnormal_count,
    cast(counted.offline_count as integer) as offline_count,
    cast(counted.long_offline_count as integer) as long_offline_count,
    cast(counted.never_seen_count as integer) as never_seen_count,
    cast(counted.verification_overdue_count as integer) as verification_overdue_count,
    cast(counted.online_count / nullif(cast(counted.in_service_count as numeric), 0) as double precision)
        as online_rate,
    cast(counted.recent_readings_received / nullif(counted.recent_readings_expected, 0) as double precision)
        as delivery_rate,
    cast(counted.recent_readings_passed / nullif(counted.recent_readings_expected, 0) as double precision)
        as valid_rate,
    counted.last_seen_at,
    counted.judged_at,
    counted.data_origin
from {{ ref('dim_monitoring_spaces') }} as spaces
inner join counted on spaces.space_id = counted.space_id
