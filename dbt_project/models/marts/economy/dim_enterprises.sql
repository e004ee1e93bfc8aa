select
    enterprise_id,
    enterprise_name,
    unified_credit_code,
    zone_id,
    zone_name,
    longitude,
    latitude,
    industry_code,
    industry_name,
    is_industrial,
    main_products,
    registration_class_code,
    registration_class_name,
    established_date,
    cast(registered_capital_yuan as numeric(20, 2)) as registered_capital_yuan,
    cast(staff_count as integer) as staff_count,
    cast(land_area_m2 as numeric(16, 2)) as land_area_m2,
    business_status,
    updated_at,
    data_origin
from {{ ref('int_economy__enterprises_registered') }}
where enterprise_id is not null and coalesce(issue_code, '') <> 'credit_code_repeated'
