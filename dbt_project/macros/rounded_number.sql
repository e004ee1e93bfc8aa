{#- A computed number as it is kept: it ends after so many places, so that equal inputs give equal figures. -#}
{% macro rounded(value, places=4) -%}
    cast(round(cast({{ value }} as numeric), {{ places }}) as double precision)
{%- endmacro %}

{#- Weighted power mean of a group: (sum of weight * quantity^p / sum of weight)^(1/p), p being the group's. -#}
{% macro power_mean(quantity, weight, exponent) -%}
    {{ rounded(
        'power(sum(' ~ weight ~ ' * power(' ~ quantity ~ ', ' ~ exponent ~ ')) / sum(' ~ weight ~ '), 1 / max('
        ~ exponent ~ '))'
    ) }}
{%- endmacro %}
