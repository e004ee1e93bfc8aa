select
    dwdm as organisation_code,
    dwmc as unit_name,
    hydm as industry_code_2011,
    zclx as registration_class_2011_code,
    dz as address,
    zt as unit_status,
    data_origin,
    _source_uri,
    _row_number
from {{ source('economic_information', 'economic_information__units') }}
