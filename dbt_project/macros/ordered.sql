{#
An aggregate of doubles taken in the order of `by`. A sum of doubles depends on the order of its terms, and DuckDB's
order depends on threads and files; this way the same rows give the same bits, so an unchanged table stays unchanged.
#}
{% macro ordered(aggregate, expression, by) -%}
list_aggregate(list({{ expression }} order by {{ by }}) filter (({{ expression }}) is not null), '{{ aggregate }}')
{%- endmacro %}
