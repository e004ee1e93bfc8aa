-- Permits against the longest validity in force when they were issued (GB 30871-2022).
select
    permits.permit_no,
    permits.permit_kind_code,
    permits.permit_grade,
    permits.contractor_id,
    {{ normalised_code('permits.unified_credit_code') }} as unified_credit_code,
    permits.zone_id,
    permits.issued_at,
    permits.planned_start_at,
    permits.planned_end_at,
    extract(epoch from permits.planned_end_at - permits.planned_start_at) / 3600 as planned_hours,
    limits.longest_hours,
    limits.standard_code,
    limits.clause,
    permits.permit_status,
    permits.data_origin,
    case
        when permits.planned_start_at is null or permits.planned_end_at is null then 'permit_time_missing'
        when permits.planned_end_at < permits.planned_start_at then 'permit_ends_before_start'
        when permits.planned_end_at - permits.planned_start_at > make_interval(hours => limits.longest_hours)
            then 'permit_too_long'
        when limits.longest_hours is null then 'permit_kind_unknown'
    end as issue_code
from {{ ref('stg_contractor_safety__work_permits') }} as permits
left join {{ ref('std_special_work_permits') }} as limits
    on permits.permit_kind_code = limits.permit_kind_code
    and (limits.permit_grade is null or limits.permit_grade = permits.permit_grade)
    and {{ in_force('limits', "cast(permits.issued_at at time zone 'Asia/Shanghai' as date)") }}
