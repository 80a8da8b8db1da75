{# The one place that says STALE: a value is MISSING where there is none, STALE where it is not the day's own. #}
{% macro carried_status(value, is_stale) -%}
case
            when {{ value }} is null then 'MISSING'
            when {{ is_stale }} then 'STALE'
            else 'PRICED'
        end
{%- endmacro %}
