{{ config(materialized='table') }}
-- Critical quantity and beta of every stock that counts, by the rows of GB 18218 in force on its day (4.1.2, 4.3.3).
-- A mixture of the pure substance's own class is counted whole as the substance; of another class, as a new substance.
-- Several classes: the smallest critical quantity holds. "无" says that the mixture belongs to no class of table 2.
with stocks as (
    select * from {{ ref('int_risk__inventories_cleaned') }}
    where blocking_issue_code is null
),

reported as (
    select
        stocks.record_id,
        array_agg(distinct upper(parts.part) order by upper(parts.part)) as hazard_class_codes
    from stocks
    cross join lateral regexp_split_to_table(stocks.reported_classes, '[,，、;；\s]+') as parts (part)
    where parts.part not in ('', '无')
    group by stocks.record_id
),

known as (
    select
        stocks.record_id,
        array_agg(distinct classes.hazard_class_code order by classes.hazard_class_code) as hazard_class_codes
    from stocks
    inner join {{ ref('ref_chemical_hazard_classes') }} as classes
        on stocks.chemical_code = classes.chemical_code and {{ in_force('classes', 'stocks.inventory_date') }}
    group by stocks.record_id
),

read_as as (
    select
        stocks.*,
        reported.hazard_class_codes as reported_class_codes,
        known.hazard_class_codes as known_class_codes,
        stocks.chemical_code is not null and (
            not stocks.is_mixture
            or stocks.reported_classes is null
            or coalesce(reported.hazard_class_codes = known.hazard_class_codes, false)
        ) as is_counted_as_pure
    from stocks
    left join reported on stocks.record_id = reported.record_id
    left join known on stocks.record_id = known.record_id
),

by_class as (
    select
        read_as.record_id,
        (array_agg(classes.hazard_class_code order by classes.critical_quantity_t, classes.hazard_class_code))[1]
            as hazard_class_code,
        min(classes.critical_quantity_t) as critical_quantity_t,
        max(betas.beta_factor) as beta_factor,
        min(classes.standard_code) as standard_code,
        min(classes.clause) as clause,
        bool_or(classes.hazard_class_code is null) as has_unknown_class
    from read_as
    cross join lateral (
        select distinct unnest(
            case when read_as.is_counted_as_pure then read_as.known_class_codes end || read_as.reported_class_codes
        ) as hazard_class_code
    ) as wanted
    left join {{ ref('std_hazard_classes') }} as classes
        on
            wanted.hazard_class_code = classes.hazard_class_code
            and {{ in_force('classes', 'read_as.inventory_date') }}
    left join {{ ref('std_beta_factors') }} as betas
        on
            betas.subject_kind = 'class'
            and wanted.hazard_class_code = betas.subject_code
            and {{ in_force('betas', 'read_as.inventory_date') }}
    group by read_as.record_id
),

judged as (
    select
        read_as.*,
        named.critical_quantity_t is not null as is_named,
        coalesce(by_class.has_unknown_class, false) as has_unknown_class,
        case when named.critical_quantity_t is null then by_class.hazard_class_code end as hazard_class_code,
        coalesce(named.critical_quantity_t, by_class.critical_quantity_t) as critical_quantity_t,
        coalesce(named_betas.beta_factor, by_class.beta_factor) as beta_factor,
        coalesce(named.standard_code, by_class.standard_code) as standard_code,
        coalesce(named.clause, by_class.clause) as clause
    from read_as
    left join by_class on read_as.record_id = by_class.record_id
    left join {{ ref('std_critical_quantities') }} as named
        on
            read_as.is_counted_as_pure
            and read_as.chemical_code = named.chemical_code
            and coalesce(read_as.concentration_pct, 100) >= coalesce(named.minimum_concentration_pct, 0)
            and {{ in_force('named', 'read_as.inventory_date') }}
    left join {{ ref('std_beta_factors') }} as named_betas
        on
            named_betas.subject_kind = 'chemical'
            and read_as.is_counted_as_pure
            and read_as.chemical_code = named_betas.subject_code
            and {{ in_force('named_betas', 'read_as.inventory_date') }}
)

select
    record_id,
    hazard_unit_id,
    inventory_date,
    chemical_name,
    cas_no,
    chemical_code,
    is_mixture,
    concentration_pct,
    is_counted_as_pure,
    hazard_class_code,
    case
        when is_named then 'named'
        when critical_quantity_t is not null then 'class'
        else 'not_counted'
    end as critical_quantity_basis_code,
    critical_quantity_t,
    beta_factor,
    standard_code,
    clause,
    design_maximum_t,
    stored_quantity_t,
    cast(design_maximum_t / critical_quantity_t as numeric(20, 9)) as design_ratio,
    cast(beta_factor * design_maximum_t / critical_quantity_t as numeric(20, 9)) as weighted_design_ratio,
    cast(stored_quantity_t / critical_quantity_t as numeric(20, 9)) as stored_ratio,
    has_unknown_class as is_class_unknown,
    critical_quantity_t is not null and beta_factor is null as is_beta_missing,
    updated_at,
    data_origin
from judged
