{# Positions and cash of every portfolio and day, in its currency, add up to its value, exactly. #}
{{ config(meta={'dagster': {'ref': {'name': 'fact_portfolio_value_daily'}}}) }}
with positions as (
    select
        portfolio_id,
        business_date,
        sum(market_value_base) as market_value
    from {{ ref('fact_position_daily') }}
    where {{ in_scope('portfolio_id') }}
    group by portfolio_id, business_date
),

cash as (
    select
        portfolio_id,
        business_date,
        sum(balance_base) as balance
    from {{ ref('fact_cash_daily') }}
    where {{ in_scope('portfolio_id') }}
    group by portfolio_id, business_date
)

select
    daily_values.portfolio_id,
    daily_values.business_date
from {{ ref('fact_portfolio_value_daily') }} as daily_values
left join positions using (portfolio_id, business_date)
left join cash using (portfolio_id, business_date)
where
    {{ in_scope('daily_values.portfolio_id') }}
    and (
        daily_values.positions_value <> coalesce(positions.market_value, 0)
        or daily_values.cash <> coalesce(cash.balance, 0)
    )
