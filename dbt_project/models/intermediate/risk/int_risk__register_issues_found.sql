-- What is wrong with the register of hazards: one row per unit, substance and issue, however many days repeat it.
with stocks as (
    select
        cleaned.*,
        classified.is_class_unknown,
        classified.is_beta_missing
    from {{ ref('int_risk__inventories_cleaned') }} as cleaned
    left join {{ ref('int_risk__inventories_classified') }} as classified on cleaned.record_id = classified.record_id
),

stock_issues as (
    select
        stocks.record_id,
        stocks.hazard_unit_id,
        stocks.chemical_name,
        stocks.inventory_date as reported_date,
        issues.issue_code,
        stocks.blocking_issue_code is null as is_record_used,
        stocks.updated_at,
        stocks.data_origin
    from stocks
    cross join lateral (
        values
        (stocks.blocking_issue_code),
        (case when stocks.is_unit_converted then 'quantity_unit_converted' end),
        (case when stocks.is_stored_quantity_missing then 'stored_quantity_missing' end),
        (case when stocks.is_above_design then 'stored_above_design' end),
        (case when stocks.is_mixture_class_missing then 'mixture_class_missing' end),
        (case when stocks.is_class_unknown then 'hazard_class_unknown' end),
        (case when stocks.is_beta_missing then 'beta_factor_missing' end)
    ) as issues (issue_code)
    where issues.issue_code is not null
),

unit_issues as (
    select
        units.record_id,
        units.hazard_unit_id,
        cast(null as text) as chemical_name,
        units.filed_date as reported_date,
        issues.issue_code,
        true as is_record_used,
        units.updated_at,
        units.data_origin
    from {{ ref('int_risk__hazard_units_registered') }} as units
    cross join lateral (
        values
        (case when units.exposed_person_count is null then 'exposed_persons_missing' end),
        (case when units.missing_guarantor_roles is not null then 'guarantor_missing' end),
        (case when units.enterprise_id is null then 'owner_unknown' end),
        (case when units.longitude is null then 'position_unknown' end)
    ) as issues (issue_code)
    where issues.issue_code is not null
),

state_issues as (
    select
        record_id,
        cast(null as text) as hazard_unit_id,
        cast(null as text) as chemical_name,
        state_date as reported_date,
        'duty_rate_missing' as issue_code,
        true as is_record_used,
        updated_at,
        data_origin
    from {{ ref('stg_data_middle_platform__management_states') }}
    where guarantor_duty_rate is null
),

found as (
    select * from stock_issues
    union all
    select * from unit_issues
    union all
    select * from state_issues
)

select
    coalesce(found.hazard_unit_id, min(found.record_id)) as subject_id,
    found.hazard_unit_id,
    units.hazard_unit_name,
    units.enterprise_name,
    found.chemical_name,
    found.issue_code,
    bool_and(found.is_record_used) as is_record_used,
    count(*) as record_count,
    min(found.reported_date) as first_reported_date,
    max(found.reported_date) as last_reported_date,
    (array_agg(found.record_id order by found.updated_at desc, found.record_id desc))[1] as source_record_id,
    max(found.updated_at) as updated_at,
    max(found.data_origin) as data_origin
from found
left join {{ ref('int_risk__hazard_units_registered') }} as units on found.hazard_unit_id = units.hazard_unit_id
group by
    found.hazard_unit_id,
    case when found.hazard_unit_id is null then found.record_id end,
    units.hazard_unit_name,
    units.enterprise_name,
    found.chemical_name,
    found.issue_code
