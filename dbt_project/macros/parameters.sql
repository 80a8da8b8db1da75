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

{# Mean and variance of those returns per security, with how many they are and from when to when. #}
{% macro parameter_moments() -%}
    select
        security_id,
        {{ ordered('avg', 'log_return', 'price_date') }} as mean_log_return,
        {{ ordered('var_samp', 'log_return', 'price_date') }} as variance_log_return,
        cast(count(*) as integer) as n_observations,
        min(price_date) as window_start,
        max(price_date) as window_end,
        case when count(*) >= {{ var('min_observations') }} then 'OK' else 'INSUFFICIENT' end as status
    from ({{ parameter_returns() }})
    group by security_id
{%- endmacro %}
