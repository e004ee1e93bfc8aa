{#- Today in the park, by the present moment of this run. -#}
{% macro park_today() -%}
    cast({{ park_now() }} at time zone 'Asia/Shanghai' as date)
{%- endmacro %}

{#- A quantity of the rules on devices' states that is in force today. -#}
{% macro device_rule(rule_code, quantity_code) -%}
    (
        select rules.value
        from {{ ref('rule_device_states') }} as rules
        where
            rules.rule_code = '{{ rule_code }}'
            and rules.quantity_code = '{{ quantity_code }}'
            and {{ in_force('rules', park_today()) }}
    )
{%- endmacro %}

{#- Seconds of silence after which a device is offline: so many periods, but never less than the least time. -#}
{% macro silence_limit_s(period_s) -%}
    greatest(
        {{ device_rule('online', 'periods') }} * {{ period_s }},
        {{ device_rule('online', 'least_minutes') }} * 60
    )
{%- endmacro %}
