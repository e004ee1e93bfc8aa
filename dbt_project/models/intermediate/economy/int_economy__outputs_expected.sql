-- Which enterprise owes a figure for which month: industrial ones (sections B, C and D) in business, from the month after
-- they were set up; January is never reported by itself (B204-1). A month that has ended is expected until it comes.
with span as (
    select
        min(statistical_month) as first_month,
        date_trunc('month', {{ park_now() }} at time zone 'Asia/Shanghai') - interval '1 month' as last_month
    from {{ ref('int_economy__outputs_judged') }}
),

months as (
    select cast(each as date) as statistical_month
    from span, generate_series(span.first_month, span.last_month, interval '1 month') as each
    where extract(month from each) > 1
)

select
    enterprises.enterprise_id,
    months.statistical_month
from {{ ref('int_economy__enterprises_registered') }} as enterprises
inner join months on coalesce(enterprises.established_date, date '1900-01-01') < months.statistical_month
where enterprises.is_industrial
    and enterprises.enterprise_id is not null
    and coalesce(enterprises.issue_code, '') <> 'credit_code_repeated'
    and enterprises.business_status = '存续'
