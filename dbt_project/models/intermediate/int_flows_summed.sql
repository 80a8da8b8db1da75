{#
Cash and external flows by portfolio and day. Units that are transferred in are a flow at that day's close, or at
their cost where there is no price; `transfer_gain` is what they had already gained before.
#}
with transactions as (
    select * from {{ ref('stg_postgres__transaction') }}
),

securities as (
    select * from {{ ref('stg_postgres__security') }}
),

prices as (
    select * from {{ ref('stg_market__price') }}
),

priced as (
    select
        transactions.*,
        {{ product('transactions.quantity', 'transactions.price') }} as transfer_cost,
        coalesce({{ product('transactions.quantity', 'prices.close') }}, transfer_cost) as transfer_value
    from transactions
    left join securities using (security_id)
    asof left join prices
        on securities.ticker = prices.ticker and transactions.business_date >= prices.price_date
),

final as (
    select
        portfolio_id,
        business_date,
        sum(cash_effect) as cash_change,
        coalesce(sum(cash_effect) filter (where txn_type = 'DEPOSIT'), 0)
        + coalesce(sum(transfer_value) filter (where txn_type = 'TRANSFER_IN'), 0) as inflow,
        -coalesce(sum(cash_effect) filter (where txn_type = 'WITHDRAW'), 0) as outflow,
        -coalesce(sum(cash_effect) filter (where txn_type = 'FEE'), 0) as standalone_fees,
        coalesce(sum(fees) filter (where txn_type in ('BUY', 'SELL')), 0) as trade_fees,
        coalesce(sum(transfer_value - transfer_cost) filter (where txn_type = 'TRANSFER_IN'), 0) as transfer_gain
    from priced
    group by portfolio_id, business_date
)

select * from final
