{#
The one place that says STALE: a value is MISSING where there is none, STALE where it is not the day's own; UNCONFIRMED
comes before that, as the age of a price that may be wrong is the lesser doubt.
#}
{% macro carried_status(value, is_stale, is_unconfirmed=none) -%}
case
            when {{ value }} is null then 'MISSING'
{%- if is_unconfirmed %}
            when {{ is_unconfirmed }} then 'UNCONFIRMED'
{%- endif %}
            when {{ is_stale }} then 'STALE'
            else 'PRICED'
        end
{%- endmacro %}
