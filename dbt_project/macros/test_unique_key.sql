{# A mart's grain: no two rows share `columns`, and none of them is null. #}
{% test unique_key(model, columns) %}
select {{ columns | join(", ") }}, count(*) as row_count
from {{ model }}
group by all
having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}
{% endtest %}
