-- Runs of hours in which a point owed readings and none of the hours is valid, with the rules in force at their start.
with invalid_hours as (
    select
        point_id,
        vital_code,
        zone_id,
        measured_at,
        business_date,
        measured_at - row_number() over (partition by point_id order by measured_at) * interval '1 hour' as run_key
    from {{ ref('int_vitals__point_hours_located') }}
    where expected_minutes > 0 and not is_valid
),

runs as (
    select
        point_id,
        vital_code,
        zone_id,
        min(measured_at) as gap_start_at,
        min(business_date) as business_date,
        cast(count(*) as integer) as gap_hours
    from invalid_hours
    group by point_id, vital_code, zone_id, run_key
)

select
    runs.point_id,
    runs.vital_code,
    runs.zone_id,
    runs.gap_start_at,
    runs.gap_start_at + runs.gap_hours * interval '1 hour' as gap_end_at,
    runs.gap_hours,
    vitals.resample_method <> 'direction' as can_be_filled, -- the mean of two angles is not their interpolation
    settings.seasonal_history_days,
    settings.seasonal_least_days,
    settings.neighbour_least_r2,
    settings.neighbour_history_days,
    settings.neighbour_least_hours,
    runs.gap_hours * 3600 <= settings.linear_most_samples * vitals.period_s as is_linear,
    runs.gap_hours <= settings.seasonal_most_hours as is_seasonal,
    runs.gap_hours <= settings.neighbour_most_hours as is_by_neighbour
from runs
inner join {{ ref('ref_vitals') }} as vitals
    on runs.vital_code = vitals.vital_code and {{ in_force('vitals', 'runs.business_date') }}
cross join lateral (
    select
        max(rules.setting_value) filter (where rules.setting_code = 'linear_most_samples') as linear_most_samples,
        max(rules.setting_value) filter (where rules.setting_code = 'seasonal_most_hours') as seasonal_most_hours,
        max(rules.setting_value) filter (where rules.setting_code = 'seasonal_history_days') as seasonal_history_days,
        max(rules.setting_value) filter (where rules.setting_code = 'seasonal_least_days') as seasonal_least_days,
        max(rules.setting_value) filter (where rules.setting_code = 'neighbour_most_hours') as neighbour_most_hours,
        max(rules.setting_value) filter (where rules.setting_code = 'neighbour_least_r2') as neighbour_least_r2,
        max(rules.setting_value) filter (where rules.setting_code = 'neighbour_history_days') as neighbour_history_days,
        max(rules.setting_value) filter (where rules.setting_code = 'neighbour_least_hours') as neighbour_least_hours
    from {{ ref('rule_gap_fillings') }} as rules
    where {{ in_force('rules', 'runs.business_date') }}
) as settings
