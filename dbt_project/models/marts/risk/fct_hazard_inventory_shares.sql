{{ config(indexes=[{'columns': ['inventory_date']}, {'columns': ['source_record_id'], 'unique': true}]) }}
select
    stocks.record_id as source_record_id,
    stocks.hazard_unit_id,
    units.hazard_unit_name,
    units.enterprise_name,
    units.zone_name,
    stocks.inventory_date,
    stocks.chemical_name,
    stocks.cas_no,
    stocks.chemical_code,
    stocks.is_mixture,
    stocks.is_counted_as_pure,
    stocks.critical_quantity_basis_code,
    stocks.hazard_class_code,
    cast(stocks.critical_quantity_t as numeric(10, 3)) as critical_quantity_t,
    cast(stocks.beta_factor as numeric(6, 2)) as beta_factor,
    cast(stocks.design_maximum_t as numeric(14, 3)) as design_maximum_t,
    cast(stocks.stored_quantity_t as numeric(14, 3)) as stored_quantity_t,
    cast(stocks.design_ratio as numeric(14, 6)) as design_ratio,
    cast(stocks.weighted_design_ratio as numeric(14, 6)) as weighted_design_ratio,
    cast(stocks.stored_ratio as numeric(14, 6)) as stored_ratio,
    stocks.standard_code,
    stocks.clause,
    stocks.data_origin
from {{ ref('int_risk__inventories_classified') }} as stocks
inner join {{ ref('int_risk__hazard_units_registered') }} as units on stocks.hazard_unit_id = units.hazard_unit_id
