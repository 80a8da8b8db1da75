with returns as (
    {{ parameter_returns() }}
),

measured as (
    select
        security_id,
        {{ ordered('stddev_samp', 'log_return', 'price_date') }} * sqrt(252) as volatility_annual,
        count(*) as n_observations,
        min(price_date) as window_start,
        max(price_date) as window_end
    from returns
    group by security_id
),

final as (
    select
        security_id,
        case when n_observations >= {{ var('min_observations') }} then volatility_annual end as volatility_annual,
        cast(n_observations as integer) as n_observations,
        window_start,
        window_end,
        case when n_observations >= {{ var('min_observations') }} then 'OK' else 'INSUFFICIENT' end as status
    from measured
)

select * from final
