{# A product or quotient of money, rounded at once: half up at 8 places. The one place where SQL rounds money. #}
{% macro money(expression) -%}
cast({{ expression }} as decimal(28, 8))
{%- endmacro %}

{# amount x part / whole without losing digits: DuckDB divides decimals into doubles, so it is only for shares. #}
{% macro fraction(numerator, denominator) -%}
(cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}
