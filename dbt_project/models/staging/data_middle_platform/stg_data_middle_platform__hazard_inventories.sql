select
    record_id,
    hazard_unit_id,
    inventory_date,
    chemical_name,
    cas_no,
    is_mixture,
    concentration_pct,
    reported_classes,
    cast(design_maximum as numeric) as reported_design_maximum,
    cast(stored_quantity as numeric) as reported_stored_quantity,
    quantity_unit,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__hazard_inventories') }}
