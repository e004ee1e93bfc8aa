-- The catalogue of risk indicators with the thresholds and parameters that are in force today, read from their rows,
-- and how well those rows are known: what somebody decided here is not what a standard says.
with thresholds as (
    select
        'MH-R' as indicator_code,
        hazard_grade_name || ' R ≥ ' || trim_scale(r_low)::text as threshold_text,
        hazard_grade as display_order,
        source_mark
    from {{ ref('std_hazard_grades') }} as grades
    where {{ in_force('grades', park_today()) }}
    union all
    select
        indicators.indicator_code,
        grades.risk_colour_name || ' ' || coalesce('≥ ' || trim_scale(grades.index_low)::text, '其余') as threshold_text,
        grades.severity_rank as display_order,
        grades.source_mark
    from {{ ref('rule_risk_grades') }} as grades
    cross join (values ('RI-DRI'), ('RI-AREA')) as indicators (indicator_code)
    where {{ in_force('grades', park_today()) }}
    union all
    select
        'WP-PR' as indicator_code,
        risk_colour_name || ' ≥ ' || trim_scale(score_low)::text as threshold_text,
        -cast(score_low as integer) as display_order,
        source_mark
    from {{ ref('rule_permit_risk_grades') }} as grades
    where {{ in_force('grades', park_today()) }}
    union all
    select
        indicators.indicator_code,
        limits.gas_kind_name || ' ' || limits.alarm_level::text || ' 级 ' || trim_scale(limits.limit_value)::text || ' '
        || limits.limit_unit as threshold_text,
        limits.alarm_level as display_order,
        limits.source_mark
    from {{ ref('std_gas_alarm_limits') }} as limits
    cross join (values ('RI-gas'), ('GS-LEVEL')) as indicators (indicator_code)
    where {{ in_force('limits', park_today()) }}
    union all
    select
        'TK-LEVEL' as indicator_code,
        limit_code || ' ' || trim_scale(basis_value)::text || ' ' || unit as threshold_text,
        0 as display_order,
        source_mark
    from {{ ref('rule_alarm_limit_defaults') }} as limits
    where basis_code = 'value' and {{ in_force('limits', park_today()) }}
    union all
    select
        'RI-' || term_code as indicator_code,
        '权重 ' || trim_scale(weight)::text as threshold_text,
        0 as display_order,
        source_mark
    from {{ ref('rule_risk_weights') }} as weights
    where {{ in_force('weights', park_today()) }}
    union all
    select
        families.indicator_code,
        rtrim(
            parameters.reason || ' ' || trim_scale(parameters.parameter_value)::text || ' '
            || coalesce(parameters.unit, '')
        ) as threshold_text,
        1 as display_order,
        parameters.source_mark
    from {{ ref('rule_risk_parameters') }} as parameters
    inner join (
        values
        ('RI-I', 'inherent_%'),
        ('RI-process_alarm', 'alarm_%'),
        ('RI-gas', 'gas_to_%'),
        ('RI-gas', 'oxygen_%'),
        ('RI-deviation', 'deviation_%'),
        ('RI-people', 'people_%'),
        ('RI-management', 'management_%'),
        ('RI-data_health', 'health_%'),
        ('RI-weather', 'weather_%'),
        ('RI-operating_state', 'state_%'),
        ('RI-D', 'confidence_%'),
        ('RI-DRI', 'composite_%'),
        ('RI-AREA', 'enterprise_others_%'),
        ('RI-AREA', 'area_%')
    ) as families (indicator_code, pattern) on parameters.parameter_code like families.pattern
    where {{ in_force('parameters', park_today()) }}
)

select
    indicators.indicator_code,
    indicators.indicator_name,
    indicators.element_code,
    elements.element_name,
    indicators.subject_kind as indicator_subject_code,
    indicators.formula_text,
    indicators.input_text,
    string_agg(thresholds.threshold_text, '；' order by thresholds.display_order, thresholds.threshold_text)
        as threshold_text,
    indicators.mart_name,
    indicators.standard_code,
    indicators.clause,
    indicators.connection_code,
    case
        when bool_or(thresholds.source_mark like 'not confirmed%') then 'not_confirmed'
        when bool_or(thresholds.source_mark like 'decided%') then 'decided'
        when bool_or(thresholds.source_mark like 'known%') then 'not_re_read'
        when indicators.source_mark like 'decided%' and count(thresholds.source_mark) = 0
            and indicators.standard_code not like 'GB%' then 'decided'
        else 'read'
    end as review_state_code,
    indicators.valid_from
from {{ ref('ref_risk_indicators') }} as indicators
left join {{ ref('ref_monitoring_elements') }} as elements on indicators.element_code = elements.element_code
left join thresholds on indicators.indicator_code = thresholds.indicator_code
where {{ in_force('indicators', park_today()) }}
group by
    indicators.indicator_code,
    indicators.indicator_name,
    indicators.element_code,
    elements.element_name,
    indicators.subject_kind,
    indicators.formula_text,
    indicators.input_text,
    indicators.mart_name,
    indicators.standard_code,
    indicators.clause,
    indicators.connection_code,
    indicators.source_mark,
    indicators.valid_from
