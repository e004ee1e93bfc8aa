-- The newest value of each sector and month; a record of another id that says the same month again replaces the older.
with ranked as (
    select
        *,
        row_number() over (
            partition by sector_code, statistical_month, is_seasonally_adjusted order by updated_at desc, record_id desc
        ) as recency
    from {{ ref('stg_data_middle_platform__production_index') }}
)

select * from ranked where recency = 1
