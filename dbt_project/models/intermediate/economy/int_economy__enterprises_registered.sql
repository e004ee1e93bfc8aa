-- The register of enterprises with one spelling of codes and names, and our own id: the organisation code inside the
-- unified credit code (GB 32100-2015), which both statistics systems can be matched to without guessing.
with tidied as (
    select
        *,
        {{ normalised_code('unified_credit_code') }} as credit_code,
        btrim(enterprise_name, E' \t\r\n\u3000\u00a0') as tidy_name
    from {{ ref('stg_data_middle_platform__enterprises') }}
),

ranked as (
    select
        *,
        substr(credit_code, 9, 9) as organisation_code,
        row_number() over (partition by credit_code order by updated_at desc, record_id) as recency
    from tidied
)

select
    ranked.record_id,
    case when length(ranked.credit_code) = 18 then 'E-' || ranked.organisation_code end as enterprise_id,
    ranked.tidy_name as enterprise_name,
    ranked.credit_code as unified_credit_code,
    ranked.organisation_code,
    ranked.zone_id,
    zones.zone_name,
    case when ranked.coordinate_system = 'WGS-84' then ranked.longitude end as longitude,
    case when ranked.coordinate_system = 'WGS-84' then ranked.latitude end as latitude,
    ranked.industry_code,
    ranked.industry_name,
    coalesce(sections.is_industrial, false) as is_industrial,
    ranked.main_products,
    ranked.registration_class_code,
    ranked.registration_class_name,
    ranked.established_date,
    ranked.registered_capital_yuan,
    ranked.staff_count,
    ranked.land_area_m2,
    ranked.business_status,
    ranked.updated_at,
    ranked.data_origin,
    case
        when coalesce(length(ranked.credit_code), 0) <> 18 then 'credit_code_unusable'
        when ranked.recency > 1 then 'credit_code_repeated'
        when coalesce(ranked.coordinate_system, '') <> 'WGS-84' then 'coordinate_system_unknown'
    end as issue_code
from ranked
left join {{ ref('ref_zones') }} as zones on ranked.zone_id = zones.zone_id
left join {{ ref('std_industry_sections') }} as sections
    on
        case when ranked.industry_code ~ '^\d{4}$' then cast(left(ranked.industry_code, 2) as integer) end
        between sections.division_low and sections.division_high
        and {{ in_force('sections', 'cast(' ~ park_now() ~ ' as date)') }}
