select
    indicator_code,
    indicator_name,
    element_code,
    element_name,
    indicator_subject_code,
    formula_text,
    input_text,
    threshold_text,
    mart_name,
    standard_code,
    clause,
    connection_code,
    review_state_code,
    valid_from
from {{ ref('int_risk__indicators_described') }}
