{#- A code as it is compared: full-width forms folded, blanks gone, capitals. -#}
{% macro normalised_code(column) -%}
    upper(regexp_replace(normalize({{ column }}, nfkc), '\s', '', 'g'))
{%- endmacro %}

{#- A number that people typed: full-width digits, blanks and thousands separators folded; null when it is none. -#}
{% macro reported_number(column) -%}
    case
        when regexp_replace(normalize({{ column }}, nfkc), '[\s,]', '', 'g') ~ '^[+-]?\d+(\.\d+)?$'
            then cast(regexp_replace(normalize({{ column }}, nfkc), '[\s,]', '', 'g') as numeric)
    end
{%- endmacro %}

{#- Whether a typed number is there but cannot be read. -#}
{% macro is_unreadable_number(column) -%}
    ({{ reported_number(column) }} is null and coalesce(btrim({{ column }}), '') <> '')
{%- endmacro %}

{#- Growth against the same period in percent, statistics reference 2.2; null wherever a rate has no meaning. -#}
{% macro yoy_percent(current, base) -%}
    case when {{ base }} > 0 and {{ current }} >= 0 then round(({{ current }} / {{ base }} - 1) * 100, 4) end
{%- endmacro %}

{#- Why there is no rate, statistics reference 2.2; null where there is one. -#}
{% macro yoy_reason(current, base) -%}
    case
        when {{ current }} is null then 'not_reported'
        when {{ base }} is null then 'no_base'
        when {{ base }} = 0 then 'zero_base'
        when {{ base }} > 0 and {{ current }} < 0 then 'turned_to_loss'
        when {{ base }} < 0 and {{ current }} > 0 then 'turned_to_profit'
        when {{ base }} < 0 and abs({{ current }}) <= abs({{ base }}) then 'loss_narrowed'
        when {{ base }} < 0 then 'loss_widened'
    end
{%- endmacro %}

{#- Whether a dated row is the one in force on a day: from its first day up to, not including, its last. -#}
{% macro in_force(row_name, day) -%}
    {{ row_name }}.valid_from <= {{ day }} and ({{ row_name }}.valid_to is null or {{ day }} < {{ row_name }}.valid_to)
{%- endmacro %}
