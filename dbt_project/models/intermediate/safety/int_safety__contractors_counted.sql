-- Contractors with what their register of people says; people themselves stay out of it.
with workers as (
    select
        contractor_id,
        count(*) as worker_count,
        count(*) filter (where status = '在场') as workers_on_site_count,
        count(*) filter (where not is_id_number_valid) as workers_with_invalid_id_count,
        count(*) filter (
            where status = '在场'
                and health_check_expiry_date < cast({{ park_now() }} at time zone 'Asia/Shanghai' as date)
        ) as workers_on_site_with_expired_health_check_count
    from {{ ref('stg_contractor_safety__workers') }}
    group by contractor_id
)

select
    contractors.contractor_id,
    btrim(contractors.contractor_name, E' \t\r\n\u3000\u00a0') as contractor_name,
    {{ normalised_code('contractors.unified_credit_code') }} as unified_credit_code,
    contractors.contractor_type,
    contractors.safety_licence_no,
    contractors.licence_expiry_date,
    contractors.insurance_expiry_date,
    contractors.entry_status,
    contractors.admitted_date,
    contractors.updated_at,
    contractors.data_origin,
    coalesce(workers.worker_count, 0) as worker_count,
    coalesce(workers.workers_on_site_count, 0) as workers_on_site_count,
    coalesce(workers.workers_with_invalid_id_count, 0) as workers_with_invalid_id_count,
    coalesce(workers.workers_on_site_with_expired_health_check_count, 0)
        as workers_on_site_with_expired_health_check_count
from {{ ref('stg_contractor_safety__contractors') }} as contractors
left join workers on contractors.contractor_id = workers.contractor_id
