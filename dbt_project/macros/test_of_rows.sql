{# dbt's own tests of values and references, with the whole row in their answer: so it is known whose it is. #}
{% test accepted_values(model, column_name, values) %}
select *
from {{ model }}
where {{ column_name }} not in ('{{ values | join("', '") }}')
{% endtest %}

{% test relationships(model, column_name, to, field) %}
select *
from {{ model }}
where {{ column_name }} not in (select {{ field }} from {{ to }} where {{ field }} is not null)
{% endtest %}
