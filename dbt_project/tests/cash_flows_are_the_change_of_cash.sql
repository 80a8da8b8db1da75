{# What moved on a day, of all accounts and kinds, is by what each currency's balance changed, exactly. #}
{{ config(meta={'dagster': {'ref': {'name': 'fact_cashflow_daily'}}}) }}
with balances as (
    select
        portfolio_id,
        currency,
        business_date,
        balance - lag(balance, 1, 0) over (partition by portfolio_id, currency order by business_date) as change
    from {{ ref('fact_cash_daily') }}
    where {{ in_scope('portfolio_id') }}
),

flows as (
    select
        portfolio_id,
        currency,
        business_date,
        sum(amount) as amount
    from {{ ref('fact_cashflow_daily') }}
    where {{ in_scope('portfolio_id') }}
    group by portfolio_id, currency, business_date
)

select
    balances.portfolio_id,
    balances.currency,
    balances.business_date
from balances
left join flows using (portfolio_id, currency, business_date)
where balances.change <> coalesce(flows.amount, 0)
