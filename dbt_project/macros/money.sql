{# An amount of money, rounded half up at 8 places. The one place where SQL rounds money. #}
{% macro money(expression) -%}
cast({{ expression }} as decimal(28, 8))
{%- endmacro %}

{#
left x right as money, rounded once. DuckDB rounds a product of 128 bits digit by digit, 15 times slower than all the
rest; so where both sides are below 10^9, whole units and fractions are multiplied apart, and only the product of the
two fractions needs rounding, in 64 bits. Both ways give the same, for either sign (tests/pipelines/test_money_macro.py).
#}
{% macro product(left, right) -%}
{%- set small_left = "cast(" ~ left ~ " as decimal(18, 8))" -%}
{%- set small_right = "cast(" ~ right ~ " as decimal(18, 8))" -%}
{%- set left_fraction = "cast(" ~ small_left ~ " - trunc(" ~ small_left ~ ") as decimal(8, 8))" -%}
{%- set right_fraction = "cast(" ~ small_right ~ " - trunc(" ~ small_right ~ ") as decimal(8, 8))" -%}
case
    when {{ left }} between -999999999 and 999999999 and {{ right }} between -999999999 and 999999999
        then {{ money(
            "cast(trunc(" ~ small_left ~ ") as decimal(20, 0)) * " ~ small_right
            ~ " + " ~ left_fraction ~ " * cast(trunc(" ~ small_right ~ ") as decimal(9, 0))"
            ~ " + cast(" ~ left_fraction ~ " * " ~ right_fraction ~ " as decimal(9, 8))"
        ) }}
    else {{ wide_product(left, right) }}
end
{%- endmacro %}

{# The same for any size, and for a right side with more than 8 decimals. The cast first: two decimals of 18 digits would be multiplied in 64 bits. #}
{% macro wide_product(left, right) -%}
{{ money('cast(' ~ left ~ ' as decimal(28, 8)) * ' ~ right) }}
{%- endmacro %}

{#
Units at what one is worth; null beyond 10^15, which is the most that anybody's money may be (domain/limits.py): in another
currency it could be more than is kept.
#}
{% macro worth(quantity, unit_value) -%}
case when {{ is_kept(quantity, unit_value) }} then {{ wide_product(quantity, unit_value) }} end
{%- endmacro %}

{% macro is_kept(quantity, unit_value) -%}
abs(cast({{ quantity }} as double) * cast({{ unit_value }} as double)) <= 1e15
{%- endmacro %}

{# numerator / denominator as a double, null for a zero denominator; never for money. #}
{% macro fraction(numerator, denominator) -%}
(cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}
