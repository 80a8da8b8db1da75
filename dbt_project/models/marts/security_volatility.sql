with measured as (
    {{ parameter_moments() }}
),

final as (
    select
        security_id,
        case when status = 'OK' then sqrt(252 * variance_log_return) end as volatility_annual,
        n_observations,
        window_start,
        window_end,
        status
    from measured
)

select * from final
