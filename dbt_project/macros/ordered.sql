{#
The index of daily returns, as a list in the order of `day`: growth of 1, carried over a day without a return, null from
a ruin on (-1 stands for its growth), begun again at 1 on the next day whose `base` is above 0.
#}
{% macro linked_index(daily_return, is_ruin, base, day) -%}
linked_index(
    list(case when {{ is_ruin }} then -1 else 1 + coalesce({{ daily_return }}, 0) end order by {{ day }}),
    list({{ base }} > 0 order by {{ day }})
)
{%- endmacro %}

{#
An aggregate of doubles taken in the order of `by`. A sum of doubles depends on the order of its terms, and DuckDB's
order depends on threads and files; this way the same rows give the same bits, so an unchanged table stays unchanged.
#}
{% macro ordered(aggregate, expression, by) -%}
list_aggregate(list({{ expression }} order by {{ by }}) filter (({{ expression }}) is not null), '{{ aggregate }}')
{%- endmacro %}
