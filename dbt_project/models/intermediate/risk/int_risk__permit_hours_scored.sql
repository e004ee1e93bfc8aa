-- Every permit in every hour of the window in which it holds: PR = base * environment * firm, capped. A permit whose
-- times make no sense has no hours; it stands among the issues of permits.
{%- set permit_risk %}
least(
    permits.base_score
    * permits.hazard_factor
    * permits.firm_factor
    * case
        when hours.is_rest_day
            or hours.hour_of_day >= hours.night_from_hour or hours.hour_of_day < hours.night_until_hour
            then permits.rest_factor
        else 1
    end
    * case when hours.is_bad_weather then permits.weather_factor else 1 end,
    permits.score_cap
)
{%- endset %}
with hours as (
    select
        spine.*,
        parameters.night_from_hour,
        parameters.night_until_hour,
        coalesce(weather.is_bad_for_work, false) as is_bad_weather
    from {{ ref('int_risk__hours_expected') }} as spine
    inner join {{ ref('int_risk__parameters_pivoted') }} as parameters
        on {{ in_force('parameters', 'spine.business_date') }}
    left join {{ ref('int_risk__weather_hours_scored') }} as weather on spine.measured_at = weather.measured_at
)

select
    permits.permit_no,
    permits.subject_id,
    hours.measured_at,
    {{ rounded(permit_risk, 3) }} as permit_risk
from {{ ref('int_risk__permits_assigned') }} as permits
inner join hours
    on
        permits.planned_start_at < hours.measured_at + interval '1 hour'
        and permits.planned_end_at > hours.measured_at
where permits.planned_start_at < permits.planned_end_at
