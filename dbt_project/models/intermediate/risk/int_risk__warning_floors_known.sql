-- The least index of a subject while a warning stands on it. Warnings are not connected yet, so there is none; the
-- shape is what the index reads.
select
    cast(null as text) as subject_id,
    cast(null as timestamptz) as active_from_at,
    cast(null as timestamptz) as active_to_at,
    cast(null as text) as warning_grade_code,
    cast(null as numeric) as index_floor
where false
