{# Positions of every portfolio and day in its own currency add up to its positions_value, exactly. #}
{{ config(meta={'dagster': {'ref': {'name': 'fact_portfolio_value_daily'}}}) }}
with positions as (
    select
        portfolio_id,
        business_date,
        currency,
        sum(market_value) as market_value
    from {{ ref('fact_position_daily') }}
    group by portfolio_id, business_date, currency
)

select
    daily_values.portfolio_id,
    daily_values.business_date
from {{ ref('fact_portfolio_value_daily') }} as daily_values
left join positions using (portfolio_id, business_date, currency)
where daily_values.positions_value <> coalesce(positions.market_value, 0)
