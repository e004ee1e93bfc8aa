{{ config(materialized='table') }}
-- Every hour of every gap with a stand-in where the length of the gap allows one (safety reference 4.5): a straight
-- line, the same hour of the days before, or a neighbour that moved alike. What is longer stays empty.
-- A stand-in is for charts and features; no limit, warning or compliance figure reads it.
with gaps as (
    select * from {{ ref('int_vitals__gaps_found') }}
),

valid_hours as (
    select
        point_id,
        vital_code,
        zone_id,
        measured_at,
        value_mean
    from {{ ref('int_vitals__point_hours_located') }}
    where is_valid and value_mean is not null
),

edges as (
    select
        gaps.*,
        earlier.value_mean as value_before,
        later.value_mean as value_after
    from gaps
    left join valid_hours as earlier
        on gaps.point_id = earlier.point_id and gaps.gap_start_at - interval '1 hour' = earlier.measured_at
    left join valid_hours as later
        on gaps.point_id = later.point_id and gaps.gap_end_at = later.measured_at
),

-- the hours of each gap and the hour on either side, whose distance from their own season shifts the stand-in
usual_hours as (
    select
        gaps.point_id,
        gaps.gap_start_at,
        listed.measured_at,
        percentile_cont(0.5) within group (order by valid_hours.value_mean) as usual_value
    from gaps
    cross join lateral generate_series(
        gaps.gap_start_at - interval '1 hour', gaps.gap_end_at, interval '1 hour'
    ) as listed (measured_at)
    cross join lateral generate_series(1, cast(gaps.seasonal_history_days as integer)) as days (days_back)
    inner join valid_hours
        on
            gaps.point_id = valid_hours.point_id
            and listed.measured_at - days.days_back * interval '24 hours' = valid_hours.measured_at
    where gaps.is_seasonal and gaps.can_be_filled
    group by gaps.point_id, gaps.gap_start_at, gaps.seasonal_least_days, listed.measured_at
    having count(*) >= gaps.seasonal_least_days
),

offsets as (
    select
        edges.point_id,
        edges.gap_start_at,
        avg(beside.edge_value - usual_hours.usual_value) as usual_offset
    from edges
    cross join lateral (
        values
        (edges.gap_start_at - interval '1 hour', edges.value_before),
        (edges.gap_end_at, edges.value_after)
    ) as beside (measured_at, edge_value)
    inner join usual_hours
        on
            edges.point_id = usual_hours.point_id
            and edges.gap_start_at = usual_hours.gap_start_at
            and beside.measured_at = usual_hours.measured_at
    where beside.edge_value is not null
    group by edges.point_id, edges.gap_start_at
),

regressions as (
    select
        gaps.point_id,
        gaps.gap_start_at,
        theirs.point_id as neighbour_point_id,
        regr_r2(ours.value_mean, theirs.value_mean) as neighbour_r2,
        regr_slope(ours.value_mean, theirs.value_mean) as slope,
        regr_intercept(ours.value_mean, theirs.value_mean) as intercept
    from gaps
    inner join valid_hours as ours
        on
            gaps.point_id = ours.point_id
            and ours.measured_at >= gaps.gap_start_at - gaps.neighbour_history_days * interval '24 hours'
            and ours.measured_at < gaps.gap_start_at
    inner join valid_hours as theirs
        on
            gaps.vital_code = theirs.vital_code
            and gaps.zone_id = theirs.zone_id
            and gaps.point_id <> theirs.point_id
            and ours.measured_at = theirs.measured_at
    where gaps.is_by_neighbour and gaps.can_be_filled
    group by gaps.point_id, gaps.gap_start_at, gaps.neighbour_least_hours, gaps.neighbour_least_r2, theirs.point_id
    having
        count(*) >= gaps.neighbour_least_hours
        and regr_r2(ours.value_mean, theirs.value_mean) >= gaps.neighbour_least_r2
),

neighbours as (
    select distinct on (regressions.point_id, theirs.measured_at)
        regressions.point_id,
        theirs.measured_at,
        regressions.neighbour_point_id,
        regressions.neighbour_r2,
        regressions.intercept + regressions.slope * theirs.value_mean as neighbour_value
    from regressions
    inner join gaps
        on regressions.point_id = gaps.point_id and regressions.gap_start_at = gaps.gap_start_at
    inner join valid_hours as theirs
        on
            regressions.neighbour_point_id = theirs.point_id
            and theirs.measured_at >= gaps.gap_start_at
            and theirs.measured_at < gaps.gap_end_at
    order by
        regressions.point_id asc,
        theirs.measured_at asc,
        regressions.neighbour_r2 desc,
        regressions.neighbour_point_id asc
),

offered as (
    select
        edges.point_id,
        edges.gap_start_at,
        edges.gap_hours,
        listed.measured_at,
        case
            when edges.is_linear and edges.can_be_filled
                then edges.value_before + (edges.value_after - edges.value_before)
                * (extract(epoch from listed.measured_at - edges.gap_start_at) / 3600.0 + 1) / (edges.gap_hours + 1)
        end as linear_value,
        usual_hours.usual_value + offsets.usual_offset as seasonal_value,
        neighbours.neighbour_value,
        neighbours.neighbour_point_id,
        neighbours.neighbour_r2
    from edges
    cross join lateral generate_series(
        edges.gap_start_at, edges.gap_end_at - interval '1 hour', interval '1 hour'
    ) as listed (measured_at)
    left join usual_hours
        on
            edges.point_id = usual_hours.point_id
            and edges.gap_start_at = usual_hours.gap_start_at
            and listed.measured_at = usual_hours.measured_at
    left join offsets on edges.point_id = offsets.point_id and edges.gap_start_at = offsets.gap_start_at
    left join neighbours on edges.point_id = neighbours.point_id and listed.measured_at = neighbours.measured_at
)

select
    point_id,
    measured_at,
    cast(measured_at at time zone 'Asia/Shanghai' as date) as business_date,
    gap_start_at,
    gap_hours,
    cast(coalesce(linear_value, seasonal_value, neighbour_value) as double precision) as filled_value,
    case
        when linear_value is not null then 'linear'
        when seasonal_value is not null then 'seasonal'
        when neighbour_value is not null then 'neighbour'
        else 'none'
    end as fill_method_code,
    case
        when linear_value is null and seasonal_value is null then neighbour_point_id
    end as neighbour_point_id,
    case
        when linear_value is null and seasonal_value is null then neighbour_r2
    end as neighbour_r2
from offered
