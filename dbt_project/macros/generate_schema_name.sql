{#- A schema is named as it is configured: raw, staging, intermediate, marts, reference. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
