{#- Weights in force together must sum to one; each day on which a row begins or ends is looked at. -#}
{% test sums_to_one(model, column_name) %}
    with days as (
        select valid_from as day_on from {{ model }}
        union
        select valid_to from {{ model }} where valid_to is not null
    )

    select days.day_on, sum(weights.{{ column_name }}) as total
    from days
    inner join {{ model }} as weights on {{ in_force('weights', 'days.day_on') }}
    group by days.day_on
    having abs(sum(weights.{{ column_name }}) - 1) > 0.000001
{% endtest %}
