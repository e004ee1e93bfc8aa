select
    record_id,
    hazard_unit_id,
    unit_name as hazard_unit_name,
    unit_kind as hazard_unit_kind,
    uscc as unified_credit_code,
    zone_id,
    longitude,
    latitude,
    coordinate_system,
    exposed_persons as exposed_person_count,
    guarantor_roles,
    filed_on as filed_date,
    unit_status,
    data_origin,
    update_time as updated_at,
    _source_uri,
    _row_number
from {{ source('data_middle_platform', 'data_middle_platform__hazard_units') }}
