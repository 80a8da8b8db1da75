{# An amount of money, rounded half up at 8 places. The one place where SQL rounds money. #}
{% macro money(expression) -%}
cast({{ expression }} as decimal(28, 8))
{%- endmacro %}

{# left x right as money, rounded once. The cast comes first: DuckDB multiplies two decimals of 18 digits in 64 bits. #}
{% macro product(left, right) -%}
{{ money('cast(' ~ left ~ ' as decimal(28, 8)) * ' ~ right) }}
{%- endmacro %}

{# numerator / denominator as a double, null for a zero denominator; never for money. #}
{% macro fraction(numerator, denominator) -%}
(cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}
