{#- A quantity of the rules on tracks of vehicles that is in force today. -#}
{% macro vehicle_rule(rule_code, quantity_code) -%}
    (
        select rules.value
        from {{ ref('rule_vehicle_tracks') }} as rules
        where
            rules.rule_code = '{{ rule_code }}'
            and rules.quantity_code = '{{ quantity_code }}'
            and {{ in_force('rules', park_today()) }}
    )
{%- endmacro %}
