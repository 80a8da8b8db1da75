{# Rows for which `expression` is false or unknown. #}
{% test holds(model, expression, where_clause="true", column_name=none) %}
select *
from {{ model }}
where ({{ where_clause }}) and not coalesce(({{ expression }}), false)
{% endtest %}
