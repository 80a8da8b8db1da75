{# A model's schema is the lake's schema, as it stands; no prefix for the target. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
{{ custom_schema_name or target.schema }}
{%- endmacro %}
