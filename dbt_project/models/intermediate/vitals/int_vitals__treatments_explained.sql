-- What was done to readings, in words: the row of the reference list that held on the day.
select
    treatments.*,
    devices.device_name,
    devices.vital_code,
    devices.vital_name,
    devices.enterprise_name,
    devices.zone_name,
    words.treatment_name,
    words.explanation,
    words.clause
from {{ ref('stg_telemetry__treatments') }} as treatments
inner join {{ ref('int_devices__devices_located') }} as devices on treatments.point_id = devices.point_id
left join {{ ref('ref_treatments') }} as words
    on
        treatments.treatment_code = words.treatment_code
        and treatments.business_date >= words.valid_from
        and (words.valid_to is null or treatments.business_date < words.valid_to)
