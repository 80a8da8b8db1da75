{#
External flows and income by portfolio and day, in the portfolio's currency, at the rates of the day's close. Cash that
is converted and units that change accounts are no flow; what a conversion or a trade was done at beside the close is
`fx_difference`. Transactions without a rate are counted and not added.
#}
with transactions as (
    select
        *,
        {{ product('cash_effect', 'close_fx_rate') }} as cash_effect_base,
        {{ product('accrued', 'close_fx_rate') }} as accrued_base,
        {{ product('fees', 'close_fx_rate') }} as fees_base,
        cash_effect + case txn_type when 'BUY' then accrued when 'SELL' then -accrued else 0 end as clean_effect
    from {{ ref('int_transactions_converted') }}
),

transfers as (
    select * from {{ ref('int_transfers_valued') }}
),

by_type as (
    select
        portfolio_id,
        business_date,
        sum(cash_effect_base) filter (where txn_type = 'DEPOSIT') as deposited,
        -sum(cash_effect_base) filter (where txn_type = 'WITHDRAW') as withdrawn,
        sum(cash_effect_base) filter (where txn_type in ('INTEREST', 'DIVIDEND', 'COUPON')) as received,
        sum(case txn_type when 'BUY' then -accrued_base when 'SELL' then accrued_base end) as accrued_sold,
        -sum(cash_effect_base) filter (where txn_type = 'TAX') as tax,
        -sum(cash_effect_base) filter (where txn_type = 'FEE') as standalone_fees,
        sum(fees_base) filter (where txn_type in ('BUY', 'SELL')) as trade_fees,
        sum({{ product('clean_effect', 'close_fx_rate') }} - {{ product('clean_effect', 'fx_rate') }})
            filter (
                where
                txn_type in ('BUY', 'SELL', 'TRADE_FEE', 'RETURN_OF_CAPITAL', 'COST_ADJUSTMENT', 'MERGER')
                and cash_effect <> 0
                and not is_base_currency
            ) as traded_beside_the_close,
        sum({{ product('cost_effect', 'fx_rate') }})
            filter (where txn_type = 'COST_ADJUSTMENT' and cash_effect = 0) as cost_adjusted,
        sum(cash_effect_base) filter (where transfer_id is not null and security_id is null) as converted,
        count(*) filter (where close_fx_rate is null and (cash_effect <> 0 or quantity <> 0)) as n_fx_transactions,
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
        coalesce(by_type.deposited, 0) + coalesce(transfers.arrived_value, 0) as inflow,
        coalesce(by_type.withdrawn, 0) + coalesce(transfers.departed_value, 0) as outflow,
        coalesce(by_type.received, 0) + coalesce(by_type.accrued_sold, 0) as income,
        coalesce(by_type.tax, 0) as tax,
        coalesce(by_type.standalone_fees, 0) as standalone_fees,
        coalesce(by_type.trade_fees, 0) as trade_fees,
        coalesce(transfers.transfer_gain, 0) - coalesce(by_type.cost_adjusted, 0) as transfer_gain,
        coalesce(by_type.traded_beside_the_close, 0) + coalesce(by_type.converted, 0) as fx_difference,
        by_type.n_fx_transactions,
        by_type.n_unknown_arrivals
    from by_type
    left join transfers using (portfolio_id, business_date)
)

select * from final
