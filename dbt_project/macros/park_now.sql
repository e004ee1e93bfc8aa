{#- The present moment of this run (PARK_NOW); never the database's clock. -#}
{% macro park_now() -%}
    cast('{{ var("park_now") }}' as timestamptz)
{%- endmacro %}
