{# The log returns that parameters are estimated from: the last `parameter_window_years` up to the last price. #}
{% macro parameter_returns() -%}
    select
        security_id,
        price_date,
        log_return
    from {{ ref('fact_price_daily') }}
    where
        log_return is not null
        and price_date > (
            select max(price_date) - interval '{{ var("parameter_window_years") }} years'
            from {{ ref('fact_price_daily') }}
        )
{%- endmacro %}
