with returns as (
    {{ parameter_returns() }}
),

measured as (
    select
        security_id,
        252 * {{ ordered('avg', 'log_return', 'price_date') }}
        + 252 * {{ ordered('var_samp', 'log_return', 'price_date') }} / 2 as mu_annual,
        count(*) as n_observations,
        min(price_date) as window_start,
        max(price_date) as window_end
    from returns
    group by security_id
),

final as (
    select
        security_id,
        case when n_observations >= {{ var('min_observations') }} then mu_annual end as mu_annual,
        cast(n_observations as integer) as n_observations,
        window_start,
        window_end,
        case when n_observations >= {{ var('min_observations') }} then 'OK' else 'INSUFFICIENT' end as status
    from measured
)

select * from final
