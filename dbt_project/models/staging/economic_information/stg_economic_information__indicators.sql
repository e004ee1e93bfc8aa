select
    bbdm as form_code,
    zbdm as cell_code,
    zbmc as cell_name,
    jldw as unit_name,
    data_origin,
    _source_uri,
    _row_number
from {{ source('economic_information', 'economic_information__indicators') }}
