{{ config(materialized='table') }}
-- Every reported stock in tonnes, with the chemical it is and what is wrong with it. Nothing is altered in silence: a
-- row with a blocking issue does not count and makes its unit's assessment incomplete; a remark stands beside a row
-- that does.
with tidied as (
    select
        records.*,
        btrim(records.chemical_name, E' \t\r\n\u3000\u00a0') as tidy_name,
        nullif(btrim(records.cas_no), '') as tidy_cas_no,
        nullif(btrim(records.reported_classes), '') as tidy_classes,
        cast(conversions.factor as numeric) as tonnes_per_unit
    from {{ ref('stg_data_middle_platform__hazard_inventories') }} as records
    left join {{ ref('ref_unit_conversions') }} as conversions
        on
            records.quantity_unit = conversions.source_unit
            and conversions.canonical_unit = 't'
            and {{ in_force('conversions', 'records.inventory_date') }}
),

matched as (
    select
        tidied.*,
        chemicals.chemical_code,
        coalesce(chemicals.chemical_code, tidied.tidy_cas_no, tidied.tidy_name) as substance_key
    from tidied
    left join {{ ref('ref_chemicals') }} as chemicals
        on
            {{ in_force('chemicals', 'tidied.inventory_date') }}
            and (
                tidied.tidy_cas_no = chemicals.cas_no
                or (tidied.tidy_cas_no is null and tidied.tidy_name = chemicals.chemical_name)
            )
),

ranked as (
    select
        *,
        row_number() over (
            partition by
                hazard_unit_id, inventory_date, substance_key, coalesce(is_mixture, false), concentration_pct
            order by updated_at desc, record_id desc
        ) as recency
    from matched
)

select
    ranked.record_id,
    ranked.hazard_unit_id,
    ranked.inventory_date,
    ranked.tidy_name as chemical_name,
    ranked.tidy_cas_no as cas_no,
    ranked.chemical_code,
    coalesce(ranked.is_mixture, false) as is_mixture,
    ranked.concentration_pct,
    ranked.tidy_classes as reported_classes,
    ranked.reported_design_maximum,
    ranked.reported_stored_quantity,
    ranked.quantity_unit,
    cast(ranked.reported_design_maximum * ranked.tonnes_per_unit as numeric(18, 6)) as design_maximum_t,
    cast(ranked.reported_stored_quantity * ranked.tonnes_per_unit as numeric(18, 6)) as stored_quantity_t,
    ranked.updated_at,
    ranked.data_origin,
    case
        when ranked.recency > 1 then 'duplicate_submission'
        when units.hazard_unit_id is null then 'hazard_unit_unknown'
        when ranked.chemical_code is null and ranked.tidy_classes is null then 'chemical_unknown'
        when ranked.tonnes_per_unit is null then 'quantity_unit_unknown'
        when ranked.reported_design_maximum is null or ranked.reported_design_maximum < 0
            then 'design_quantity_missing'
    end as blocking_issue_code,
    ranked.tonnes_per_unit <> 1 as is_unit_converted,
    ranked.reported_stored_quantity is null as is_stored_quantity_missing,
    coalesce(ranked.reported_stored_quantity > ranked.reported_design_maximum, false) as is_above_design,
    coalesce(ranked.is_mixture, false) and ranked.tidy_classes is null as is_mixture_class_missing
from ranked
left join {{ ref('int_risk__hazard_units_registered') }} as units on ranked.hazard_unit_id = units.hazard_unit_id
