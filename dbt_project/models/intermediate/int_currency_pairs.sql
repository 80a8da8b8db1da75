{# Base currency and another one that a portfolio with it has traded in: what needs a rate. #}
with traded as (
    select * from {{ ref('stg_postgres__traded_currency') }}
),

portfolios as (
    select * from {{ ref('stg_postgres__portfolio') }}
),

final as (
    select distinct
        portfolios.base_currency,
        traded.currency
    from traded
    inner join portfolios on traded.portfolio_id = portfolios.portfolio_id
    where traded.currency <> portfolios.base_currency
)

select * from final
