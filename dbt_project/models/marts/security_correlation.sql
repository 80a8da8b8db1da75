with returns as (
    {{ parameter_returns() }}
),

paired as (
    select
        returns.security_id as security_id_a,
        other.security_id as security_id_b,
        corr(returns.log_return, other.log_return) as correlation,
        count(*) as n_observations
    from returns
    inner join returns as other using (price_date)
    where returns.security_id < other.security_id
    group by returns.security_id, other.security_id
),

own as (
    select
        security_id as security_id_a,
        security_id as security_id_b,
        1.0 as correlation,
        count(*) as n_observations
    from returns
    group by security_id
),

complete as (
    select * from own
    union all
    select * from paired
    union all
    select
        security_id_b as security_id_a,
        security_id_a as security_id_b,
        correlation,
        n_observations
    from paired
),

final as (
    select
        security_id_a,
        security_id_b,
        cast(
            case when n_observations >= {{ var('min_observations') }} and isfinite(correlation) then correlation end
            as double
        ) as correlation,
        cast(n_observations as integer) as n_observations,
        case
            when n_observations >= {{ var('min_observations') }} and isfinite(correlation) then 'OK'
            else 'INSUFFICIENT'
        end as status
    from complete
)

select * from final
