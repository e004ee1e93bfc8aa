select
    cast(contractor_id as text) as contractor_id,
    contractor_name,
    unified_credit_code,
    unified_credit_code is not null and length(unified_credit_code) = 18 as has_credit_code,
    contractor_type,
    safety_licence_no,
    licence_expiry_date,
    coalesce(licence_expiry_date < cast({{ park_now() }} at time zone 'Asia/Shanghai' as date), true)
        as is_licence_expired,
    insurance_expiry_date,
    coalesce(insurance_expiry_date < cast({{ park_now() }} at time zone 'Asia/Shanghai' as date), true)
        as is_insurance_expired,
    entry_status,
    admitted_date,
    cast(worker_count as integer) as worker_count,
    cast(workers_on_site_count as integer) as workers_on_site_count,
    cast(workers_with_invalid_id_count as integer) as workers_with_invalid_id_count,
    cast(workers_on_site_with_expired_health_check_count as integer) as workers_on_site_with_expired_health_check_count,
    updated_at,
    data_origin
from {{ ref('int_safety__contractors_counted') }}
