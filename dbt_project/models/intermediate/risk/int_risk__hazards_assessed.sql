-- Every unit on every day of its reports: S = sum of q/Q and R = alpha * sum of beta * q/Q from design maxima, and the
-- grade, by the rows of GB 18218-2018 in force on the day (4.2, 4.3). Without alpha there is no R and no grade.
-- Sums are rounded to six places before they meet a bound: three thirds of a critical quantity are one.
with stocks as (
    select
        hazard_unit_id,
        inventory_date,
        cast(round(sum(coalesce(design_ratio, 0)), 6) as numeric(18, 6)) as major_hazard_ratio,
        cast(round(sum(coalesce(weighted_design_ratio, 0)), 6) as numeric(18, 6)) as weighted_ratio,
        cast(round(sum(coalesce(stored_ratio, 0)), 6) as numeric(18, 6)) as stored_ratio,
        sum(design_maximum_t) as design_maximum_t,
        sum(stored_quantity_t) as stored_quantity_t,
        count(*) as substance_count,
        bool_or(is_beta_missing) as is_beta_missing,
        bool_or(is_class_unknown) as is_class_unknown,
        max(standard_code) as standard_code,
        max(data_origin) as data_origin
    from {{ ref('int_risk__inventories_classified') }}
    group by hazard_unit_id, inventory_date
),

blocked as (
    select
        hazard_unit_id,
        inventory_date,
        max(data_origin) as data_origin
    from {{ ref('int_risk__inventories_cleaned') }}
    where blocking_issue_code is not null and blocking_issue_code <> 'duplicate_submission'
    group by hazard_unit_id, inventory_date
),

days as (
    select
        coalesce(stocks.hazard_unit_id, blocked.hazard_unit_id) as hazard_unit_id,
        coalesce(stocks.inventory_date, blocked.inventory_date) as inventory_date,
        stocks.major_hazard_ratio,
        cast(case when not stocks.is_beta_missing then stocks.weighted_ratio end as numeric(18, 6)) as weighted_ratio,
        stocks.stored_ratio,
        stocks.design_maximum_t,
        stocks.stored_quantity_t,
        coalesce(stocks.substance_count, 0) as substance_count,
        stocks.standard_code,
        blocked.hazard_unit_id is null and not stocks.is_beta_missing and not stocks.is_class_unknown as is_complete,
        coalesce(stocks.data_origin, blocked.data_origin) as data_origin
    from stocks
    full join blocked
        on stocks.hazard_unit_id = blocked.hazard_unit_id and stocks.inventory_date = blocked.inventory_date
),

corrected as (
    select
        days.*,
        units.exposed_person_count,
        factors.alpha_factor,
        cast(factors.alpha_factor * days.weighted_ratio as numeric(18, 6)) as grading_index
    from days
    inner join {{ ref('int_risk__hazard_units_registered') }} as units on days.hazard_unit_id = units.hazard_unit_id
    left join {{ ref('std_exposure_factors') }} as factors
        on
            units.exposed_person_count >= factors.persons_low
            and units.exposed_person_count <= coalesce(factors.persons_high, units.exposed_person_count)
            and {{ in_force('factors', 'days.inventory_date') }}
)

select
    corrected.hazard_unit_id,
    corrected.inventory_date,
    corrected.major_hazard_ratio,
    coalesce(corrected.major_hazard_ratio >= 1, false) as is_major_hazard,
    corrected.exposed_person_count,
    corrected.alpha_factor,
    corrected.weighted_ratio,
    corrected.grading_index,
    case when corrected.major_hazard_ratio >= 1 then grades.hazard_grade end as hazard_grade,
    corrected.standard_code,
    corrected.stored_ratio,
    corrected.design_maximum_t,
    corrected.stored_quantity_t,
    corrected.substance_count,
    corrected.is_complete,
    corrected.data_origin
from corrected
left join {{ ref('std_hazard_grades') }} as grades
    on
        corrected.grading_index >= grades.r_low
        and (grades.r_high is null or corrected.grading_index < grades.r_high)
        and {{ in_force('grades', 'corrected.inventory_date') }}
