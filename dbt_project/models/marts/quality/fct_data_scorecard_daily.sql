{{ config(indexes=[{'columns': ['zone_id', 'business_date'], 'unique': true}]) }}
select
    zone_id,
    zone_name,
    business_date,
    points_due,
    readings_expected,
    readings_received,
    readings_passed,
    readings_suspect,
    readings_failed,
    readings_missing,
    readings_late,
    cast(readings_received / cast(readings_expected as numeric) as double precision) as delivery_rate,
    cast(readings_passed / cast(readings_expected as numeric) as double precision) as valid_rate,
    validity_share,
    timeliness_share,
    online_share,
    offline_episodes,
    data_score,
    quality_confidence,
    data_origin
from {{ ref('int_quality__zone_days_scored') }}
