with measured as (
    {{ parameter_moments() }}
),

final as (
    select
        security_id,
        case when status = 'OK' then 252 * mean_log_return + 252 * variance_log_return / 2 end as mu_annual,
        n_observations,
        window_start,
        window_end,
        status
    from measured
)

select * from final
