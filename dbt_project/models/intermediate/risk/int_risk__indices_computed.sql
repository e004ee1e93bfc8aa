{{ config(materialized='table', indexes=[{'columns': ['subject_id', 'measured_at']}]) }}
-- Dynamic part and risk index of every subject and hour: D = 100 (1 - product of (1 - w s/100)) over the terms that
-- are present, confidence = their weights over all weights, index = 0.45 I + 0.55 D, never below the floor of a
-- warning. With no term at all there is no dynamic part and no index: nothing is known, which is not the same as no
-- risk.
{%- set dynamic_risk %}
case
    when count(term_score) > 0
        then 100 * (
            1 - exp(
                sum(ln(greatest(1 - weight * term_score / 100, 1e-12))) filter (where term_score is not null)
            )
        )
end
{%- endset %}
{%- set risk_index %}
case
    when inherents.inherent_risk is not null and terms.dynamic_risk is not null
        then least(
            greatest(
                parameters.composite_inherent_share * inherents.inherent_risk
                + parameters.composite_dynamic_share * terms.dynamic_risk,
                cast(floors.index_floor as double precision),
                0
            ),
            100
        )
    else cast(floors.index_floor as double precision)
end
{%- endset %}
with terms as (
    select
        subject_id,
        measured_at,
        business_date,
        {{ rounded(dynamic_risk) }} as dynamic_risk,
        {{ rounded('coalesce(sum(weight) filter (where term_score is not null), 0) / sum(weight)') }} as confidence,
        max(term_score) filter (where term_code = 'process_alarm') as process_alarm_score,
        max(term_score) filter (where term_code = 'gas') as gas_score,
        max(term_score) filter (where term_code = 'deviation') as deviation_score,
        max(term_score) filter (where term_code = 'special_work') as special_work_score,
        max(term_score) filter (where term_code = 'people') as people_score,
        max(term_score) filter (where term_code = 'management') as management_score,
        max(term_score) filter (where term_code = 'data_health') as data_health_score,
        max(term_score) filter (where term_code = 'weather') as weather_score,
        max(term_score) filter (where term_code = 'operating_state') as operating_state_score,
        (array_agg(term_code order by weight * term_score desc nulls last, term_code))[1] as leading_term_code,
        max(weight * term_score) as leading_contribution
    from {{ ref('int_risk__terms_computed') }}
    group by subject_id, measured_at, business_date
),

floors as (
    select
        terms.subject_id,
        terms.measured_at,
        max(floors.index_floor) as index_floor
    from terms
    inner join {{ ref('int_risk__warning_floors_known') }} as floors
        on
            terms.subject_id = floors.subject_id
            and floors.active_from_at <= terms.measured_at
            and (floors.active_to_at is null or terms.measured_at < floors.active_to_at)
    group by terms.subject_id, terms.measured_at
)

select
    terms.subject_id,
    terms.measured_at,
    terms.business_date,
    inherents.inherent_risk,
    inherents.is_inherent_complete,
    inherents.hazard_grade,
    terms.process_alarm_score,
    terms.gas_score,
    terms.deviation_score,
    terms.special_work_score,
    terms.people_score,
    terms.management_score,
    terms.data_health_score,
    terms.weather_score,
    terms.operating_state_score,
    terms.dynamic_risk,
    terms.confidence,
    terms.confidence < parameters.confidence_minimum as is_confidence_low,
    case when terms.leading_contribution > 0 then terms.leading_term_code end as leading_term_code,
    floors.index_floor,
    {{ rounded(risk_index) }} as risk_index
from terms
inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
    on {{ in_force('parameters', 'terms.business_date') }}
left join {{ ref('int_risk__inherents_computed') }} as inherents
    on terms.subject_id = inherents.subject_id and terms.business_date = inherents.business_date
left join floors on terms.subject_id = floors.subject_id and terms.measured_at = floors.measured_at
