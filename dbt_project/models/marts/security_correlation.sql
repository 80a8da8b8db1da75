with returns as (
    {{ parameter_returns() }}
),

common as (
    select
        returns.security_id as security_id_a,
        other.security_id as security_id_b,
        list(returns.log_return order by returns.price_date) as returns_a,
        list(other.log_return order by returns.price_date) as returns_b,
        count(*) as n_observations
    from returns
    inner join returns as other using (price_date)
    where returns.security_id < other.security_id
    group by returns.security_id, other.security_id
),

summed as (
    select
        security_id_a,
        security_id_b,
        n_observations,
        list_sum(returns_a) as sum_a,
        list_sum(returns_b) as sum_b,
        list_inner_product(returns_a, returns_a) as sum_aa,
        list_inner_product(returns_b, returns_b) as sum_bb,
        list_inner_product(returns_a, returns_b) as sum_ab
    from common
),

paired as (
    select
        security_id_a,
        security_id_b,
        (n_observations * sum_ab - sum_a * sum_b)
        / nullif(
            sqrt(greatest(n_observations * sum_aa - sum_a * sum_a, 0))
            * sqrt(greatest(n_observations * sum_bb - sum_b * sum_b, 0)),
            0
        ) as correlation,
        n_observations
    from summed
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
            case when n_observations >= {{ var('min_observations') }} and correlation is not null then correlation end
            as double
        ) as correlation,
        cast(n_observations as integer) as n_observations,
        case
            when n_observations >= {{ var('min_observations') }} and correlation is not null then 'OK'
            else 'INSUFFICIENT'
        end as status
    from complete
)

select * from final
