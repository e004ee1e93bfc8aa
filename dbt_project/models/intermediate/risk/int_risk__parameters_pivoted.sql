{{ config(materialized='table') }}
-- The parameters of the risk index side by side, one row for each span of days over which none of them changes.
{%- set codes = [
    'inherent_base', 'inherent_slope', 'inherent_maximum', 'inherent_below_threshold', 'inherent_without_chemicals',
    'alarm_divisor', 'alarm_age_constant_h', 'alarm_look_back_h', 'alarm_weight_limit', 'alarm_weight_extreme',
    'gas_to_first_level', 'gas_to_second_level', 'oxygen_normal_pct',
    'deviation_free_band', 'deviation_span', 'deviation_window_h', 'deviation_minimum_hours',
    'management_major_danger', 'management_general_danger', 'management_no_commitment', 'management_poor_duty',
    'management_duty_minimum', 'management_state_days', 'health_window_h',
    'weather_wind_m_per_s', 'weather_wind_points', 'weather_heat_c', 'weather_heat_points',
    'weather_work_wind_m_per_s', 'state_startup_points', 'state_turnaround_points',
    'composite_inherent_share', 'composite_dynamic_share', 'enterprise_others_share', 'area_exponent',
    'confidence_minimum', 'index_window_h', 'trend_tolerance', 'night_from_hour', 'night_until_hour'
] %}
with changes as (
    select valid_from as change_date from {{ ref('rule_risk_parameters') }}
    union
    select valid_to from {{ ref('rule_risk_parameters') }} where valid_to is not null
),

spans as (
    select
        change_date as valid_from,
        lead(change_date) over (order by change_date) as valid_to
    from changes
)

select
    spans.valid_from,
    spans.valid_to
    {%- for code in codes %},
    cast(max(parameters.parameter_value) filter (where parameters.parameter_code = '{{ code }}') as double precision)
        as {{ code }}
    {%- endfor %}
from spans
inner join {{ ref('rule_risk_parameters') }} as parameters
    on {{ in_force('parameters', 'spans.valid_from') }}
group by spans.valid_from, spans.valid_to
