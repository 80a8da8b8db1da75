{#
Cash, external flows and income by portfolio and day, in the portfolio's currency. Cash that is converted and units
that change accounts are no flow. Transactions in another currency are counted and not added: there are no rates yet.
#}
with transactions as (
    select * from {{ ref('stg_postgres__transaction') }}
),

transfers as (
    select * from {{ ref('int_transfers_valued') }}
),

foreign_cash as (
    select * from {{ ref('int_foreign_cash_counted') }}
),

by_type as (
    select
        portfolio_id,
        business_date,
        sum(cash_effect) filter (where is_base_currency) as cash_change,
        sum(cash_effect) filter (where is_base_currency and txn_type = 'DEPOSIT') as deposited,
        -sum(cash_effect) filter (where is_base_currency and txn_type = 'WITHDRAW') as withdrawn,
        sum(cash_effect) filter (where is_base_currency and txn_type in ('INTEREST', 'DIVIDEND', 'COUPON')) as received,
        sum(case txn_type when 'BUY' then -accrued when 'SELL' then accrued end)
            filter (where is_base_currency) as accrued_sold,
        -sum(cash_effect) filter (where is_base_currency and txn_type = 'TAX') as tax,
        -sum(cash_effect) filter (where is_base_currency and txn_type = 'FEE') as standalone_fees,
        sum(fees) filter (where is_base_currency and txn_type in ('BUY', 'SELL')) as trade_fees,
        count(*) filter (where not is_base_currency) as n_fx_transactions,
        count(*) filter (
            where txn_type = 'TRANSFER_IN' and security_id is not null and transfer_id is null and gross is null
        ) as n_unknown_arrivals
    from transactions
    group by portfolio_id, business_date
),

final as (
    select
        by_type.portfolio_id,
        by_type.business_date,
        coalesce(by_type.cash_change, 0) as cash_change,
        coalesce(by_type.deposited, 0) + coalesce(transfers.arrived_value, 0) as inflow,
        coalesce(by_type.withdrawn, 0) + coalesce(transfers.departed_value, 0) as outflow,
        coalesce(by_type.received, 0) + coalesce(by_type.accrued_sold, 0) as income,
        coalesce(by_type.tax, 0) as tax,
        coalesce(by_type.standalone_fees, 0) as standalone_fees,
        coalesce(by_type.trade_fees, 0) as trade_fees,
        coalesce(transfers.transfer_gain, 0) as transfer_gain,
        by_type.n_fx_transactions,
        by_type.n_unknown_arrivals,
        coalesce(foreign_cash.foreign_cash_opened, 0) as foreign_cash_opened
    from by_type
    left join transfers using (portfolio_id, business_date)
    left join foreign_cash using (portfolio_id, business_date)
)

select * from final
